package controller

import (
	"context"
	"net/http"
	"strings"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/trigger"
)

// Firer fires triggers; trigger.Firer is one. Admit counts a fire and asks for
// the right to it; Fire does that, too, and returns "" if no rule is active.
type Firer interface {
	Admit(ctx context.Context, id *entity.Identity, trigger entity.Name) error
	Fire(ctx context.Context, e trigger.Event) (entity.ActivationID, error)
}

// fireTrigger answers with the id of the trigger's activation when all that
// it causes is durable. The order of its checks is that of an invocation.
// OpenWhisk 5.1.6–5.1.8, 6.3.1.
func (c *Controller) fireTrigger(x *exchange) error {
	name, err := x.name()
	if err != nil {
		return err
	}
	ctx := x.r.Context()
	payload, refused := x.payload(c.cfg.Entitlement.MaxPayloadSize(x.id))
	if refused != nil {
		if err := c.cfg.Firer.Admit(ctx, x.id, name); err != nil {
			return err
		}
		return refused
	}
	id, err := c.cfg.Firer.Fire(ctx, trigger.Event{
		Identity: x.id, Trigger: name, Payload: payload, Headers: x.eventHeaders(), Transaction: x.tid, Trace: x.trace(), Accepted: x.began,
	})
	if err != nil {
		return err
	}
	if id == "" {
		x.WriteHeader(http.StatusNoContent)
		return nil
	}
	x.Header()["X-Openwhisk-Activation-Id"] = []string{string(id)}
	return x.send(http.StatusAccepted, applicationJSON, []byte(`{"activationId":"`+string(id)+`"}`))
}

// eventHeaders are those of the request that an action is shown. The caller's
// key is not among them: the action may be somebody else's. OpenWhisk 5.1.9.
func (x *exchange) eventHeaders() map[string]string {
	out := map[string]string{"host": x.r.Host}
	for key, values := range x.r.Header {
		switch key {
		case "Content-Type", "Content-Length", "Authorization":
		default:
			out[strings.ToLower(key)] = strings.Join(values, ", ")
		}
	}
	return out
}
