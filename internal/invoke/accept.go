package invoke

import (
	"context"
	"fmt"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
	"github.com/gowhisk/gowhisk/internal/store"
)

// Accepted is a request that nobody waits for and whose id is known before it
// is accepted: Blocking and Wait are ignored.
type Accepted struct {
	Request
	ID entity.ActivationID // from NewID
	// Hold keeps it from running until it is closed, or the server drains; nil
	// lets it run at once. After a restart nothing is held.
	Hold <-chan struct{}
}

// sharedFrom is the size of a payload in bytes from which the queue keeps it
// once for all requests of one event.
const sharedFrom = 4 << 10

// NewID returns the id of an activation that is about to be accepted.
func (s *Service) NewID() entity.ActivationID { return s.mint.New(time.Now()) }

// Accept takes several requests and the record of what caused them, nil for
// none, in one durable step, and entries of the registry with them. When it
// returns nil the record is stored and all of them run, whatever becomes of
// the server; if it errs there is neither.
func (s *Service) Accept(ctx context.Context, requests []Accepted, cause *entity.Activation, entries ...store.Entry) error {
	leave, err := s.enter()
	if err != nil {
		giveBack(requests)
		return err
	}
	defer leave()
	all, items := make([]*execution, len(requests)), make([]store.Item, len(requests))
	for i, r := range requests {
		x := &execution{service: s, req: r.Request, id: r.ID, queued: true, done: make(chan struct{})}
		x.req.Blocking = false
		all[i] = x
		if items[i], err = x.shareable(); err != nil {
			giveBack(requests)
			return err
		}
	}
	if err := s.Queue.Accept(context.WithoutCancel(ctx), items, cause, entries...); err != nil {
		giveBack(requests)
		if _, ok := errorOf(err); ok {
			return err
		}
		return fmt.Errorf("queue %d activations: %w", len(items), err)
	}
	for i, x := range all {
		s.tasks.Go(s.held(x.run, requests[i].Hold)) // also while the Service drains: they are accepted
	}
	if cause != nil && s.Observer != nil {
		s.Observer.ActivationEnded(cause, nil)
	}
	return nil
}

// held lets a task wait until it may run.
func (s *Service) held(task func(), hold <-chan struct{}) func() {
	if hold == nil {
		return task
	}
	return func() {
		select {
		case <-hold:
		case <-s.draining:
		}
		task()
	}
}

// shareable is the request as it is queued beside others that may have the
// same payload.
func (x *execution) shareable() (it store.Item, err error) {
	it.ID = x.id
	if len(x.req.Payload) < sharedFrom {
		it.Body, err = x.item()
		return it, err
	}
	it.Shared = x.req.Payload
	it.Body, err = x.envelope()
	return it, err
}

// enter keeps Drain waiting until leave is called. It refuses while nothing
// may be accepted.
func (s *Service) enter() (leave func(), err error) {
	if err := s.Recorder.Ready(); err != nil {
		return nil, err
	}
	if gate, ok := s.Invoker.(invoker.Gate); ok {
		if err := gate.Ready(); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, entity.ErrUnavailable
	}
	s.tasks.Add(1)
	return s.tasks.Done, nil
}

func giveBack(requests []Accepted) {
	for _, r := range requests {
		r.Done()
	}
}
