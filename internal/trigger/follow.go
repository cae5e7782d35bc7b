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

// step is what a fire comes to along one rule.
type step struct {
	link    entity.Link
	request invoke.Accepted // if err is nil
	err     error
}

// follow goes along all rules in the order in which they were linked. Each
// request holds a slot of the namespace.
func (f *Firer) follow(ctx context.Context, t *entity.Trigger, e *Event, args json.RawMessage) []step {
	steps := make([]step, len(t.Rules))
	for i, l := range t.Rules {
		steps[i].link = l
		steps[i].request, steps[i].err = f.request(ctx, l, e, args)
	}
	return steps
}

func requests(steps []step) (all []invoke.Accepted) {
	for _, s := range steps {
		if s.err == nil {
			all = append(all, s.request)
		}
	}
	return all
}

// outcomes are the logs of the record.
func outcomes(steps []step) (logs []string) {
	for _, s := range steps {
		out := outcome{Rule: s.link.Rule.String(), Action: s.link.Action.String()}
		if s.err == nil {
			out.Success, out.ID = true, s.request.ID
		} else {
			out.StatusCode, out.Error = failure(s.err)
		}
		logs = append(logs, out.line())
	}
	return logs
}

// throttled is the error of that rule if its action may not be invoked just now.
func throttled(steps []step, rule entity.Name) error {
	for _, s := range steps {
		if s.link.Rule == rule && s.err != nil && entity.KindOf(s.err) == entity.Throttled {
			return s.err
		}
	}
	return nil
}

// giveBack returns the slots of what is not accepted.
func giveBack(steps []step) {
	for _, r := range requests(steps) {
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
			Transaction: e.Transaction, Accepted: e.Accepted, Done: done,
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
