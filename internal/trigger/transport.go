package trigger

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/url"
	"time"

	"github.com/gowhisk/gowhisk/internal/cloudevent"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// Transport carries events from triggers to rules outside of this process. What it is handed is safe
// here already: it may lose events, bring them late, or several times. It is called concurrently.
type Transport interface {
	// Carries tells whether somebody takes the events of a trigger, and Delivers whether an event that
	// is taken now is brought back for a rule. They tell what is known, and do not wait.
	Carries(trigger entity.Name) bool
	Delivers(trigger, rule entity.Name) bool
	// Send hands an event over.
	Send(ctx context.Context, trigger entity.Name, e cloudevent.Event) error
}

// Identities finds whose a namespace is: the activations that an event from outside makes are theirs.
type Identities interface {
	OfNamespace(ctx context.Context, name string) (*entity.Identity, error)
}

// Delivery is how events are carried; all but Now and Logger is required.
type Delivery struct {
	Transport  Transport
	Identities Identities
	Registry   store.Registry // remembers events from outside
	// Patience is how long an event may be on its way. Then the actions of its rules run without it.
	Patience time.Duration
	Now      func() time.Time
	Logger   *slog.Logger
}

// FiredType is the type of the events that tell of a fire.
const FiredType = "dev.gowhisk.trigger.fired"

// Source is the source of the events that tell of fires of a trigger.
func Source(trigger entity.Name) string {
	return "/namespaces/" + url.PathEscape(trigger.Namespace) + "/triggers/" + url.PathEscape(trigger.Name)
}

// fired is the event that tells of a fire: its id is that of the trigger's activation, its data the
// payload as it came, without the parameters of the trigger.
func fired(e *Event, id entity.ActivationID) cloudevent.Event {
	data := e.Payload
	if len(data) == 0 {
		data = json.RawMessage(`{}`)
	}
	attributes := map[string]string{
		"specversion": "1.0", "id": string(id), "source": Source(e.Trigger), "type": FiredType,
		"time": e.Accepted.UTC().Format(time.RFC3339Nano), "datacontenttype": "application/json",
	}
	e.Trace.AddTo(attributes)
	return cloudevent.Event{Data: data, Attributes: attributes}
}

// isFired tells whether an event is of a fire of that trigger, which was accepted before it left.
func isFired(e cloudevent.Event, trigger entity.Name) bool {
	return e.Attributes["type"] == FiredType && e.Attributes["source"] == Source(trigger)
}
