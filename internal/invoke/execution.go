package invoke

import (
	"context"
	"sync"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
)

// execution is one activation from its acceptance to its record.
type execution struct {
	service *Service
	req     Request
	id      entity.ActivationID
	done    chan struct{} // closed when finished is set
	form    form
	within  *execution // the sequence or composition that it is a part of, nil if topmost
	steps   steps      // of a sequence or composition
	tally   *tally     // of a sequence or composition

	mu       sync.Mutex
	queued   bool               // guarded by mu: the queue holds it
	started  bool               // guarded by mu: a container has it, it may have effects
	marked   bool               // guarded by mu: the queue knows that it started
	finished *entity.Activation // guarded by mu until done is closed
	refusal  error              // of a blocking caller: it was not started, or has no record
}

// run takes the activation to its end and its record. The slot is
// given back before the caller learns of the end, who may call again at once.
func (x *execution) run() {
	s := x.service
	defer close(x.done)
	defer x.req.Done()
	msg := x.message()
	result, err := x.perform(msg)
	if err != nil {
		if x.refused(err) {
			return
		}
		result = x.failed(msg, err)
		s.Logger.Error("activation failed", "activation", x.id, "action", msg.Action.Name.String(), "transaction", msg.Transaction, "error", err)
	}
	a := record(msg, &result, x.lineage())
	x.mu.Lock()
	defer x.mu.Unlock()
	x.finished = a
	if err := s.Recorder.Record(context.WithoutCancel(s.life), msg.Identity, a, x.queued); err != nil {
		s.Logger.Error("activation is not recorded", "activation", x.id, "error", err)
		if !isFull(err) { // the record is lost, and nobody may count on it
			x.refusal = err
		}
	}
	if s.Observer != nil {
		s.Observer.ActivationEnded(a, x.ofContainer(&result))
	}
}

// perform runs the activation in the form that its action has. An error means
// that it did nothing, or that nothing is known of what it did.
func (x *execution) perform(msg *invoker.Message) (invoker.Result, error) {
	if x.within == nil {
		x.form = formOf(x.req.Action)
	}
	switch x.form {
	case sequence:
		x.tally = x.share()
		return x.runSequence()
	case composition:
		x.tally = x.share()
		return x.runComposition()
	}
	return x.runAction(msg)
}

// refused reports whether an activation without a result needs no record: its
// blocking caller is told instead, or the server stops and finds it in the
// queue when it starts again.
func (x *execution) refused(err error) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	stopping := x.service.life.Err() != nil
	if x.queued {
		return stopping
	}
	if x.within != nil && stopping && !x.started {
		x.refusal = err
		return true
	}
	if k := entity.KindOf(err); k == entity.Unavailable || k == entity.Throttled {
		x.refusal = err
		return true
	}
	return false
}

// message is what the invoker needs to know, but for the arguments.
func (x *execution) message() *invoker.Message {
	s, req := x.service, &x.req
	return &invoker.Message{
		Action: req.Action, Binding: req.Binding, Identity: req.Identity, ID: x.id,
		Transaction: req.Transaction, Trace: req.Trace, Accepted: req.Accepted,
		Code:     func(ctx context.Context) (string, error) { return s.Catalog.Code(ctx, req.Action) },
		Starting: x.starting,
	}
}

// await waits for the record of a blocking activation. When the wait is over
// the activation becomes a queued one before its id is given away, so that a
// crash cannot lose it.
func (x *execution) await(ctx context.Context) (Outcome, error) {
	wait := time.NewTimer(x.req.Wait)
	defer wait.Stop()
	select {
	case <-x.done:
		return x.outcome()
	case <-ctx.Done():
		return Outcome{ID: x.id}, nil
	case <-wait.C:
	}
	x.mu.Lock()
	if x.finished == nil && x.refusal == nil {
		defer x.mu.Unlock()
		if err := x.enqueue(ctx); err != nil {
			return Outcome{}, err
		}
		return Outcome{ID: x.id}, nil
	}
	x.mu.Unlock()
	<-x.done
	return x.outcome()
}

func (x *execution) outcome() (Outcome, error) {
	if x.refusal != nil {
		return Outcome{}, x.refusal
	}
	return Outcome{ID: x.id, Activation: x.finished}, nil
}
