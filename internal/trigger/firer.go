package trigger

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gowhisk/gowhisk/internal/catalog"
	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoke"
	"github.com/gowhisk/gowhisk/internal/manifest"
	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/internal/store"
)

// Catalog is what a Firer asks of the catalog.
type Catalog interface {
	Trigger(ctx context.Context, name entity.Name) (*entity.Trigger, error)
	Rule(ctx context.Context, name entity.Name) (*entity.Rule, error)
	Resolve(ctx context.Context, name entity.Name) (catalog.Resolved, error)
}

// Acceptor takes activations; invoke.Service is one.
type Acceptor interface {
	NewID() entity.ActivationID
	Accept(ctx context.Context, requests []invoke.Accepted, cause *entity.Activation, entries ...store.Entry) error
}

// Config holds what a Firer needs; all but Delivery is required.
type Config struct {
	Catalog     Catalog
	Entitlement *entitlement.Entitlement
	Manifest    func(context.Context) (*manifest.Manifest, error)
	Acceptor    Acceptor
	Delivery    *Delivery // nil lets the actions of rules run at once
}

// Firer fires triggers. It is safe for concurrent use.
type Firer struct {
	cfg     Config
	carrier *carrier // nil for none
}

// New returns a Firer.
func New(cfg Config) *Firer {
	f := &Firer{cfg: cfg}
	if cfg.Delivery != nil {
		f.carrier = newCarrier(*cfg.Delivery)
	}
	return f
}

// Event is what happened.
type Event struct {
	Identity    *entity.Identity // who fires: the activations are its own
	Trigger     entity.Name
	Payload     json.RawMessage   // an object, nil for none
	Headers     map[string]string // of the request that brought it, by lower-case name; nil leaves them out
	Transaction string
	Trace       protocol.Trace
	Accepted    time.Time // when it arrived
}

// Admit counts a fire and asks whether the identity may fire the trigger.
// Errors: kind Throttled, Forbidden.
func (f *Firer) Admit(ctx context.Context, id *entity.Identity, trigger entity.Name) error {
	if err := f.cfg.Entitlement.Rate(id, entitlement.Fire); err != nil {
		return err
	}
	return f.cfg.Entitlement.Check(ctx, id, entitlement.Activate, entitlement.Resource{Collection: entity.Triggers, Name: trigger})
}

// Fire admits the event and accepts an activation for each active rule of the
// trigger. It returns the id of the trigger's own record, which is stored
// then; "" if no rule is active, and nothing was done. What keeps one rule
// from its action is told in the record and keeps no other. Errors are
// refusals of the whole, those of Admit and entity.ErrNotFound among them:
// nothing was accepted. OpenWhisk 5.1.6–5.1.15.
func (f *Firer) Fire(ctx context.Context, e Event) (entity.ActivationID, error) {
	return f.fire(ctx, e, nil)
}

// fire is Fire. An event that came from outside is not sent there again, and is refused if the action
// of the rule that it came for is throttled: it will be brought once more.
func (f *Firer) fire(ctx context.Context, e Event, from *arrival) (entity.ActivationID, error) {
	if err := f.Admit(ctx, e.Identity, e.Trigger); err != nil {
		return "", err
	}
	t, err := f.cfg.Catalog.Trigger(ctx, e.Trigger)
	if err != nil {
		return "", err
	}
	if !active(t) {
		return "", nil
	}
	args, err := arguments(t, &e)
	if err != nil {
		return "", err
	}
	id := f.cfg.Acceptor.NewID()
	all := f.follow(ctx, t, &e, args)
	if from != nil {
		if err := all.throttled(from.rule); err != nil {
			all.giveBack()
			return "", err
		}
	}
	var cause *entity.Activation
	if e.Identity.StoresActivations() {
		cause = record(t, &e, id, all.outcomes())
	}
	if err := f.accept(ctx, &e, id, all, cause, from); err != nil {
		return "", err
	}
	return id, nil
}

// accept makes what the event causes durable and sends the event on its way.
func (f *Firer) accept(ctx context.Context, e *Event, id entity.ActivationID, all *course, cause *entity.Activation, from *arrival) error {
	if f.carrier == nil {
		return f.cfg.Acceptor.Accept(ctx, all.requests, cause)
	}
	if from != nil {
		f.carrier.hold(e.Trigger, from.key, all, from.rule)
		err := f.cfg.Acceptor.Accept(ctx, all.requests, cause, from.entry)
		if err != nil {
			f.carrier.held.release(from.key)
		}
		return err
	}
	carried, key := f.carrier.Transport.Carries(e.Trigger), keyOf(e.Trigger, Source(e.Trigger), string(id))
	if carried {
		f.carrier.hold(e.Trigger, key, all, entity.Name{})
	}
	if err := f.cfg.Acceptor.Accept(ctx, all.requests, cause); err != nil {
		f.carrier.held.release(key)
		return err
	}
	if carried {
		f.carrier.send(e.Trigger, key, fired(e, id))
	}
	return nil
}

func active(t *entity.Trigger) bool {
	for _, l := range t.Rules {
		if l.Active {
			return true
		}
	}
	return false
}
