package trigger

import (
	"context"

	"github.com/gowhisk/gowhisk/internal/cloudevent"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/internal/store"
	"github.com/gowhisk/gowhisk/internal/webaction"
)

// arrival is an event that the transport brought and nobody here had sent.
type arrival struct {
	key   eventKey
	rule  entity.Name // that it was brought for
	entry store.Entry // that makes it known
}

// Load reads which events were accepted before the last stop. It comes before the first Deliver.
func (f *Firer) Load(ctx context.Context) error {
	if f.carrier == nil {
		return nil
	}
	return f.carrier.seen.load(ctx)
}

// Deliver takes an event that the transport brings for a rule. That of a fire lets the rule's action
// run if it still waits. One from outside fires the trigger, in the name of the namespace's owner, the
// first time that it comes for any rule of it; source and id tell events apart. nil means that there
// is nothing left to do for that rule, also if the event had come before. Errors: entity.ErrNotFound
// if there is no such rule, those of Fire, kind Throttled also if only the rule's action is.
func (f *Firer) Deliver(ctx context.Context, rule entity.Name, e cloudevent.Event, transaction string) error {
	if f.carrier == nil {
		return entity.ErrNotFound
	}
	r, err := f.cfg.Catalog.Rule(ctx, rule)
	if err != nil {
		return err
	}
	c, key := f.carrier, keyOf(r.Trigger, e.Attributes["source"], e.Attributes["id"])
	if c.held.claim(key, rule) || isFired(e, r.Trigger) {
		c.delivered.Add(1)
		c.trust(r.Trigger)
		return nil
	}
	_, err, _ = c.arrive.Do(string(key), func() (any, error) {
		if c.seen.has(key) {
			return nil, nil
		}
		return nil, f.fireFromOutside(context.WithoutCancel(ctx), r, e, key, transaction)
	})
	if err != nil {
		return err
	}
	c.delivered.Add(1)
	c.held.claim(key, rule)
	return nil
}

// fireFromOutside fires the trigger of a rule that an event has come for.
func (f *Firer) fireFromOutside(ctx context.Context, r *entity.Rule, e cloudevent.Event, key eventKey, transaction string) error {
	payload, ok := e.Arguments(webaction.Reserved)
	if !ok {
		return entity.Errorf(entity.Malformed, "%s", webaction.ErrReserved.Message)
	}
	owner, err := f.carrier.Identities.OfNamespace(ctx, r.Trigger.Namespace)
	if err != nil {
		return err
	}
	id, err := f.fire(ctx, Event{
		Identity: owner, Trigger: r.Trigger, Payload: payload, Transaction: transaction, Accepted: f.carrier.Now(),
		Trace: protocol.ParseTrace(e.Attributes[protocol.TraceParent], e.Attributes[protocol.TraceState]),
	}, &arrival{key, r.Name, f.carrier.seen.entry(key)})
	if err != nil || id == "" {
		return err
	}
	if err := f.carrier.seen.add(ctx, key); err != nil {
		f.carrier.Logger.Warn("old events are kept longer than they need be", "error", err)
	}
	return nil
}

// Deliveries counts the deliveries that were taken, and the activations that ran since none came.
func (f *Firer) Deliveries() (taken, missed int64) {
	if f.carrier == nil {
		return 0, 0
	}
	return f.carrier.delivered.Load(), f.carrier.overdue.Load()
}

// Close ends what hands events over. Nobody may fire any more.
func (f *Firer) Close() {
	if f.carrier != nil {
		f.carrier.close()
	}
}
