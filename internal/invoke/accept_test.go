package invoke_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoke"
	"github.com/gowhisk/gowhisk/internal/invoker"
	"github.com/gowhisk/gowhisk/internal/store"
)

// batch is n requests and the record of what caused them.
func (w *world) batch(n int) ([]invoke.Accepted, *entity.Activation) {
	cause := &entity.Activation{
		Namespace: "guest", Name: "t", Local: "t", Version: entity.FirstVersion, ID: w.service.NewID(), Start: time.UnixMilli(1),
		Response: entity.Response{Result: []byte(`{}`)}, Logs: []string{"one", "two"},
	}
	requests := make([]invoke.Accepted, n)
	for i := range requests {
		requests[i] = invoke.Accepted{Request: w.request(false, 0), ID: w.service.NewID()}
	}
	return requests, cause
}

func (w *world) count() int {
	w.Helper()
	n, err := w.db.Activations().Count(w.Context(), store.ActivationQuery{Namespace: "guest"})
	if err != nil {
		w.Fatal(err)
	}
	return n
}

func TestAcceptedRequestsRunUnderTheirIDs(t *testing.T) {
	w := open(t)
	requests, cause := w.batch(3)
	if err := w.service.Accept(t.Context(), requests, cause); err != nil {
		t.Fatal(err)
	}
	if a := w.record(cause.ID); len(a.Logs) != 2 || !a.End.IsZero() {
		t.Errorf("record of the cause is %+v", a)
	}
	w.drain()
	for _, r := range requests {
		if a := w.record(r.ID); a.Response.Status != entity.Success || a.Cause != "" {
			t.Errorf("record of %s is %+v", r.ID, a)
		}
	}
	if len(w.queued()) != 0 || len(w.invoker.ran()) != 3 {
		t.Errorf("%d items, %d runs", len(w.queued()), len(w.invoker.ran()))
	}
}

func TestAcceptedRequestsRunThoughTheServerDies(t *testing.T) {
	w := open(t)
	w.invoker.does(func(ctx context.Context, _ *invoker.Message) (invoker.Result, error) {
		<-ctx.Done()
		return invoker.Result{}, ctx.Err()
	})
	requests, cause := w.batch(3)
	if err := w.service.Accept(t.Context(), requests, cause); err != nil {
		t.Fatal(err)
	}
	w.restart()
	w.invoker.does(nil)
	w.record(cause.ID)
	w.recover(3)
	for _, r := range requests {
		if a := w.record(r.ID); a.Response.Status != entity.Success || string(a.Response.Result) != string(r.Payload) {
			t.Errorf("record of %s is %+v", r.ID, a)
		}
	}
	if n := w.count(); n != 4 {
		t.Errorf("%d records, want 4", n)
	}
}

// What is held keeps its place in the queue until it may run.
func TestHeldRequestsRunWhenTheyMay(t *testing.T) {
	w := open(t)
	requests, cause := w.batch(3)
	hold := make(chan struct{})
	requests[0].Hold, requests[1].Hold = hold, make(chan struct{})
	if err := w.service.Accept(t.Context(), requests, cause, store.Entry{Kind: "event", Key: "k"}); err != nil {
		t.Fatal(err)
	}
	w.until(func() bool { return len(w.queued()) == 2 })
	close(hold)
	w.until(func() bool { return len(w.queued()) == 1 })
	if n := len(w.invoker.ran()); n != 2 {
		t.Errorf("%d runs", n)
	}
	w.drain() // lets go of the last one
	if len(w.queued()) != 0 || len(w.invoker.ran()) != 3 {
		t.Errorf("%d items, %d runs", len(w.queued()), len(w.invoker.ran()))
	}
	if _, err := w.db.Registry().Entry(t.Context(), "event", "k"); err != nil {
		t.Error(err)
	}
}

func TestHeldRequestsRunThoughTheServerDies(t *testing.T) {
	w := open(t)
	requests, cause := w.batch(2)
	for i := range requests {
		requests[i].Hold = make(chan struct{})
	}
	if err := w.service.Accept(t.Context(), requests, cause); err != nil {
		t.Fatal(err)
	}
	if err := w.db.Close(); err != nil { // as by kill -9: nothing lets go of what is held
		t.Fatal(err)
	}
	dead := w.service
	w.start()
	w.recover(2)
	for _, r := range requests {
		if a := w.record(r.ID); a.Response.Status != entity.Success {
			t.Errorf("record of %s is %+v", r.ID, a)
		}
	}
	if n := len(w.invoker.ran()); n != 2 {
		t.Errorf("%d runs", n)
	}
	if err := dead.Drain(t.Context()); err != nil { // lets its goroutines end, which reach nothing
		t.Error(err)
	}
}

