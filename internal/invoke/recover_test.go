package invoke_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
)

func containsAny(s string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(s, p) })
}

// crashBeforeStart leaves n items in the queue that were accepted and not
// started, and starts the server anew.
func (w *world) crashBeforeStart(n int) (ids []entity.ActivationID) {
	w.Helper()
	w.invoker.does(func(ctx context.Context, _ *invoker.Message) (invoker.Result, error) {
		<-ctx.Done()
		return invoker.Result{}, ctx.Err()
	})
	for range n {
		ids = append(ids, w.invoke(w.request(false, 0)).ID)
	}
	w.restart()
	w.invoker.does(nil)
	w.invoker.mu.Lock()
	w.invoker.ids = nil
	w.invoker.mu.Unlock()
	return ids
}

// recover wants so many items in the queue, and waits until they have records.
func (w *world) recover(want int) {
	w.Helper()
	if n := len(w.queued()); n != want {
		w.Fatalf("%d items are queued, want %d", n, want)
	}
	if err := w.service.Recover(); err != nil {
		w.Fatal(err)
	}
	w.until(func() bool { return len(w.queued()) == 0 })
	w.drain()
}

// until waits for done, at most ten seconds.
func (w *world) until(done func() bool) {
	w.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); !done(); <-tick.C {
		if time.Since(began) > 10*time.Second {
			w.Fatal("it does not come to its end")
		}
	}
}

func TestAcceptedActivationsRunAfterACrash(t *testing.T) {
	w := open(t)
	ids := w.crashBeforeStart(5)
	w.invoker.does(func(ctx context.Context, msg *invoker.Message) (invoker.Result, error) {
		if string(msg.Args) != `{"name":"x"}` || msg.Identity.Namespace.Key != "secret-key" || msg.Transaction != "tid" || msg.Trace.Parent != "p" {
			t.Errorf("message is %+v", msg)
		}
		return succeed(ctx, msg)
	})
	w.recover(5)
	for _, id := range ids {
		if a := w.record(id); a.Response.Status != entity.Success || a.Subject != "guest-subject" {
			t.Errorf("record is %s", a.AppendJSON(nil))
		}
	}
	if n := len(w.queued()); n != 0 {
		t.Errorf("%d items stay in the queue", n)
	}
}

func TestRecoveryGoesOnPastAnyNumberOfItems(t *testing.T) {
	w := open(t)
	ids := w.crashBeforeStart(150)
	w.recover(150)
	if n := len(w.invoker.ran()); n != len(ids) {
		t.Errorf("%d of %d ran", n, len(ids))
	}
}

func TestItemWhoseActionIsGoneIsRecordedSo(t *testing.T) {
	w := open(t)
	id := w.crashBeforeStart(1)[0]
	w.actions.remove(hello().Name)
	w.recover(1)
	a := w.record(id)
	if a.Response.Status != entity.ApplicationError || string(a.Response.Result) != `{"error":"Action could not be found or may have been deleted."}` {
		t.Errorf("response is %s %s", a.Response.Status, a.Response.Result)
	}
	if got := string(a.Annotations.AppendJSON(nil)); got != `[{"key":"path","value":"guest/p/hello"},{"key":"kind","value":"unknown"}]` || a.Duration != 0 {
		t.Errorf("annotations are %s, duration %s", got, a.Duration)
	}
	if len(w.queued()) != 0 || len(w.invoker.ran()) != 0 {
		t.Error("the item ran or stays in the queue")
	}
}

func TestItemWhoseNamespaceIsGoneIsRecordedAndNotRun(t *testing.T) {
	w := open(t)
	id := w.crashBeforeStart(1)[0]
	delete(w.owners, guest().Namespace.UUID)
	w.recover(1)
	if a := w.record(id); a.Response.Status != entity.ApplicationError || len(w.invoker.ran()) != 0 {
		t.Errorf("response is %s %s", a.Response.Status, a.Response.Result)
	}
}

