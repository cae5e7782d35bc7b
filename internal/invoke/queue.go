package invoke

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/protocol"
)

// fullPause is how long a queued activation waits before it asks again
// whether the disk has room.
const fullPause = 100 * time.Millisecond

// item is the queued form of a request. The key is left out: it is looked up
// again when a restarted server runs the item.
type item struct {
	Action      entity.Name     `json:"action"`
	Binding     entity.Name     `json:"binding,omitzero"`
	Version     entity.Version  `json:"version"`
	Kind        string          `json:"kind"`
	Limits      entity.Limits   `json:"limits"`
	Owner       string          `json:"owner"` // UUID of the namespace
	Namespace   string          `json:"namespace"`
	Subject     string          `json:"subject"`
	Transaction string          `json:"transaction"`
	Trace       protocol.Trace  `json:"trace,omitzero"`
	Accepted    int64           `json:"accepted"`          // ms
	Started     bool            `json:"started,omitempty"` // before it was queued
	Conductor   bool            `json:"conductor,omitempty"`
	Payload     json.RawMessage `json:"payload,omitempty"`
}

// item is the request as it is queued. The payload, which is JSON already, is
// put in as it is.
func (x *execution) item() ([]byte, error) {
	body, err := x.envelope()
	if err != nil || len(x.req.Payload) == 0 {
		return body, err
	}
	const key = `,"payload":`
	out := make([]byte, 0, len(body)+len(key)+len(x.req.Payload))
	out = append(append(out, body[:len(body)-1]...), key...)
	return append(append(out, x.req.Payload...), '}'), nil
}

// envelope is the item without the payload.
func (x *execution) envelope() ([]byte, error) {
	req := &x.req
	body, err := entity.Marshal(item{
		Action: req.Action.Name, Binding: req.Binding, Version: req.Action.Version, Kind: req.Action.Exec.Kind, Limits: req.Action.Limits,
		Owner: req.Identity.Namespace.UUID, Namespace: req.Identity.Namespace.Name, Subject: req.Identity.Subject,
		Transaction: req.Transaction, Trace: req.Trace, Accepted: req.Accepted.UnixMilli(), Started: x.started,
		Conductor: formOf(req.Action) == composition,
	})
	if err != nil {
		return nil, fmt.Errorf("encode activation %s: %w", x.id, err)
	}
	return body, nil
}

// enqueue makes the request durable. Of an activation that is under way it
// needs mu held: so the record cannot come between, and the item says in one
// write whether it may have run.
func (x *execution) enqueue(ctx context.Context) error {
	body, err := x.item()
	if err != nil {
		return err
	}
	if err := x.service.Queue.Enqueue(context.WithoutCancel(ctx), x.id, body); err != nil {
		return queueError(x.id, err)
	}
	x.queued, x.marked = true, x.started
	return nil
}

// starting is called when a container is about to run the activation. What
// is queued is marked first, so that it is not run again after a crash, and
// so is the sequence or composition that it is a part of. A full disk delays
// that, for the activation was accepted already.
func (x *execution) starting(ctx context.Context) error {
	if x.within != nil {
		if err := x.within.starting(ctx); err != nil {
			return err
		}
	}
	x.mu.Lock()
	x.started = true
	mark := x.queued && !x.marked && x.finished == nil
	x.mu.Unlock()
	if !mark {
		return nil
	}
	for {
		err := x.service.Queue.Start(ctx, x.id)
		if err == nil {
			x.mu.Lock()
			x.marked = true
			x.mu.Unlock()
			return nil
		}
		if !isFull(err) {
			return queueError(x.id, err)
		}
		again := time.NewTimer(fullPause)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return ctx.Err()
		}
	}
}

// withdraw takes back what was enqueued for an activation that is refused
// after all.
func (x *execution) withdraw(ctx context.Context) error {
	if !x.queued {
		return entity.ErrUnavailable
	}
	if err := x.service.Queue.Remove(context.WithoutCancel(ctx), x.id); err != nil {
		return entity.ErrUnavailable.Because(queueError(x.id, err))
	}
	return entity.ErrUnavailable
}

// isFull reports whether the store takes no writes until there is room.
func isFull(err error) bool {
	e, ok := errorOf(err)
	return ok && e.Code == fault.DiskFull
}

func queueError(id entity.ActivationID, err error) error {
	if _, ok := errors.AsType[*entity.Error](err); ok {
		return err
	}
	return fmt.Errorf("queue activation %s: %w", id, err)
}
