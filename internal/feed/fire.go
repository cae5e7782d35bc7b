package feed

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// Shot is one event for a trigger. Headers nil means that the actions see
// none.
type Shot struct {
	Identity *entity.Identity
	Trigger  entity.Name
	Payload  json.RawMessage // an object, nil for {}
	Headers  map[string]string
}

// Firer fires triggers. An id means that the event is durable; "" that no
// rule of the trigger is active. Errors are refusals of kind *entity.Error.
type Firer interface {
	Fire(ctx context.Context, s Shot) (entity.ActivationID, error)
}

// Identities finds the owner of a namespace by its UUID; see
// auth.Authenticator.
type Identities interface {
	Owner(ctx context.Context, uuid string) (*entity.Identity, error)
}

// Gun fires the triggers of registrations in the name of their owners.
type Gun struct {
	Identities Identities
	Firer      Firer
}

// Fire fires once. The owner's key must still open the trigger's namespace.
func (g *Gun) Fire(ctx context.Context, r *Registration, payload json.RawMessage, headers map[string]string) (entity.ActivationID, error) {
	id, err := g.Identities.Owner(ctx, r.Owner)
	if err != nil {
		return "", fmt.Errorf("find the owner of %s: %w", r.Trigger, err)
	}
	if id.Namespace.Name != r.Trigger.Namespace {
		return "", entity.ErrAuthInvalid
	}
	return g.Firer.Fire(ctx, Shot{Identity: id, Trigger: r.Trigger, Payload: payload, Headers: headers})
}

// Verdict is what follows for a registration from a fire.
type Verdict struct {
	Retry   bool // this fire may succeed later
	Gone    bool // there is no such trigger
	Disable bool // no fire will succeed as things are
	Code    int  // as a web server would answer, 0 without an error
}

// Judge returns what follows from the error of a fire: a 4xx but 408, 409 and
// 429 ends the registration, all others pass. OpenWhisk 5.4.6.
func Judge(err error) Verdict {
	if err == nil {
		return Verdict{}
	}
	v := Verdict{Code: entity.KindOf(err).Status()}
	switch {
	case v.Code == http.StatusNotFound:
		v.Gone = true
	case v.Code >= http.StatusInternalServerError, v.Code == http.StatusConflict, v.Code == http.StatusTooManyRequests:
		v.Retry = true
	default:
		v.Disable = true
	}
	return v
}

// Message is the reason of a registration that the verdict disables.
func (v Verdict) Message() string {
	return fmt.Sprintf("Automatically disabled after receiving a %d status code when firing the trigger", v.Code)
}
