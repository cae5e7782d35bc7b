package invoke_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoke"
	"github.com/gowhisk/gowhisk/internal/invoker"
	"github.com/gowhisk/gowhisk/internal/store"
)

func TestBlockingCallerGetsTheRecordThatIsStored(t *testing.T) {
	w := open(t)
	out := w.invoke(w.request(true, time.Minute))
	if n := w.given.Load(); n != 0 {
		t.Error("the slot was not given back when the caller had its answer")
	}
	if out.Activation == nil || string(out.Activation.Response.Result) != `{"name":"x"}` {
		t.Fatalf("outcome is %+v", out)
	}
	if got, want := w.record(out.ID).AppendJSON(nil), out.Activation.AppendJSON(nil); string(got) != string(want) {
		t.Errorf("stored\n%s\nanswered\n%s", got, want)
	}
	if n := len(w.queued()); n != 0 {
		t.Errorf("%d items are queued", n)
	}
}

func TestActivationOfANonBlockingCallIsDurableBeforeItsIDIsKnown(t *testing.T) {
	w := open(t)
	run, started, release := block()
	w.invoker.does(run)
	out := w.invoke(w.request(false, 0))
	if out.Activation != nil {
		t.Error("the caller waited for the record")
	}
	items := w.queued()
	if len(items) != 1 || items[0].ID != out.ID {
		t.Fatalf("queued are %v, want %s", items, out.ID)
	}
	<-started
	if !w.queued()[0].Started {
		t.Error("the queue does not know that the activation was started")
	}
	close(release)
	w.drain()
	if n := len(w.queued()); n != 0 || string(w.record(out.ID).Response.Result) != `{"name":"x"}` {
		t.Errorf("%d items are queued after the record", n)
	}
}

func TestKeyOfTheCallerIsNotQueued(t *testing.T) {
	w := open(t)
	run, started, release := block()
	w.invoker.does(run)
	w.invoke(w.request(false, 0))
	<-started
	if body := string(w.queued()[0].Body); containsAny(body, "secret-key") {
		t.Errorf("the item is %s", body)
	}
	close(release)
	w.drain()
}

func TestActivationIsQueuedWhenTheWaitIsOver(t *testing.T) {
	w := open(t)
	run, started, release := block()
	w.invoker.does(run)
	out := w.invoke(w.request(true, time.Millisecond))
	if out.Activation != nil {
		t.Fatal("the wait did not end")
	}
	items := w.queued()
	if len(items) != 1 || items[0].ID != out.ID {
		t.Fatalf("queued are %v, want %s", items, out.ID)
	}
	<-started
	close(release)
	w.drain()
	if w.record(out.ID); len(w.queued()) != 0 {
		t.Error("the item outlives its record")
	}
}

func TestActivationWhoseWaitWasOverSurvivesACrashAsInterrupted(t *testing.T) {
	w := open(t)
	run, started, _ := block()
	w.invoker.does(run)
	out := w.invoke(w.request(true, 50*time.Millisecond))
	<-started
	w.restart()
	w.recover(1)
	a := w.record(out.ID)
	if a.Response.Status != entity.WhiskError || string(a.Response.Result) != `{"error":"The server was restarted while the action was running."}` {
		t.Errorf("response is %s %s", a.Response.Status, a.Response.Result)
	}
	if len(w.queued()) != 0 {
		t.Error("the item outlives its record")
	}
}

func TestCallerWhoLeavesDoesNotEndTheActivation(t *testing.T) {
	w := open(t)
	run, started, release := block()
	w.invoker.does(run)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	out, err := w.service.Invoke(ctx, w.request(true, time.Minute))
	if err != nil || out.Activation != nil {
		t.Fatalf("outcome is %+v, %v", out, err)
	}
	close(release)
	w.drain()
	w.record(out.ID)
}

// Each round ends its wait at about the time at which the record is made:
// whoever is first, there is one record and nothing stays in the queue.
func TestEndOfTheWaitAndTheRecordMayMeet(t *testing.T) {
	w := open(t)
	w.invoker.does(func(ctx context.Context, msg *invoker.Message) (invoker.Result, error) {
		time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
		return succeed(ctx, msg)
	})
	ids := make(chan entity.ActivationID, 1000)
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			for range 100 {
				out, err := w.service.Invoke(t.Context(), w.request(true, time.Duration(rand.IntN(400))*time.Microsecond))
				if err != nil {
					t.Errorf("invoke: %v", err)
					return
				}
				ids <- out.ID
			}
		})
	}
	all.Wait()
	w.drain()
	close(ids)
	for id := range ids {
		w.record(id)
	}
	if items := w.queued(); len(items) != 0 {
		t.Errorf("%d items stay in the queue", len(items))
	}
}

func TestRefusalOfTheInvokerReachesABlockingCallerAndLeavesNoRecord(t *testing.T) {
	w := open(t)
	w.invoker.does(func(context.Context, *invoker.Message) (invoker.Result, error) {
		return invoker.Result{}, entity.ErrUnavailable.WithCode("GW3002")
	})
	_, err := w.service.Invoke(t.Context(), w.request(true, time.Minute))
	if !errors.Is(err, entity.ErrUnavailable) || errorOf(err).Code != "GW3002" {
		t.Errorf("error is %v, want the refusal", err)
	}
	n, err := w.db.Activations().Count(t.Context(), store.ActivationQuery{Namespace: "guest"})
	if n != 0 || err != nil {
		t.Errorf("%d records, %v", n, err)
	}
}