// More items than may be under way at once cannot be recorded: each must give
// its place to the next all the same.
func TestRecoveryGoesOnThoughTheStoreRefusesRecords(t *testing.T) {
	w := open(t)
	w.crashBeforeStart(100)
	w.actions.remove(hello().Name)
	refusals := &refusing{}
	w.service.Recorder = refusals
	if err := w.service.Recover(); err != nil {
		t.Fatal(err)
	}
	w.until(func() bool { return refusals.Load() == 100 })
	w.drain()
	if n := len(w.queued()); n != 100 {
		t.Errorf("%d of 100 items stay in the queue without a record", n)
	}
}

// refusing is a recorder that refuses and counts.
type refusing struct{ atomic.Int32 }

func (*refusing) Ready() error { return nil }

func (r *refusing) Record(context.Context, *entity.Identity, *entity.Activation, bool) error {
	r.Add(1)
	return errors.New("disk full")
}

func TestItemThatCannotBeReadDoesNotStopTheOthers(t *testing.T) {
	w := open(t)
	for i, started := range []bool{true, false} {
		id := entity.ActivationID(fmt.Sprintf("0000000000007000800000000000000%d", i))
		if err := w.db.Queue().Enqueue(t.Context(), id, []byte(`{"action":7}`)); err != nil {
			t.Fatal(err)
		}
		if started {
			if err := w.db.Queue().Start(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
	}
	id := w.crashBeforeStart(1)[0]
	if err := w.service.Recover(); err != nil {
		t.Fatal(err)
	}
	w.until(func() bool { return len(w.invoker.ran()) == 1 })
	w.drain()
	w.record(id)
}

// The new server must answer before it has run what the old one left.
func TestRecoveryDoesNotWaitForWhatItRuns(t *testing.T) {
	w := open(t)
	ids := w.crashBeforeStart(200)
	run, started, release := block()
	w.invoker.does(run)
	if err := w.service.Recover(); err != nil {
		t.Fatal(err)
	}
	<-started
	if n := len(w.queued()); n != len(ids) {
		t.Errorf("%d of %d items are left before any has ended", n, len(ids))
	}
	out := w.invoke(w.request(false, 0)) // is not taken for one of the old
	close(release)
	w.until(func() bool { return len(w.queued()) == 0 })
	w.drain()
	ran := map[entity.ActivationID]int{}
	for _, id := range w.invoker.ran() {
		ran[id]++
	}
	for _, id := range append(ids, out.ID) {
		if w.record(id); ran[id] != 1 {
			t.Errorf("%s ran %d times", id, ran[id])
		}
	}
}

func TestRecoveryThatIsCutGoesOnAtTheNextStart(t *testing.T) {
	w := open(t)
	ids := w.crashBeforeStart(100)
	w.invoker.does(func(ctx context.Context, _ *invoker.Message) (invoker.Result, error) {
		<-ctx.Done()
		return invoker.Result{}, ctx.Err()
	})
	if err := w.service.Recover(); err != nil {
		t.Fatal(err)
	}
	w.restart()
	w.invoker.does(nil)
	w.recover(len(ids))
}

// A blocking call whose wait ended while the activation still waited for a
// container has no effects yet: a crash must not cost its run.
func TestActivationThatWaitsForAContainerRunsAfterACrash(t *testing.T) {
	w := open(t)
	w.invoker.does(func(ctx context.Context, _ *invoker.Message) (invoker.Result, error) {
		<-ctx.Done()
		return invoker.Result{}, ctx.Err()
	})
	out := w.invoke(w.request(true, time.Millisecond))
	w.restart()
	w.invoker.does(nil)
	w.recover(1)
	if a := w.record(out.ID); a.Response.Status != entity.Success {
		t.Errorf("response is %s %s", a.Response.Status, a.Response.Result)
	}
}

func TestInterruptedActivationOfANamespaceThatKeepsNoneLeavesNoRecord(t *testing.T) {
	w := open(t)
	run, started, _ := block()
	w.invoker.does(run)
	out := w.invoke(w.request(false, 0))
	<-started
	w.restart()
	no := false
	w.owners[guest().Namespace.UUID].Limits.StoreActivations = &no
	w.recover(1)
	if _, err := w.db.Activations().Get(t.Context(), "guest", out.ID); !errors.Is(err, entity.ErrNotFound) {
		t.Errorf("the record is there: %v", err)
	}
}