func TestLargePayloadOfABatchIsQueuedOnceAndRunsThoughTheServerDies(t *testing.T) {
	w := open(t)
	w.invoker.does(func(ctx context.Context, _ *invoker.Message) (invoker.Result, error) {
		<-ctx.Done()
		return invoker.Result{}, ctx.Err()
	})
	requests, cause := w.batch(3)
	payload := json.RawMessage(`{"name":"` + strings.Repeat("x", 1<<16) + `"}`)
	for i := range requests {
		requests[i].Payload = payload
	}
	if err := w.service.Accept(t.Context(), requests, cause); err != nil {
		t.Fatal(err)
	}
	for _, it := range w.queued() {
		if len(it.Body) > 1<<10 || !bytes.Equal(it.Shared, payload) {
			t.Errorf("an item has %d bytes, and %d that are shared", len(it.Body), len(it.Shared))
		}
	}
	w.restart()
	w.invoker.does(nil)
	w.recover(3)
	for _, r := range requests {
		if a := w.record(r.ID); string(a.Response.Result) != string(payload) {
			t.Errorf("%s was given %d bytes", r.ID, len(a.Response.Result))
		}
	}
}

func TestCauseWithoutRecordIsAcceptedAsWell(t *testing.T) {
	w := open(t)
	requests, _ := w.batch(1)
	if err := w.service.Accept(t.Context(), requests, nil); err != nil {
		t.Fatal(err)
	}
	w.drain()
	if n := w.count(); n != 1 {
		t.Errorf("%d records, want 1", n)
	}
}

func TestBatchIsRefusedAsAWhole(t *testing.T) {
	full := entity.Errorf(entity.Unavailable, "The disk is full.").WithCode("GW5201")
	for name, breakIt := range map[string]func(*world) error{
		"queue":    func(w *world) error { w.service.Queue = noBatch{w.db.Queue(), full}; return full },
		"recorder": func(w *world) error { w.service.Recorder = unready{full}; return full },
		"invoker":  func(w *world) error { w.service.Invoker = shut{w.invoker}; return entity.ErrUnavailable },
		"stopped":  func(w *world) error { w.drain(); return entity.ErrUnavailable },
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t)
			requests, cause := w.batch(3)
			want := breakIt(w)
			if err := w.service.Accept(t.Context(), requests, cause); !errors.Is(err, want) {
				t.Errorf("error is %v", err)
			}
			w.drain()
			if len(w.queued()) != 0 || len(w.invoker.ran()) != 0 || w.count() != 0 {
				t.Errorf("%d items, %d runs, %d records", len(w.queued()), len(w.invoker.ran()), w.count())
			}
		})
	}
}

// A server that begins to stop while a batch is written runs it.
func TestDrainWaitsForABatchThatIsBeingAccepted(t *testing.T) {
	w := open(t)
	writing, release := make(chan struct{}), make(chan struct{})
	w.service.Queue = slowQueue{w.db.Queue(), writing, release}
	requests, cause := w.batch(2)
	accepted, drained := make(chan error), make(chan error)
	go func() { accepted <- w.service.Accept(context.Background(), requests, cause) }()
	<-writing
	go func() { drained <- w.service.Drain(context.Background()) }()
	close(release)
	if err := errors.Join(<-accepted, <-drained); err != nil {
		t.Error(err)
	}
	if n := w.count(); n != 3 {
		t.Errorf("%d records, want 3", n)
	}
}

type noBatch struct {
	store.Queue
	err error
}

func (q noBatch) Accept(context.Context, []store.Item, *entity.Activation, ...store.Entry) error {
	return q.err
}

type slowQueue struct {
	store.Queue
	writing, release chan struct{}
}

func (q slowQueue) Accept(ctx context.Context, items []store.Item, record *entity.Activation, entries ...store.Entry) error {
	close(q.writing)
	<-q.release
	return q.Queue.Accept(ctx, items, record, entries...)
}
