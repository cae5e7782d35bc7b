package invoke

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/gowhisk/gowhisk/internal/catalog"
	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/invoker"
)

// stepGrace is how long the record of a step may take to come beyond the time
// limit of its action. OpenWhisk 2.8.9, 2.9.11.
const stepGrace = time.Minute

// defaultComponents is how many actions a sequence or composition may run
// unless the Config says otherwise. OpenWhisk 2.8.1, 2.9.6.
const defaultComponents = 50

// form is how an activation is run.
type form uint8

const (
	primitive   form = iota // by an invoker, in one container
	sequence                // by running its components
	composition             // by running its conductor, and what that asks for
)

// formOf tells the form of an action. OpenWhisk 2.9.1.
func formOf(a *entity.Action) form {
	switch {
	case a.Exec.Kind == entity.KindSequence:
		return sequence
	case a.Annotations.Truthy(entity.AnnotationConductor):
		return composition
	}
	return primitive
}

// tally counts what is limited: the actions that a sequence and the sequences
// in it run, or the runs of a composition and of the compositions in it.
type tally struct{ actions, conductors int }

// steps is what a sequence or composition has run so far.
type steps struct {
	ids      []string      // logs of its record
	duration time.Duration // sum, of whole milliseconds as records show them
	memory   int64         // MB, the most of any; 0 if none has run
	fault    json.RawMessage
}

// add counts a step that has a record.
func (s *steps) add(child *execution) {
	a := child.finished
	s.ids = append(s.ids, string(a.ID))
	s.duration += a.Duration.Truncate(time.Millisecond)
	s.fault = a.Annotations.Get(annotationFault)
	s.memory = max(s.memory, memoryOf(a))
}

// memoryOf returns what the record says of memory, in MB; 0 if nothing.
func memoryOf(a *entity.Activation) int64 {
	var limits struct{ Memory int64 }
	if json.Unmarshal(a.Annotations.Get("limits"), &limits) != nil {
		return 0 // no part of a sequence ran
	}
	return limits.Memory
}

// lateError is about a step that has no record in time.
type lateError struct{ id entity.ActivationID }

func (e lateError) Error() string { return fmt.Sprintf("activation %s did not end in time", e.id) }

// step runs an action as a part of x and returns its record. The parts run
// one after another, so the slot of the topmost activation is that of
// whichever part runs: every part counts for concurrency. Errors: lateError,
// the invoker's refusal, the end of the server; then nothing was started, or
// it goes on alone. OpenWhisk 2.8.8, 2.8.11, 2.8.15, 2.9.9.
func (x *execution) step(f form, found catalog.Resolved, payload json.RawMessage) (*entity.Activation, error) {
	s := x.service
	if err := s.life.Err(); err != nil {
		return nil, err
	}
	child := &execution{
		service: s, id: s.mint.New(time.Now()), done: make(chan struct{}), form: f, within: x,
		req: Request{
			Identity: x.req.Identity, Action: found.Action, Binding: found.Binding, Payload: payload, Trace: x.req.Trace,
			Transaction: x.req.Transaction + "." + strconv.Itoa(len(x.steps.ids)+1), Accepted: time.Now(), Done: func() {},
		},
	}
	if f != primitive {
		child.run() // has no limit but those of its steps
	} else if s.tasks.Go(child.run); !child.endsWithin(found.Action.Limits.Timeout + stepGrace) {
		x.steps.ids = append(x.steps.ids, string(child.id))
		return nil, lateError{child.id}
	}
	if child.finished == nil {
		return nil, child.refusal
	}
	x.steps.add(child)
	return child.finished, nil
}

func (x *execution) endsWithin(limit time.Duration) bool {
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case <-x.done:
		return true
	case <-late.C:
		return false
	}
}

// mayRun asks for the right to run what x refers to.
func (x *execution) mayRun(name entity.Name) error {
	return x.service.Entitlement.Check(x.service.life, x.req.Identity, entitlement.Activate,
		entitlement.Resource{Collection: entity.Actions, Name: name})
}

// broken is the answer of x if one of its parts has no record: that one was
// late, or could not be started. If nothing of x was started it is err itself.
func (x *execution) broken(err error, failed, late string) (invoker.Verdict, error) {
	if e, ok := errors.AsType[lateError](err); ok {
		return verdict(entity.WhiskError, fmt.Sprintf(late, e.id), fault.StepLate), nil
	}
	if x.untouched() {
		return invoker.Verdict{}, err
	}
	if x.service.life.Err() != nil {
		return verdict(entity.WhiskError, interrupted, fault.InterruptedByCrash), nil
	}
	x.service.Logger.Error("step failed", "activation", x.id, "transaction", x.req.Transaction, "error", err)
	return verdict(entity.WhiskError, failed, fault.StepFailed), nil
}

func verdict(s entity.Status, text, code string) invoker.Verdict {
	return invoker.Verdict{Response: entity.Failed(s, text), Fault: code}
}

// untouched reports whether no container was given any part of x: then it can
// be refused as a whole, or run by the next server.
func (x *execution) untouched() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return !x.started && len(x.steps.ids) == 0
}

// sum is the result of a sequence or composition that ended with v.
func (x *execution) sum(began time.Time, v invoker.Verdict) invoker.Result {
	return invoker.Result{
		Response: v.Response, Fault: v.Fault, Logs: x.steps.ids, Duration: x.steps.duration,
		Began: began, Ended: time.Now(), Wait: began.Sub(x.req.Accepted),
	}
}

// share returns the tally that an execution of that form counts on: that of
// the enclosing one of the same form, else its own.
func (x *execution) share() *tally {
	if x.within != nil && x.within.form == x.form {
		return x.within.tally
	}
	return &tally{}
}
