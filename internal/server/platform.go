package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gowhisk/gowhisk/internal/activation"
	"github.com/gowhisk/gowhisk/internal/admin"
	"github.com/gowhisk/gowhisk/internal/apigateway"
	"github.com/gowhisk/gowhisk/internal/auth"
	"github.com/gowhisk/gowhisk/internal/backend/builtin"
	"github.com/gowhisk/gowhisk/internal/backend/knative"
	"github.com/gowhisk/gowhisk/internal/backend/local"
	"github.com/gowhisk/gowhisk/internal/catalog"
	"github.com/gowhisk/gowhisk/internal/config"
	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/controller"
	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoke"
	"github.com/gowhisk/gowhisk/internal/invoker"
	"github.com/gowhisk/gowhisk/internal/sandbox"
	"github.com/gowhisk/gowhisk/internal/store/pebble"
	"github.com/gowhisk/gowhisk/internal/telemetry"
	"github.com/gowhisk/gowhisk/internal/trigger"
)

// platform is everything between the listeners and the sandboxes, joined.
// Fields are in the order in which they are made; close goes the other way.
type platform struct {
	url       string
	actionURL string   // where actions reach the API
	notes     []string // for whoever starts the server
	guestOpen bool     // the guest's key is the public one
	kinds     *kinds
	db        *pebble.DB
	metrics   *telemetry.Metrics
	auth      *auth.Authenticator
	egress    sandbox.Policy // of actions, and of what the server connects to for them
	sandboxes *sandbox.Host
	factory   *local.Factory
	pool      *containerpool.Pool // nil with another backend
	knative   *knative.Backend    // nil with another backend
	channels  *knative.Channels   // nil if the cluster carries no events
	cluster   http.ServeMux       // what is below clusterPrefix
	where     string              // actions run, in words
	service   *invoke.Service
	gateway   *apigateway.Gateway
	feeds     feeds

	installation *installation
	firer        *trigger.Firer
	api          *controller.Controller

	stopRecorder context.CancelFunc
	recording    sync.WaitGroup
}

// newPlatform builds the parts. On error it closes those it had built.
func newPlatform(ctx context.Context, c config.Config, o Options, actionURL string) (_ *platform, err error) {
	p := &platform{url: publicURL(c), actionURL: actionURL, metrics: telemetry.New(o.Version), stopRecorder: func() {}}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close(context.WithoutCancel(ctx)))
		}
	}()
	if p.kinds, err = findKinds(ctx, c, o); err != nil {
		return nil, err
	}
	opened := make(chan error, 1)
	go func() { opened <- p.openStore(ctx, c, o) }()
	made := p.makeBackend(ctx, c, o)
	if err := errors.Join(<-opened, made); err != nil {
		return nil, err
	}
	if err := p.makeAPI(ctx, c, o); err != nil {
		return nil, err
	}
	p.observe()
	return p, nil
}

// openStore opens the store and makes sure that its first users exist.
func (p *platform) openStore(ctx context.Context, c config.Config, o Options) (err error) {
	if p.db, err = pebble.Open(ctx, storeDir(c.DataDir), pebble.Options{Logger: o.Log}); err != nil {
		return fmt.Errorf("open store: %w", err)
	}
	random := randomKeys(c)
	fresh, err := admin.Bootstrap(ctx, p.db.Subjects(), random, c.Bootstrap.Users)
	if err != nil {
		return err
	}
	if fresh && random {
		p.notes = append(p.notes, "keys are random: gowhisk admin --data-dir "+c.DataDir+" user get guest")
	}
	open, err := admin.PublicKeys(ctx, p.db.Subjects())
	if err != nil {
		return err
	}
	p.guestOpen = slices.Contains(open, admin.Guest)
	if len(open) > 0 && !onLoopback(c.Listen) {
		p.notes = append(p.notes, "everybody knows the key of "+strings.Join(open, " and ")+
			": gowhisk admin --data-dir "+c.DataDir+" user create "+open[0]+" --revoke")
	}
	return nil
}

// makeBackend makes what runs actions here. A cluster comes later: it asks the catalog.
func (p *platform) makeBackend(ctx context.Context, c config.Config, o Options) error {
	options, err := sandboxOptions(ctx, c, p.actionURL)
	if err != nil {
		return err
	}
	p.egress = options.Egress
	if c.Backend == onKnative {
		return nil
	}
	return p.makePool(ctx, c, o, options)
}

// makePool finds the isolation that works here and starts the pool in it.
func (p *platform) makePool(ctx context.Context, c config.Config, o Options, options sandbox.Options) (err error) {
	if err := sandbox.CleanUp(ctx, options.Owner); err != nil {
		o.Log.Warn("what an earlier server left is not all removed", "error", err)
	}
	if p.sandboxes, err = sandbox.New(options, sandbox.Probe(ctx, options)); err != nil {
		return unisolated(err)
	}
	executable, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find own program: %w", err)
	}
	factory, err := local.New(local.Options{
		Sandbox:    p.sandboxes,
		Hosts:      p.kinds.Hosts,
		Dir:        filepath.Join(c.DataDir, "containers"),
		Executable: executable,
		Blackbox:   c.Blackbox,
		Fork:       c.Fork,
		Images:     []string{entity.SkeletonImage},
		Logger:     o.Log,
	})
	if err != nil {
		return fmt.Errorf("local backend: %w", err)
	}
	p.factory, p.where = factory, isolation(p.sandboxes.Report())
	p.metrics.Gauge("containers_forked", "Containers started by fork from a zygote.", func() float64 { return float64(factory.Forks()) })
	p.pool = containerpool.New(factory, containerpool.Options{
		Memory:     int64(c.Pool.Memory),
		PauseGrace: time.Duration(c.Pool.PauseGrace),
		IdleTime:   time.Duration(c.Pool.IdleTimeout),
		APIHost:    p.actionURL,
		Logger:     o.Log,
		Observer:   p.metrics,
	})
	return nil
}

