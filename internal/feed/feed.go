// Package feed is what all providers of events share: the lifecycle that
// clients drive through a feed action, what is kept of a trigger that a
// provider fires, and how a fire that fails is judged. The providers are the
// packages below this one.
//
// A feed is an action that a client calls beside a trigger: to CREATE the
// registration of the trigger, to READ, UPDATE, PAUSE, UNPAUSE or DELETE it.
// OpenWhisk 5.4.
package feed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// Event is what the client asks for. OpenWhisk 5.4.2.
type Event string

// The events of the lifecycle.
const (
	Create  Event = "CREATE"
	Read    Event = "READ"
	Update  Event = "UPDATE"
	Delete  Event = "DELETE"
	Pause   Event = "PAUSE"
	Unpause Event = "UNPAUSE"
)

// Call is one call of a feed action by somebody whose key opens the namespace
// of the trigger. The trigger exists, but for Delete.
type Call struct {
	Event   Event
	Trigger entity.Name
	Owner   *entity.Identity
	Params  Params // what is not of the lifecycle
}

// Provider answers calls. The result is any JSON object. A *Refusal is the
// caller's fault and becomes an application error, all other errors are the
// platform's. It is called concurrently.
type Provider interface {
	Feed(ctx context.Context, c *Call) (result any, err error)
}

// Success is the result of a call that has nothing to tell.
func Success() any { return map[string]string{"status": "success"} }

// Refusal is the error of a call that cannot be done.
type Refusal struct {
	Status int // as a web server would answer
	Text   string
}

func (r *Refusal) Error() string { return r.Text }

// Refuse makes a Refusal of status 400.
func Refuse(format string, args ...any) error {
	return &Refusal{Status: http.StatusBadRequest, Text: fmt.Sprintf(format, args...)}
}

// Missing is the Refusal of a call about a trigger that has no registration.
func Missing(trigger entity.Name) error {
	return &Refusal{Status: http.StatusNotFound, Text: "could not find trigger /" + trigger.String() + " in the database"}
}

// result renders what the action answers. The text of a refusal stands in an
// object of its own, as the feeds of OpenWhisk have it.
func result(body any, err error) (json.RawMessage, error) {
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		body, err = map[string]any{"error": map[string]string{"error": refusal.Text}}, nil
	}
	if err != nil {
		return nil, err
	}
	out, err := entity.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode the answer of a feed: %w", err)
	}
	return out, nil
}