func TestFailureOfThePlatformIsRecordedAsAWhiskError(t *testing.T) {
	for name, row := range map[string]struct {
		err    error
		status entity.Status
		result string
	}{
		"named":   {entity.Errorf(entity.Internal, "Failed to provision resources to run the action.").WithCode("GW3001"), entity.WhiskError, `{"error":"Failed to provision resources to run the action."}`},
		"unnamed": {errors.New("secret detail"), entity.WhiskError, `{"error":"There was an internal server error."}`},
		"deleted": {entity.ErrNotFound, entity.ApplicationError, `{"error":"Action could not be found or may have been deleted."}`},
	} {
		for _, blocking := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				w := open(t)
				w.invoker.does(func(context.Context, *invoker.Message) (invoker.Result, error) { return invoker.Result{}, row.err })
				out := w.invoke(w.request(blocking, time.Minute))
				w.drain()
				a := w.record(out.ID)
				if a.Response.Status != row.status || string(a.Response.Result) != row.result {
					t.Errorf("response is %s %s", a.Response.Status, a.Response.Result)
				}
			})
		}
	}
}

func TestNamespaceThatKeepsNoActivationsGetsItsAnswers(t *testing.T) {
	w := open(t)
	no := false
	id := guest()
	id.Limits.StoreActivations = &no
	for _, blocking := range []bool{true, false} {
		r := w.request(blocking, time.Minute)
		r.Identity = id
		if out := w.invoke(r); blocking && out.Activation == nil {
			t.Error("the caller got no record")
		}
	}
	w.drain()
	n, err := w.db.Activations().Count(t.Context(), store.ActivationQuery{Namespace: "guest"})
	if n != 0 || len(w.queued()) != 0 || err != nil {
		t.Errorf("%d records, %d items, %v", n, len(w.queued()), err)
	}
}

func TestStoreThatRefusesRecordsRefusesActivations(t *testing.T) {
	w := open(t)
	full := entity.Errorf(entity.Unavailable, "The disk is full.").WithCode("GW5201")
	s := invoke.New(invoke.Config{
		Invoker: w.invoker, Catalog: w.actions, Recorder: unready{full}, Queue: w.db.Queue(), Identities: w.owners,
	})
	for _, blocking := range []bool{true, false} {
		if _, err := s.Invoke(t.Context(), w.request(blocking, time.Minute)); !errors.Is(err, full) {
			t.Errorf("error is %v, want the store's", err)
		}
	}
	if len(w.invoker.ran()) != 0 || len(w.queued()) != 0 {
		t.Error("a refused activation ran or is queued")
	}
	if err := s.Drain(t.Context()); err != nil {
		t.Error(err)
	}
}

// shut is an invoker that takes nothing more.
type shut struct{ *script }

func (shut) Ready() error { return entity.ErrUnavailable.WithCode("GW3002") }

func TestActivationsAreRefusedBeforeTheyAreAcceptedWhileTooManyWait(t *testing.T) {
	w := open(t)
	s := invoke.New(invoke.Config{
		Invoker: shut{w.invoker}, Catalog: w.actions, Recorder: w.recorder, Queue: w.db.Queue(), Identities: w.owners,
	})
	for _, blocking := range []bool{true, false} {
		if _, err := s.Invoke(t.Context(), w.request(blocking, time.Minute)); entity.KindOf(err) != entity.Unavailable {
			t.Errorf("error is %v, want the invoker's", err)
		}
	}
	if len(w.invoker.ran()) != 0 || len(w.queued()) != 0 {
		t.Error("a refused activation ran or is queued")
	}
	if err := s.Drain(t.Context()); err != nil {
		t.Error(err)
	}
}

// A record that waits for room is as good as stored while the process lives;
// one that a broken store refuses is not, and must not be answered.
func TestCallerIsNotAnsweredWithARecordThatIsLost(t *testing.T) {
	w := open(t)
	full := entity.Errorf(entity.Unavailable, "The disk is full.").WithCode("GW5201")
	broken := entity.Errorf(entity.Unavailable, "The store has stopped.").WithCode("GW5202")
	lost := fmt.Errorf("lost: %v", full) //nolint:errorlint // it is not the refusal any more
	for _, row := range []struct{ refusal, want error }{{full, nil}, {broken, broken}, {lost, errLost}} {
		w.service.Recorder = dropping{row.refusal}
		out, err := w.service.Invoke(t.Context(), w.request(true, time.Minute))
		if (err == nil) != (row.want == nil) || (err == nil) != (out.Activation != nil) {
			t.Errorf("refused with %v: outcome %+v, error %v", row.refusal, out, err)
		}
		if errors.Is(row.want, broken) && !errors.Is(err, broken) {
			t.Errorf("error is %v, want the store's", err)
		}
	}
}