// makeAPI joins policy, catalog and engine behind the REST interface.
func (p *platform) makeAPI(ctx context.Context, c config.Config, o Options) (err error) {
	p.auth = auth.New(p.db.Subjects())
	p.installation = newInstallation(p.db.Entities())
	names := catalog.New(p.installation, time.Now)
	recorder := activation.NewRecorder(p.db.Activations(), p.db.Queue(), activation.Options{
		MaxAge: time.Duration(c.Retention.Age), MaxBytes: int64(c.Retention.Size), Logger: o.Log,
	})
	recording, stopRecorder := context.WithCancel(context.Background())
	p.stopRecorder = stopRecorder
	p.recording.Go(func() { recorder.Run(recording) })
	settings := entitled(c)
	rights := entitlement.New(settings, names, time.Now)
	p.makeGateway(o.Log)
	p.makeFeeds(names, o.Log)
	p.installation.begin(names, p.db.Registry(), p.kinds, o.Log)
	var next invoker.Invoker = p.pool
	if c.Backend == onKnative {
		if err := p.makeKnative(ctx, c, names, o); err != nil {
			return err
		}
		next = p.knative
	}
	p.service = invoke.New(invoke.Config{
		Invoker: builtin.New(next, p.functions(), o.Log), Catalog: names, Entitlement: rights, Recorder: recorder, Records: p.db.Activations(), Queue: p.db.Queue(),
		Identities: p.auth, Observer: p.metrics, Logger: o.Log, MaxComponents: settings.SequenceLength,
	})
	p.firer = trigger.New(trigger.Config{Catalog: names, Entitlement: rights, Manifest: p.kinds.Manifest, Acceptor: p.service, Delivery: p.delivery(c, o.Log)})
	if err := p.firer.Load(ctx); err != nil {
		return err
	}
	p.servePods(o.Log)
	p.api, err = controller.New(controller.Config{
		Auth:        p.auth,
		Entitlement: rights,
		Catalog:     names,
		Manifest:    p.kinds.Manifest,
		Invoker:     p.service,
		Firer:       p.firer,
		Activations: p.db.Activations(),
		Health:      health{p.db, recorder},
		Metrics:     p.metrics.Handler(),
		Observer:    p.metrics,
		Logger:      o.Log,
		Now:         time.Now,
		Build:       controller.Build{Date: buildDate(), Number: o.Version},
		WebHost:     c.WebHost,
		Placement:   p.placement,
	})
	return err
}

// recover takes up what was accepted before the server stopped.
func (p *platform) recover() error {
	if err := p.service.Recover(); err != nil {
		return fmt.Errorf("take up accepted activations: %w", err)
	}
	return nil
}

// drain ends the feeds and waits for activations in flight until ctx ends.
func (p *platform) drain(ctx context.Context) error {
	p.feeds.end(ctx)
	err := p.service.Drain(ctx)
	p.firer.Close()
	return err
}

// close ends what newPlatform made, as far as it came.
func (p *platform) close(ctx context.Context) error {
	var errs []error
	p.feeds.end(ctx)
	if p.pool != nil {
		errs = append(errs, p.pool.Close(ctx))
		p.factory.Close(ctx)
	}
	if p.channels != nil {
		p.channels.Close()
	}
	if p.knative != nil {
		p.knative.Close()
	}
	if p.sandboxes != nil {
		errs = append(errs, p.sandboxes.Close(ctx))
	}
	p.stopRecorder()
	p.recording.Wait()
	if p.installation != nil {
		p.installation.end()
	}
	if p.db != nil {
		errs = append(errs, p.db.Close())
	}
	return errors.Join(errs...)
}

func (p *platform) observe() {
	if p.knative != nil {
		p.metrics.Gauge("knative_stem_cells", "Pods that wait for an action.", func() float64 {
			waiting, _ := p.knative.StemCells()
			return float64(waiting)
		})
		p.metrics.Gauge("knative_stem_cells_taken", "Pods that stand in for a Service which wakes.", func() float64 {
			_, taken := p.knative.StemCells()
			return float64(taken)
		})
	}
	if p.pool == nil {
		return
	}
	gauges := []struct {
		name, help string
		read       func(containerpool.Stats) float64
	}{
		{"pool_containers", "Containers of the pool.", func(s containerpool.Stats) float64 { return float64(s.Containers) }},
		{"pool_idle", "Containers without an activation.", func(s containerpool.Stats) float64 { return float64(s.Idle) }},
		{"pool_frozen", "Idle containers that are frozen.", func(s containerpool.Stats) float64 { return float64(s.Frozen) }},
		{"pool_stem_cells", "Containers without an action.", func(s containerpool.Stats) float64 { return float64(s.StemCells) }},
		{"pool_waiting", "Activations that wait for a container.", func(s containerpool.Stats) float64 { return float64(s.Waiting) }},
		{"pool_memory_charged_bytes", "Memory of all containers as charged.", func(s containerpool.Stats) float64 { return float64(s.MemoryCharged) }},
		{"pool_memory_limit_bytes", "Memory that containers may have together.", func(s containerpool.Stats) float64 { return float64(s.MemoryLimit) }},
	}
	for _, g := range gauges {
		p.metrics.Gauge(g.name, g.help, func() float64 { return g.read(p.pool.Stats()) })
	}
}
