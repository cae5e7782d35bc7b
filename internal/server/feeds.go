package server

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/gowhisk/gowhisk/internal/backend/builtin"
	"github.com/gowhisk/gowhisk/internal/catalog"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/feed"
	"github.com/gowhisk/gowhisk/internal/feed/alarms"
	"github.com/gowhisk/gowhisk/internal/trigger"
)

// feeds are the providers of events that live in the server. The zero value
// has none.
type feeds struct {
	door   feed.Door
	alarms *alarms.Provider

	cancel  context.CancelFunc
	running sync.WaitGroup
}

// makeFeeds makes the providers. They fire through p.firer, which comes
// later.
func (p *platform) makeFeeds(names *catalog.Catalog, log *slog.Logger) {
	gun := &feed.Gun{Identities: p.auth, Firer: firing{p}}
	p.feeds.door = feed.Door{Auth: p.auth, Triggers: names}
	p.feeds.alarms = alarms.New(alarms.Config{Registry: p.db.Registry(), Gun: gun, Triggers: names, Logger: log})
	p.metrics.Gauge("alarms", "Triggers with an alarm.", func() float64 { return float64(p.feeds.alarms.Count()) })
}

// begin takes up what was registered and starts to fire.
func (f *feeds) begin(ctx context.Context) error {
	if err := f.alarms.Load(ctx); err != nil {
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
	alarm := func(alarmType string) builtin.Function {
		return f.function(f.alarms, feed.Params{alarms.TypeParam: json.RawMessage(`"` + alarmType + `"`)})
	}
	return map[string]builtin.Function{
		"alarms/alarm":    alarm(alarms.TypeCron),
		"alarms/interval": alarm(alarms.TypeInterval),
		"alarms/once":     alarm(alarms.TypeOnce),
	}
}

// function makes a feed action of a provider.
func (f *feeds) function(p feed.Provider, fixed feed.Params) builtin.Function {
	act := f.door.Action(p, fixed)
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
