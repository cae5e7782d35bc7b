package server

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/gowhisk/gowhisk/internal/backend/builtin"
	"github.com/gowhisk/gowhisk/internal/catalog"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/feed"
	"github.com/gowhisk/gowhisk/internal/feed/alarms"
	"github.com/gowhisk/gowhisk/internal/feed/webhook"
	"github.com/gowhisk/gowhisk/internal/trigger"
)

// feeds are the providers of events that live in the server. The zero value
// has none.
type feeds struct {
	door     feed.Door
	alarms   *alarms.Provider
	webhooks *webhook.Provider

	cancel  context.CancelFunc
	running sync.WaitGroup
}

// makeFeeds makes the providers. They fire through p.firer, which comes
// later.
func (p *platform) makeFeeds(names *catalog.Catalog, log *slog.Logger) {
	gun := &feed.Gun{Identities: p.auth, Firer: firing{p}}
	p.feeds.door = feed.Door{Auth: p.auth, Triggers: names}
	p.feeds.alarms = alarms.New(alarms.Config{Registry: p.db.Registry(), Gun: gun, Triggers: names, Logger: log})
	p.feeds.webhooks = webhook.New(webhook.Config{Registry: p.db.Registry(), Gun: gun, URL: p.url, Now: time.Now, Logger: log})
	p.metrics.Gauge("alarms", "Triggers with an alarm.", func() float64 { return float64(p.feeds.alarms.Count()) })
}

// begin takes up what was registered and starts to fire.
func (f *feeds) begin(ctx context.Context) error {
	if err := errors.Join(f.alarms.Load(ctx), f.webhooks.Load(ctx)); err != nil {
		return err
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f.cancel = cancel
	f.running.Go(func() { f.alarms.Run(running) })
	return nil
}

// end stops firing; events under way are accepted or given up before it
// returns.
func (f *feeds) end() {
	if f.cancel != nil {
		f.cancel()
	}
	f.running.Wait()
}

// functions are the feed actions.
func (f *feeds) functions() map[string]builtin.Function {
	return map[string]builtin.Function{
		"alarms/alarm":    f.function(f.alarms, alarms.TypeParam, alarms.TypeCron),
		"alarms/interval": f.function(f.alarms, alarms.TypeParam, alarms.TypeInterval),
		"alarms/once":     f.function(f.alarms, alarms.TypeParam, alarms.TypeOnce),
		"webhook/receive": f.function(f.webhooks, webhook.TypeParam, webhook.TypeStandard),
		"github/webhook":  f.function(f.webhooks, webhook.TypeParam, webhook.TypeGitHub),
	}
}

// function makes a feed action of a provider, with one parameter that is
// fixed.
func (f *feeds) function(p feed.Provider, param, value string) builtin.Function {
	act := f.door.Action(p, feed.Params{param: json.RawMessage(`"` + value + `"`)})
	return func(ctx context.Context, call *builtin.Call) (json.RawMessage, error) { return act(ctx, call.Args) }
}

// firing is the feeds' view of the trigger engine.
type firing struct{ p *platform }

// Fire fires as a client's POST does; see feed.Firer.
func (f firing) Fire(ctx context.Context, s feed.Shot) (entity.ActivationID, error) {
	return f.p.firer.Fire(ctx, trigger.Event{
		Identity: s.Identity, Trigger: s.Trigger, Payload: s.Payload, Headers: s.Headers,
		Transaction: rand.Text(), Accepted: time.Now(),
	})
}
