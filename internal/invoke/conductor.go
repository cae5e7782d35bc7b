package invoke

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/gowhisk/gowhisk/internal/catalog"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/invoker"
)

// The texts of a composition that fails, or of what its conductor is told.
// OpenWhisk A.3.3, A.3.4.
const (
	compositionTooLong   = "Too many actions in the composition."
	compositionFailed    = "Activation failure during composition."
	compositionStepsLate = "Timeout reached when retrieving activation %s during composition."
	notAName             = "Failed to parse action name from json value %s during composition."
	notResolved          = "Failed to resolve action with name '%s' during composition."
	notEntitled          = "Failed entitlement check for action with name '%s' during composition."
)

// runComposition asks the conductor what to run, runs it and asks again with
// the result, until the conductor names nothing more. An error means that
// nothing was started. OpenWhisk 2.9.2, 2.9.4, 2.9.6.
func (x *execution) runComposition() (invoker.Result, error) {
	began, payload := time.Now(), x.req.Payload
	x.steps.memory = x.req.Action.Limits.Memory
	var state json.RawMessage
	for {
		if x.tally.conductors > 2*x.service.MaxComponents {
			return x.sum(began, verdict(entity.ApplicationError, compositionTooLong, fault.TooManyActions)), nil
		}
		x.tally.conductors++
		self := catalog.Resolved{Action: x.req.Action, Binding: x.req.Binding}
		a, err := x.step(primitive, self, over(payload, state))
		if err != nil {
			return x.ended(began, err)
		}
		t := readTurn(a.Response.Result)
		if t.action == nil {
			response := entity.Response{Status: a.Response.Status, Result: t.params}
			if t.params == nil {
				response.Result = a.Response.Result
			}
			return x.sum(began, invoker.Verdict{Response: response}), nil
		}
		state = t.state
		if payload, err = x.follow(t); err != nil {
			return x.ended(began, err)
		}
	}
}

// ended is the result of a composition of which a step failed altogether.
func (x *execution) ended(began time.Time, err error) (invoker.Result, error) {
	v, err := x.broken(err, compositionFailed, compositionStepsLate)
	if err != nil {
		return invoker.Result{}, err
	}
	return x.sum(began, v), nil
}

// follow runs what the conductor asked for and returns what to tell it: the
// result, or why there is none. OpenWhisk 2.9.5, 2.9.6, 2.9.10.
func (x *execution) follow(t turn) (json.RawMessage, error) {
	s := x.service
	name, ok := stepName(t.action, x.req.Identity.Namespace.Name)
	switch {
	case !ok:
		return feedback(notAName, entity.Compact(t.action)), nil
	case x.tally.actions >= s.MaxComponents:
		return feedback(compositionTooLong), nil
	case x.mayRun(name) != nil:
		return feedback(notEntitled, name), nil
	}
	found, err := s.Catalog.Resolve(s.life, name)
	if err != nil {
		return feedback(notResolved, name), nil
	}
	f := formOf(found.Action)
	if f != composition { // which counts what it runs itself
		x.tally.actions++
	}
	a, err := x.step(f, found, t.params)
	if err != nil {
		return nil, err
	}
	return boxed("value", a.Response.Result), nil
}

func feedback(format string, args ...any) json.RawMessage {
	return entity.Failed(entity.ApplicationError, fmt.Sprintf(format, args...)).Result
}
