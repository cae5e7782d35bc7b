package kafka

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/feed"
	"github.com/gowhisk/gowhisk/internal/store"
)

// kind is that of the entries in the registry.
const kind = "kafka"

// registered is what is kept of a trigger that listens to a topic.
type registered struct {
	feed.Registration
	Source Source `json:"source"`
	Group  string `json:"group"`
}

// Config wires a Provider; all fields are required.
type Config struct {
	Registry store.Registry
	Gun      *feed.Gun
	Allow    Allow
	MaxSize  int // of a payload, in bytes
	Log      *slog.Logger
}

// Provider is the feed /whisk.system/messaging/kafkaFeed. Make it with New,
// start it with Start and end it with Close.
type Provider struct {
	Config
	life  context.Context //nolint:containedctx // of the consumers, which outlive the calls
	abort context.CancelFunc
	tasks sync.WaitGroup

	turns feed.Turns // of the triggers

	mu       sync.Mutex
	closed   bool                       // guarded by mu
	triggers map[entity.Name]*listening // guarded by mu
}

// New returns a provider that does not listen yet.
func New(c Config) *Provider {
	life, abort := context.WithCancel(context.Background())
	return &Provider{Config: c, life: life, abort: abort, triggers: map[entity.Name]*listening{}}
}

// Start begins to listen for everything that is registered.
func (p *Provider) Start(ctx context.Context) error {
	return feed.Load(ctx, p.Registry, kind, func(r *registered) {
		defer p.turns.Take(r.Trigger)()
		l := &listening{registered: *r}
		p.put(l)
		if r.Status.Active {
			p.listen(l)
		}
	}, func(key string, err error) {
		p.Log.Error("registration of a Kafka feed cannot be read", "trigger", key, "error", err)
	})
}

// Close ends all consumers. What they had not fired is fired after the next
// start.
func (p *Provider) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.abort()
	p.tasks.Wait()
}

// Feed answers calls of the feed action; see feed.Provider.
func (p *Provider) Feed(ctx context.Context, c *feed.Call) (any, error) {
	defer p.turns.Take(c.Trigger)()
	l := p.find(c.Trigger)
	if l == nil && c.Event != feed.Create {
		return nil, feed.Missing(c.Trigger)
	}
	switch c.Event {
	case feed.Create:
		return p.create(ctx, c)
	case feed.Read:
		return l.shown(), nil
	case feed.Update:
		return p.update(ctx, l, c)
	case feed.Pause:
		return p.set(ctx, l, feed.Paused(time.Now()))
	case feed.Unpause:
		return p.set(ctx, l, feed.Active(time.Now()))
	default:
		return p.remove(ctx, l)
	}
}

func (p *Provider) find(trigger entity.Name) *listening {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.triggers[trigger]
}

func (p *Provider) put(l *listening) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.triggers[l.Trigger] = l
}

// launch runs a task unless the provider is closed; Close waits for it.
func (p *Provider) launch(task func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.tasks.Go(task)
	}
}
