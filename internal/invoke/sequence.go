package invoke

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/invoker"
)

// The texts of a sequence that fails by itself. OpenWhisk A.3.1, A.3.2.
const (
	sequenceTooLong   = "Too many actions in the sequence."
	componentMissing  = "Sequence component does not exist."
	sequenceFailed    = "Sequence failed."
	sequenceStepsLate = "Timeout reached when retrieving activation %s for sequence component."
)

// runSequence runs the components one after another, each on the result of
// the one before, until one answers with an error: the last answer is that of
// the sequence. An error means that nothing was started. OpenWhisk 2.8.5,
// 2.8.6.
func (x *execution) runSequence() (invoker.Result, error) {
	began, payload := time.Now(), x.req.Payload
	var last invoker.Verdict
	for _, ref := range x.req.Action.Exec.Components {
		var err error
		if last, err = x.component(ref, payload); err != nil {
			return invoker.Result{}, err
		}
		if invoker.HasError(last.Response.Result) {
			break
		}
		payload = argument(last.Response.Result)
	}
	return x.sum(began, last), nil
}

// component runs one component, as it is now, and returns its answer or why
// the sequence cannot go on. OpenWhisk 2.8.4, 2.8.9, 2.8.12, 2.8.14.
func (x *execution) component(ref string, payload json.RawMessage) (invoker.Verdict, error) {
	if x.tally.actions >= x.service.MaxComponents {
		return verdict(entity.ApplicationError, sequenceTooLong, fault.TooManyActions), nil
	}
	name, err := entity.ParseName(ref, x.req.Identity.Namespace.Name)
	if err != nil {
		return verdict(entity.ApplicationError, componentMissing, fault.ComponentMissing), nil
	}
	if err := x.mayRun(name); err != nil {
		return x.unusable(err)
	}
	found, err := x.service.Catalog.Resolve(x.service.life, name)
	if err != nil {
		return x.unusable(err)
	}
	f := formOf(found.Action)
	if f != sequence {
		x.tally.actions++
	}
	a, err := x.step(f, found, payload)
	if err != nil {
		return x.broken(err, sequenceFailed, sequenceStepsLate)
	}
	return invoker.Verdict{Response: a.Response}, nil
}

// unusable is the answer of a sequence with a component that is gone or that
// the caller may not run any longer.
func (x *execution) unusable(err error) (invoker.Verdict, error) {
	switch e, _ := errors.AsType[*entity.Error](err); entity.KindOf(err) {
	case entity.NotFound, entity.Conflict:
		return verdict(entity.ApplicationError, componentMissing, fault.ComponentMissing), nil
	case entity.Forbidden:
		return verdict(entity.ApplicationError, e.Message, fault.NotEntitled), nil
	}
	return x.broken(err, sequenceFailed, "")
}

// argument is the payload that a result becomes. OpenWhisk 2.8.16.
func argument(result json.RawMessage) json.RawMessage {
	if c := firstByte(result); c == '{' || c == '[' {
		return result
	}
	return nil
}

func firstByte(value json.RawMessage) byte {
	for _, c := range value {
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c
		}
	}
	return 0
}
