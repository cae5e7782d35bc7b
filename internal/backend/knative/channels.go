package knative

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// Events is what Channels ask about triggers and rules, as package catalog answers it.
type Events interface {
	Trigger(ctx context.Context, name entity.Name) (*entity.Trigger, error)
	Rule(ctx context.Context, name entity.Name) (*entity.Rule, error)
}

// ChannelOptions say which cluster, and how it is used.
type ChannelOptions struct {
	Client    dynamic.Interface
	Namespace string // of Kubernetes, that all objects are in
	Form      string // FormChannel, FormBroker or FormNone
	Owner     string // tells apart several servers in one namespace
	Secret    []byte // from which the keys are derived that deliveries bring
	Catalog   Events
	// Triggers names those that there are when the server starts.
	Triggers func(context.Context) ([]entity.Name, error)
	// Ingress is where events for Channels enter a cluster that this process is not in; nil if it is.
	Ingress *url.URL
	URL     string // under which the cluster reaches this server
	Logger  *slog.Logger
}

// Channels are the triggers and active rules of a catalog as Channels and Subscriptions of Knative
// Eventing, or as a Broker with Triggers. They are a trigger.Transport.
type Channels struct {
	opt       ChannelOptions
	cluster   cluster
	form      eventing
	client    *http.Client
	queue     names
	carriers  *services
	rules     *services
	installed atomic.Bool // the cluster has what is needed, and all of ours is known
	stop      context.CancelFunc
	workers   sync.WaitGroup
}

// NewChannels begins to look after the cluster; it does not wait for it. Close ends it.
func NewChannels(opt ChannelOptions) *Channels {
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Channels{
		opt: opt, cluster: cluster{opt.Client, opt.Namespace, opt.Owner, opt.Logger}, client: newClient(opt.Ingress, nil),
		queue: newNames(), carriers: newServices(), rules: newServices(), form: forms[opt.Form],
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.stop = cancel
	c.workers.Go(func() { c.run(ctx) })
	return c
}

// Close ends what runs in the background. The Channels stay.
func (c *Channels) Close() {
	c.stop()
	c.queue.ShutDown()
	c.workers.Wait()
	c.client.CloseIdleConnections()
}

// Changed tells that something of that name was written or deleted.
func (c *Channels) Changed(name entity.Name) {
	if name.Package == "" {
		c.queue.Add(name)
	}
}

// run watches and works, if the cluster has Knative Eventing.
func (c *Channels) run(ctx context.Context) {
	for name, form := range forms {
		if name != c.opt.Form {
			c.clear(ctx, form)
		}
	}
	if c.opt.Form == FormNone {
		return
	}
	has, err := c.find(ctx)
	if err != nil {
		return // the end of the server
	}
	if !has {
		c.opt.Logger.Info("the cluster has no " + c.form.carriers.Resource + " of Knative Eventing: rules run their actions without it")
		return
	}
	for _, seen := range []<-chan struct{}{
		c.cluster.watch(ctx, &c.workers, c.form.carriers, c.see(c.carriers), c.miss(c.carriers)),
		c.cluster.watch(ctx, &c.workers, c.form.rules, c.see(c.rules), c.miss(c.rules)),
	} {
		select {
		case <-seen:
		case <-ctx.Done():
			return
		}
	}
	c.installed.Store(true)
	triggers, err := c.opt.Triggers(ctx)
	if err != nil {
		c.opt.Logger.Warn("not all triggers may be in the cluster until they are written or fire", "error", err)
	}
	for _, name := range triggers {
		c.queue.Add(name)
	}
	for range workers {
		c.workers.Go(func() { c.cluster.work(ctx, c.queue, "trigger", c.reconcile) })
	}
}

// find tells whether the cluster has what carries events, as soon as it answers.
func (c *Channels) find(ctx context.Context) (bool, error) {
	for pause := time.Second; ; pause = min(2*pause, time.Minute) {
		_, err := c.cluster.resource(c.form.carriers).List(ctx, metav1.ListOptions{Limit: 1})
		if err == nil || apierrors.IsNotFound(err) {
			return err == nil, nil
		}
		c.opt.Logger.Warn("it is not known yet whether the cluster has Knative Eventing", "error", err)
		again := time.NewTimer(pause)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return false, fmt.Errorf("look for Knative Eventing: %w", context.Cause(ctx))
		}
	}
}

// see takes note of an object, and has its trigger looked after.
func (c *Channels) see(known *services) func(*unstructured.Unstructured) {
	return func(u *unstructured.Unstructured) {
		s, err := read(u)
		if err != nil {
			c.opt.Logger.Error("an object of the cluster cannot be read", "kind", u.GetKind(), "name", u.GetName(), "error", err)
			return
		}
		known.set(&s)
		c.look(&s)
	}
}

// miss takes note that an object is gone.
func (c *Channels) miss(known *services) func(*unstructured.Unstructured) {
	return func(u *unstructured.Unstructured) {
		before, _ := known.get(u.GetName())
		known.remove(u.GetName())
		if before != nil {
			c.look(before)
		}
	}
}

func (c *Channels) look(s *service) {
	if namespace, name, ok := cutName(s.Metadata.Annotations[noteTrigger]); ok {
		c.queue.Add(entity.Name{Namespace: namespace, Name: name})
		return
	}
	for _, trigger := range c.rules.triggers() { // a Broker is every trigger's
		c.queue.Add(trigger)
	}
}
