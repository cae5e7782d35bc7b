package trigger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoke"
)

// outcome is what the record of a fire says of one rule. OpenWhisk 5.1.11.
type outcome struct {
	StatusCode entity.Status       `json:"statusCode"`
	Success    bool                `json:"success"`
	ID         entity.ActivationID `json:"activationId,omitempty"`
	Error      string              `json:"error,omitempty"`
	Rule       string              `json:"rule"`
	Action     string              `json:"action"`
}

// course is what a fire comes to along the rules of a trigger.
type course struct {
	links    []entity.Link
	errs     []error           // by link
	requests []invoke.Accepted // of the links without an error, in their order
}

// follow goes along all rules in the order in which they were linked. Each
// request holds a slot of the namespace.
func (f *Firer) follow(ctx context.Context, t *entity.Trigger, e *Event, args json.RawMessage) *course {
	c := &course{links: t.Rules, errs: make([]error, len(t.Rules)), requests: make([]invoke.Accepted, 0, len(t.Rules))}
	for i, l := range t.Rules {
		request, err := f.request(ctx, l, e, args)
		if c.errs[i] = err; err == nil {
			c.requests = append(c.requests, request)
		}
	}
	return c
}

// outcomes are the logs of the record.
func (c *course) outcomes() []string {
	logs := make([]string, len(c.links))
	next := 0
	for i, l := range c.links {
		out := outcome{Rule: l.Rule.String(), Action: l.Action.String()}
		if err := c.errs[i]; err == nil {
			out.Success, out.ID = true, c.requests[next].ID
			next++
		} else {
			out.StatusCode, out.Error = failure(err)
		}
		logs[i] = out.line()
	}
	return logs
}

// throttled is the error of that rule if its action may not be invoked just now.
func (c *course) throttled(rule entity.Name) error {
	for i, err := range c.errs {
		if c.links[i].Rule == rule && err != nil && entity.KindOf(err) == entity.Throttled {
			return err
		}
	}
	return nil
}

// giveBack returns the slots of what is not accepted.
func (c *course) giveBack() {
	for _, r := range c.requests {
		r.Done()
	}
}

func (f *Firer) request(ctx context.Context, l entity.Link, e *Event, args json.RawMessage) (invoke.Accepted, error) {
	if !l.Active {
		return invoke.Accepted{}, entity.Errorf(entity.Conflict,
			"Rule '%s' is inactive, action '%s' was not activated.", l.Rule, l.Action)
	}
	found, done, err := f.admitAction(ctx, e.Identity, l.Action, args)
	if err != nil {
		return invoke.Accepted{}, err
	}
	return invoke.Accepted{
		Request: invoke.Request{
			Identity: e.Identity, Action: found.Action, Binding: found.Binding, Payload: args,
			Transaction: e.Transaction, Trace: e.Trace, Accepted: e.Accepted, Done: done,
		},
		ID: f.cfg.Acceptor.NewID(),
	}, nil
}

// failure says whose fault it is that an action was not activated: the
// user's, or the platform's. OpenWhisk 5.1.12, 5.1.13.
func failure(err error) (entity.Status, string) {
	e, ok := errors.AsType[*entity.Error](err)
	switch {
	case !ok:
		return entity.WhiskError, "There was an internal server error."
	case e.Kind == entity.Internal || e.Kind == entity.Unavailable:
		return entity.WhiskError, e.Message
	}
	return entity.ApplicationError, e.Message
}

func (o outcome) line() string {
	text, err := entity.Marshal(o)
	if err != nil { // strings and numbers always encode
		panic(fmt.Errorf("encode the outcome of a rule: %w", err))
	}
	return string(text)
}
