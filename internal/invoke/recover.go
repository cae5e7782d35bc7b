package invoke

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
	"github.com/gowhisk/gowhisk/internal/store"
)

// recoverAtOnce bounds how many recovered activations are under way.
const recoverAtOnce = 64

// lookedThrough bounds how many records are searched for the parts of an
// activation that was interrupted.
const lookedThrough = 10_000

// interrupted is the result of an activation that ran when the server died:
// it may have had effects, so it is not run again.
const interrupted = "The server was restarted while the action was running."

// errStopping ends a recovery whose server stops already.
var errStopping = errors.New("the server stops")

// Recover takes up what the server had accepted before it stopped, oldest
// first and a bounded number at a time: items that had not been started are
// run, the others are recorded as a whisk internal error. It returns when it
// knows which items there are, and goes on in the background: call it before
// the first Invoke. An item that cannot be read is logged and stays.
func (s *Service) Recover() error {
	known := make(chan error, 1)
	if !s.launch(func() { s.recover(known) }) {
		return entity.ErrUnavailable
	}
	return <-known
}

// recover sends on known once: when the first item is there, or at the end.
func (s *Service) recover(known chan<- error) {
	r := recovery{service: s, slots: make(chan struct{}, recoverAtOnce)}
	tell := sync.OnceFunc(func() { known <- nil })
	err := s.Queue.Items(s.life, func(it store.Item) error {
		tell()
		return r.take(it)
	})
	if r.rerun+r.interrupted > 0 {
		s.Logger.Info("took up accepted activations", "rerun", r.rerun, "interrupted", r.interrupted)
	}
	if err != nil && !errors.Is(err, errStopping) {
		err = fmt.Errorf("read the queue: %w", err)
		s.Logger.Error("accepted activations wait for the next start", "error", err)
	}
	select {
	case known <- err:
	default: // was told already
	}
}

// recovery is one walk through what an earlier server had accepted.
type recovery struct {
	service            *Service
	slots              chan struct{}
	rerun, interrupted int
}

// take begins with an item as soon as there is a slot for it.
func (r *recovery) take(it store.Item) error {
	s := r.service
	in, msg, err := decodeItem(it)
	if err != nil {
		s.Logger.Error("queued activation cannot be read", "activation", it.ID, "error", err)
		return nil
	}
	select {
	case r.slots <- struct{}{}:
	case <-s.life.Done():
		return errStopping
	}
	leave := func() { <-r.slots }
	run := func() { s.rerun(in, msg, leave) }
	if it.Started || in.Started {
		run = func() { s.recordInterrupted(in, msg); leave() }
	}
	if !s.launch(run) {
		return errStopping
	}
	if it.Started || in.Started {
		r.interrupted++
	} else {
		r.rerun++
	}
	return nil
}

// rerun runs an item, or records that its action or its namespace is gone.
func (s *Service) rerun(in item, msg *invoker.Message, done func()) {
	found, err := s.Catalog.Resolve(s.life, named(msg))
	var owner *entity.Identity
	if err == nil {
		owner, err = s.Identities.Owner(s.life, in.Owner)
	}
	if err == nil {
		req := Request{
			Identity: owner, Action: found.Action, Binding: found.Binding, Payload: in.Payload,
			Transaction: in.Transaction, Trace: in.Trace, Accepted: msg.Accepted, Done: done,
		}
		x := &execution{service: s, req: req, id: msg.ID, queued: true, done: make(chan struct{})}
		x.run()
		return
	}
	defer done()
	switch entity.KindOf(err) {
	case entity.NotFound, entity.Unauthorized, entity.Conflict:
		err = s.Recorder.Record(s.life, s.owner(in), unfetched(msg), true)
	}
	if err != nil {
		s.Logger.Error("queued activation cannot be run", "activation", msg.ID, "error", err)
	}
}

func (s *Service) recordInterrupted(in item, msg *invoker.Message) {
	r, l := stopped(msg), lineage{form: formOf(msg.Action)}
	if l.form != primitive {
		s.addKnown(msg, &r, &l)
	}
	if err := s.Recorder.Record(s.life, s.owner(in), record(msg, &r, l), true); err != nil {
		s.Logger.Error("interrupted activation is not recorded", "activation", msg.ID, "error", err)
	}
}

// addKnown adds what is known of the parts of an interrupted sequence or
// composition: those that have records.
func (s *Service) addKnown(msg *invoker.Message, r *invoker.Result, l *lineage) {
	later, err := s.Records.List(s.life, store.ActivationQuery{
		Namespace: msg.Identity.Namespace.Name, Since: msg.Accepted, Limit: lookedThrough,
	})
	if err != nil {
		s.Logger.Warn("parts of an interrupted activation are not known", "activation", msg.ID, "error", err)
	}
	r.Duration = 0
	for _, a := range slices.Backward(later) { // oldest first
		if a.Cause == msg.ID {
			r.Logs = append(r.Logs, string(a.ID))
			r.Duration += a.Duration
			l.memory = max(l.memory, memoryOf(a))
		}
	}
}

// owner returns who keeps the records of an item: the owner of its namespace,
// who may want none, or what the item says of one who is gone.
func (s *Service) owner(in item) *entity.Identity {
	if id, err := s.Identities.Owner(s.life, in.Owner); err == nil {
		return id
	}
	return identityOf(in)
}

// decodeItem returns the item and as much of its message as it holds itself.
func decodeItem(it store.Item) (item, *invoker.Message, error) {
	var in item
	if err := json.Unmarshal(it.Body, &in); err != nil {
		return in, nil, fmt.Errorf("decode queued activation %s: %w", it.ID, err)
	}
	if it.Shared != nil {
		in.Payload = it.Shared
	}
	action := &entity.Action{Name: in.Action, Version: in.Version, Limits: in.Limits, Exec: entity.Exec{Kind: in.Kind}}
	if in.Conductor {
		action.Annotations = action.Annotations.Set(entity.AnnotationConductor, "true")
	}
	return in, &invoker.Message{
		Action: action, Binding: in.Binding, Identity: identityOf(in), ID: it.ID, Transaction: in.Transaction,
		Trace: in.Trace, Accepted: time.UnixMilli(in.Accepted),
	}, nil
}

func identityOf(in item) *entity.Identity {
	return &entity.Identity{Subject: in.Subject, Namespace: entity.Namespace{Name: in.Namespace, UUID: in.Owner}}
}

func errorOf(err error) (*entity.Error, bool) { return errors.AsType[*entity.Error](err) }
