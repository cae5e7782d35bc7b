package server

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/gowhisk/gowhisk/internal/backend/builtin"
	"github.com/gowhisk/gowhisk/internal/catalog"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/feed"
	"github.com/gowhisk/gowhisk/internal/feed/alarms"
	"github.com/gowhisk/gowhisk/internal/feed/kafka"
	"github.com/gowhisk/gowhisk/internal/feed/webhook"
	"github.com/gowhisk/gowhisk/internal/sandbox"
	"github.com/gowhisk/gowhisk/internal/trigger"
)

// feeds are the providers of events that live in the server. The zero value
// has none.
type feeds struct {
	door     feed.Door
	alarms   *alarms.Provider
	webhooks *webhook.Provider
	kafka    *kafka.Provider
	dial     kafka.Allow // where users may have the server connect to

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
	p.feeds.dial = func(to netip.AddrPort) bool { return mayDial(p.egress, to) }
	p.feeds.kafka = kafka.New(kafka.Config{
		Registry: p.db.Registry(), Gun: gun, Allow: p.feeds.dial, MaxSize: int(entity.MaxPayloadSize), Log: log,
	})
	p.metrics.Gauge("alarms", "Triggers with an alarm.", func() float64 { return float64(p.feeds.alarms.Count()) })
}

// mayDial reports whether the server connects to an address that a user names:
// where actions may connect to, and to its own loopback if that is opened on
// purpose.
func mayDial(egress sandbox.Policy, to netip.AddrPort) bool {
	if egress.Allow(to, sandbox.TCP) == sandbox.Connect {
		return true
	}
	opened := func(n netip.Prefix) bool { return n.Contains(to.Addr().Unmap()) }
	return !egress.None && slices.ContainsFunc(egress.AllowNets, opened)
}

// begin takes up what was registered and starts to fire.
func (f *feeds) begin(ctx context.Context) error {
	if err := errors.Join(f.alarms.Load(ctx), f.webhooks.Load(ctx), f.kafka.Start(ctx)); err != nil {
		return err
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f.cancel = cancel
	f.running.Go(func() { f.alarms.Run(running) })
	return nil
}

// end stops firing; events under way are accepted or given up before it
// returns, unless ctx ends first.
func (f *feeds) end(ctx context.Context) {
	if f.cancel != nil {
		f.cancel()
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.running.Wait()
		if f.kafka != nil {
			f.kafka.Close()
		}
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
}

// functions are the feed actions.
func (f *feeds) functions() map[string]builtin.Function {
	return map[string]builtin.Function{
		"alarms/alarm":    f.function(f.alarms, alarms.TypeParam, alarms.TypeCron),
		"alarms/interval": f.function(f.alarms, alarms.TypeParam, alarms.TypeInterval),
		"alarms/once":     f.function(f.alarms, alarms.TypeParam, alarms.TypeOnce),
		"webhook/receive": f.function(f.webhooks, webhook.TypeParam, webhook.TypeStandard),
		"github/webhook":  f.function(f.webhooks, webhook.TypeParam, webhook.TypeGitHub),

		"messaging/kafkaFeed":    f.function(f.kafka, "", ""),
		"messaging/kafkaProduce": f.produce,
	}
}

// produce is the action that sends to a Kafka topic.
func (f *feeds) produce(ctx context.Context, call *builtin.Call) (json.RawMessage, error) {
	partition, offset, err := kafka.Produce(ctx, call.Args, f.dial)
	if err != nil {
		return builtin.Fail("%v", err), nil
	}
	return entity.Marshal(map[string]int64{"partition": int64(partition), "offset": offset})
}

// function makes a feed action of a provider, with one parameter that is
// fixed unless its name is empty.
func (f *feeds) function(p feed.Provider, param, value string) builtin.Function {
	fixed := feed.Params{}
	if param != "" {
		fixed[param] = json.RawMessage(`"` + value + `"`)
	}
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
