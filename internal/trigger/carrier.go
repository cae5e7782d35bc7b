package trigger

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/gowhisk/gowhisk/internal/cloudevent"
	"github.com/gowhisk/gowhisk/internal/entity"
)

// sendTimeout bounds the handing over of one event, which others than our rules may wait for.
const sendTimeout = 10 * time.Second

// sendAtOnce bounds how many events are being handed over.
const sendAtOnce = 64

// mostDoubted bounds how many triggers are remembered whose events do not come back.
const mostDoubted = 10_000

// carrier sends events on their way and knows what waits for them.
type carrier struct {
	Delivery
	held    held
	seen    seen
	arrive  singleflight.Group // by eventKey
	slots   chan struct{}
	life    context.Context //nolint:containedctx // of the sending, which outlives the fire
	stop    context.CancelFunc
	sending sync.WaitGroup
	failing atomic.Bool // the last event could not be handed over

	mu      sync.Mutex
	doubted map[entity.Name]bool // guarded by mu: triggers whose events have not come back in time

	delivered, overdue atomic.Int64
}

func newCarrier(d Delivery) *carrier {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	c := &carrier{Delivery: d, seen: seen{registry: d.Registry, now: d.Now}, slots: make(chan struct{}, sendAtOnce), doubted: map[entity.Name]bool{}}
	c.life, c.stop = context.WithCancel(context.Background())
	return c
}

// hold has the activations wait whose event is going to be delivered, but for that of the rule that it
// has been delivered for already. While the events of a trigger do not come back nothing waits.
func (c *carrier) hold(trigger entity.Name, key eventKey, all *course, arrived entity.Name) {
	if c.doubts(trigger) {
		return
	}
	rules := map[entity.Name]chan struct{}{}
	next := 0
	for i, l := range all.links {
		if all.errs[i] != nil {
			continue
		}
		if l.Rule != arrived && c.Transport.Delivers(trigger, l.Rule) {
			hold := make(chan struct{})
			rules[l.Rule], all.requests[next].Hold = hold, hold
		}
		next++
	}
	c.held.put(key, rules, c.Patience, func(n int) { c.late(trigger, n) })
}

// send hands an event over in the background. If that fails nothing waits for it.
func (c *carrier) send(trigger entity.Name, key eventKey, e cloudevent.Event) {
	c.sending.Go(func() {
		ctx, cancel := context.WithTimeout(c.life, sendTimeout)
		defer cancel()
		err := c.handOver(ctx, trigger, e)
		if err != nil {
			c.overdue.Add(int64(c.held.release(key)))
		}
		switch {
		case err == nil && c.failing.CompareAndSwap(true, false):
			c.Logger.Info("events are handed over to the cluster again")
		case err != nil && c.life.Err() == nil && c.failing.CompareAndSwap(false, true):
			c.Logger.Warn("events cannot be handed over to the cluster: rules run without it", "trigger", trigger.String(), "error", err)
		}
	})
}

func (c *carrier) handOver(ctx context.Context, trigger entity.Name, e cloudevent.Event) error {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
		return c.Transport.Send(ctx, trigger, e)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// late takes note that activations ran because their event did not come back.
func (c *carrier) late(trigger entity.Name, n int) {
	c.overdue.Add(int64(n))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.doubted[trigger] {
		return
	}
	if len(c.doubted) >= mostDoubted {
		clear(c.doubted)
	}
	c.doubted[trigger] = true
	c.Logger.Warn("an event does not come back from the cluster: rules of the trigger run without it until one does", "trigger", trigger.String(), "after", c.Patience.String())
}

func (c *carrier) doubts(trigger entity.Name) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.doubted[trigger]
}

// trust takes note that an event of the trigger came back.
func (c *carrier) trust(trigger entity.Name) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.doubted[trigger] {
		delete(c.doubted, trigger)
		c.Logger.Info("events come back from the cluster again", "trigger", trigger.String())
	}
}

// close ends the sending. What waits is let go by whoever drains the acceptor.
func (c *carrier) close() {
	c.stop()
	c.sending.Wait()
}
