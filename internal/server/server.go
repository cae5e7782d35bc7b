package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/gowhisk/gowhisk/internal/admin"
	"github.com/gowhisk/gowhisk/internal/config"
)

// closeTimeout bounds the end of what holds no activation any more.
const closeTimeout = 10 * time.Second

// failedDrain bounds the drain time of a server whose store has failed.
const failedDrain = 500 * time.Millisecond

// Options is what a server takes from its process beside the settings.
type Options struct {
	Version string
	Log     *slog.Logger
	Path    string // PATH, where interpreters are looked for
	Home    string // home directory of the user, where some are, too

	// Ready is called once, when the server answers.
	Ready func(Summary) error
}

// Run serves until ctx ends, then stops in order: it stops accepting, lets
// activations end within the drain time, writes what is left and closes the
// store. nil means that all of that happened.
func Run(ctx context.Context, c config.Config, o Options) (err error) {
	if c.DataDir, err = makeDataDir(c.DataDir); err != nil {
		return err
	}
	api, err := listenForAPI(ctx, &c, o.Log)
	if err != nil {
		return err
	}
	lock, err := lockDataDir(c.DataDir)
	if err != nil {
		return errors.Join(err, api.close())
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	inner, err := listenForActions(ctx, c)
	if err != nil {
		return errors.Join(err, api.close())
	}
	p, err := newPlatform(ctx, c, o, actionURL(c, inner))
	if err != nil {
		return errors.Join(err, api.close(), inner.close())
	}
	serving := newEndpoints(o.Log)
	defer func() { err = errors.Join(err, stop(ctx, c, o, serving, p)) }()
	if err := open(ctx, c, api, inner, serving, p); err != nil {
		return err
	}
	if err := announce(ctx, c, o, p); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-serving.failed:
		return err
	case <-p.db.Failed():
		return p.db.Err()
	}
}

// open starts every listener. What had been accepted before the last stop
// is taken up first, so that it comes before what is new.
func open(ctx context.Context, c config.Config, api listeners, inner innerListener, serving *endpoints, p *platform) error {
	if err := errors.Join(p.recover(), p.feeds.begin(ctx)); err != nil {
		return errors.Join(err, api.close(), inner.close())
	}
	for _, l := range api {
		serving.serve("api", l, p.handler(c.WebHost))
	}
	if inner.Listener != nil {
		serving.serve("actions", inner.Listener, p.handler(c.WebHost))
	}
	commands, err := admin.Listen(ctx, c.DataDir)
	if err != nil {
		return err
	}
	serving.serve("admin", commands, admin.Handler(p.db.Subjects(), p.auth.Forget))
	if c.Pprof == "" {
		return nil
	}
	profiles, err := listen(ctx, c.Pprof)
	if err != nil {
		return err
	}
	serving.serve("pprof", profiles, profiling())
	return nil
}

// profiling serves the profiles of net/http/pprof and nothing else.
func profiling() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

// announce says to people and programs that the server answers, and where.
func announce(ctx context.Context, c config.Config, o Options, p *platform) error {
	if err := writeAddress(c.DataDir, p.url); err != nil {
		return err
	}
	hosts, err := p.kinds.Hosts(ctx)
	if err != nil {
		return fmt.Errorf("find runtimes: %w", err)
	}
	if p.pool != nil {
		p.pool.KeepStemCells(stemCells(p.kinds.manifest, hosts, c.Pool.StemCells))
	}
	if p.knative != nil {
		p.knative.KeepStemCells(stemCellsInCluster(p.kinds.manifest, c.Knative))
	}
	if o.Ready == nil {
		return nil
	}
	return o.Ready(p.summary(c, o.Version, hosts))
}

// stop ends the server in order. Every step has its bound, so that one that
// hangs does not keep the others from being done.
func stop(ctx context.Context, c config.Config, o Options, serving *endpoints, p *platform) error {
	ctx = context.WithoutCancel(ctx)
	began := time.Now()
	drain := time.Duration(c.Drain)
	if p.db.Err() != nil { // no result can be kept any more
		drain = min(drain, failedDrain)
	}
	o.Log.Info("stopping: no new requests, waiting for activations in flight", "at_most", drain.String())
	draining, cancel := context.WithTimeout(ctx, drain)
	defer cancel()
	drained := errors.Join(removeAddress(c.DataDir), serving.shutdown(draining), p.drain(draining))
	if draining.Err() != nil {
		o.Log.Warn("drain time is over: activations in flight are cut", "after", drain.String())
		drained = nil // that is what the bound is for
	}
	closing, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	closed := p.close(closing)
	o.Log.Info("stopped", "after", time.Since(began).Round(time.Millisecond).String())
	if err := errors.Join(drained, closed); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	return nil
}