var errLost = errors.New("any other")

// dropping is a recorder that is ready and refuses every record.
type dropping struct{ err error }

func (dropping) Ready() error { return nil }
func (d dropping) Record(context.Context, *entity.Identity, *entity.Activation, bool) error {
	return fmt.Errorf("record: %w", d.err)
}

type unready struct{ err error }

func (u unready) Ready() error { return u.err }
func (u unready) Record(context.Context, *entity.Identity, *entity.Activation, bool) error {
	return u.err
}

func TestQueueThatRefusesAnItemRefusesTheActivation(t *testing.T) {
	w := open(t)
	full := entity.Errorf(entity.Unavailable, "The disk is full.").WithCode("GW5201")
	s := invoke.New(invoke.Config{
		Invoker: w.invoker, Catalog: w.actions, Recorder: w.recorder, Queue: fullQueue{w.db.Queue(), full}, Identities: w.owners,
	})
	if _, err := s.Invoke(t.Context(), w.request(false, 0)); !errors.Is(err, full) {
		t.Errorf("error is %v, want the store's", err)
	}
	run, started, release := block()
	w.invoker.does(run)
	if _, err := s.Invoke(t.Context(), w.request(true, time.Millisecond)); !errors.Is(err, full) {
		t.Errorf("error at the end of the wait is %v: an id was given away that a crash would lose", err)
	}
	<-started
	close(release)
	if err := s.Drain(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestFullDiskDelaysWhatWasAccepted has no room for the mark that an accepted
// activation is started: it must not run unmarked, and not fail either.
func TestFullDiskDelaysWhatWasAccepted(t *testing.T) {
	w := open(t)
	q := &unmarked{Queue: w.db.Queue()}
	q.refusals.Store(2)
	w.service.Queue = q
	out := w.invoke(w.request(false, 0))
	w.drain()
	if a := w.record(out.ID); a.Response.Status != entity.Success || q.refusals.Load() >= 0 {
		t.Errorf("response is %s %s with %d refusals to come", a.Response.Status, a.Response.Result, q.refusals.Load())
	}
}

// unmarked is a queue that refuses so many starts for want of room.
type unmarked struct {
	store.Queue
	refusals atomic.Int32
}

func (q *unmarked) Start(ctx context.Context, id entity.ActivationID) error {
	if q.refusals.Add(-1) >= 0 {
		return entity.Errorf(entity.Unavailable, "The disk is full.").WithCode("GW5201")
	}
	return q.Queue.Start(ctx, id)
}

type fullQueue struct {
	store.Queue
	err error
}

func (q fullQueue) Enqueue(context.Context, entity.ActivationID, []byte) error { return q.err }

func TestDrainedServiceRefusesActivationsAndQueuesNone(t *testing.T) {
	w := open(t)
	w.drain()
	for _, blocking := range []bool{true, false} {
		if _, err := w.service.Invoke(t.Context(), w.request(blocking, time.Minute)); !errors.Is(err, entity.ErrUnavailable) {
			t.Errorf("error is %v, want unavailable", err)
		}
	}
	if items := w.queued(); len(items) != 0 {
		t.Errorf("%d refused activations would run at the next start", len(items))
	}
}

func TestDrainWaitsForTheActivationsThatRun(t *testing.T) {
	w := open(t)
	run, started, release := block()
	w.invoker.does(run)
	out := w.invoke(w.request(false, 0))
	<-started
	drained := make(chan error)
	go func() { drained <- w.service.Drain(context.Background()) }()
	select {
	case err := <-drained:
		t.Fatalf("drained before the activation ended: %v", err)
	case <-time.After(20 * time.Millisecond):
	}
	close(release)
	if err := <-drained; err != nil {
		t.Error(err)
	}
	w.record(out.ID)
}

func TestDrainEndsThoughAnActivationDoesNot(t *testing.T) {
	w := open(t)
	started, release := make(chan struct{}), make(chan struct{})
	w.invoker.does(func(ctx context.Context, msg *invoker.Message) (invoker.Result, error) {
		close(started)
		<-release // whatever becomes of ctx
		return invoker.Result{}, ctx.Err()
	})
	w.invoke(w.request(false, 0))
	<-started
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.service.Drain(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("drained with %v", err)
	}
	close(release)
}

func TestMessageIsCompleteAndIDsGrow(t *testing.T) {
	w := open(t)
	var last entity.ActivationID
	w.invoker.does(func(ctx context.Context, msg *invoker.Message) (invoker.Result, error) {
		if msg.ID <= last || msg.Transaction != "tid" || msg.Identity.Subject != "guest-subject" || msg.Accepted.IsZero() || msg.Code == nil {
			t.Errorf("message is %+v after %s", msg, last)
		}
		if msg.Env["SECRET"] != "s" || string(msg.Args) != `{"a":1,"name":"x"}` {
			t.Errorf("args %s, env %v", msg.Args, msg.Env)
		}
		last = msg.ID
		return succeed(ctx, msg)
	})
	for range 3 {
		r := w.request(true, time.Minute)
		r.Action.Parameters = with("a", `1`, "init:SECRET", `"s"`)
		w.invoke(r)
	}
}
