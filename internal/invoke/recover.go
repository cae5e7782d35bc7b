package invoke

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/invoker"
	"github.com/gowhisk/gowhisk/internal/store"
)

// recoverAtOnce bounds how many recovered activations are under way.
const recoverAtOnce = 64

// interrupted is the result of an activation that ran when the server died:
// it may have had effects, so it is not run again.
const interrupted = "The server was restarted while the action was running."

// Recover takes up what the server had accepted before it stopped: items that
// had not been started are run in the background, oldest first; the others
// are recorded as a whisk internal error. It returns how many of each. An
// item that cannot be read is logged and stays.
func (s *Service) Recover(ctx context.Context) (rerun, lost int, err error) {
	var waiting, started []store.Item
	err = s.Queue.Items(ctx, func(it store.Item) error {
		if it.Started {
			started = append(started, it)
			return nil
		}
		waiting = append(waiting, it)
		return nil
	})
	if err != nil {
		return 0, 0, fmt.Errorf("read the queue: %w", err)
	}
	for _, it := range started {
		if err := s.recordInterrupted(ctx, it); err != nil {
			return 0, lost, err
		}
		lost++
	}
	if len(waiting) > 0 && !s.launch(func() { s.rerun(waiting) }) {
		return 0, lost, entity.ErrUnavailable
	}
	return len(waiting), lost, nil
}

// rerun runs the items, a bounded number at a time.
func (s *Service) rerun(items []store.Item) {
	slots := make(chan struct{}, recoverAtOnce)
	for _, it := range items {
		select {
		case slots <- struct{}{}:
		case <-s.life.Done():
			return
		}
		x, err := s.restore(it)
		if err != nil {
			s.Logger.Error("queued activation cannot be run", "activation", it.ID, "error", err)
		}
		if x == nil {
			<-slots
			continue
		}
		x.req.Done = func() { <-slots }
		if !s.launch(x.run) {
			return
		}
	}
}

// restore turns an item into an execution; nil if it has ended here because
// its action or its namespace is gone.
func (s *Service) restore(it store.Item) (*execution, error) {
	in, msg, err := decodeItem(it)
	if err != nil {
		return nil, err
	}
	action, err := s.Catalog.Action(s.life, in.Action)
	var owner *entity.Identity
	if err == nil {
		owner, err = s.Identities.Owner(s.life, in.Owner)
	}
	if err != nil {
		if k := entity.KindOf(err); k != entity.NotFound && k != entity.Unauthorized && k != entity.Conflict {
			return nil, err
		}
		return nil, s.Recorder.Record(s.life, identityOf(in), unfetched(msg), true)
	}
	req := Request{
		Identity: owner, Action: action, Payload: in.Payload, Transaction: in.Transaction, Accepted: msg.Accepted,
	}
	return &execution{service: s, req: req, id: it.ID, queued: true, done: make(chan struct{})}, nil
}

func (s *Service) recordInterrupted(ctx context.Context, it store.Item) error {
	in, msg, err := decodeItem(it)
	if err != nil {
		s.Logger.Error("interrupted activation cannot be recorded", "activation", it.ID, "error", err)
		return nil
	}
	now := time.Now()
	r := invoker.Result{
		Response: entity.Failed(entity.WhiskError, interrupted), Began: msg.Accepted, Ended: now,
		Duration: now.Sub(msg.Accepted), Fault: fault.InterruptedByCrash,
	}
	if err := s.Recorder.Record(ctx, identityOf(in), record(msg, &r), true); err != nil {
		return fmt.Errorf("record interrupted activation %s: %w", it.ID, err)
	}
	return nil
}

// decodeItem returns the item and as much of its message as it holds itself.
func decodeItem(it store.Item) (item, *invoker.Message, error) {
	var in item
	if err := json.Unmarshal(it.Body, &in); err != nil {
		return in, nil, fmt.Errorf("decode queued activation %s: %w", it.ID, err)
	}
	action := &entity.Action{Name: in.Action, Version: in.Version, Limits: in.Limits, Exec: entity.Exec{Kind: in.Kind}}
	return in, &invoker.Message{
		Action: action, Identity: identityOf(in), ID: it.ID, Transaction: in.Transaction,
		Accepted: time.UnixMilli(in.Accepted),
	}, nil
}

func identityOf(in item) *entity.Identity {
	return &entity.Identity{Subject: in.Subject, Namespace: entity.Namespace{Name: in.Namespace, UUID: in.Owner}}
}

func errorOf(err error) (*entity.Error, bool) { return errors.AsType[*entity.Error](err) }
