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

// recover wants so many to be run again, and waits until they have records.
func (w *world) recover(want int) {
	w.Helper()
	rerun, lost, err := w.service.Recover(w.Context())
	if rerun != want || lost != 0 || err != nil {
		w.Fatalf("recovered %d, lost %d, %v, want %d", rerun, lost, err, want)
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
		if string(msg.Args) != `{"name":"x"}` || msg.Identity.Namespace.Key != "secret-key" || msg.Transaction != "tid" {
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
	if _, _, err := w.service.Recover(t.Context()); err != nil {
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
	if _, _, err := w.service.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.until(func() bool { return len(w.invoker.ran()) == 1 })
	w.drain()
	w.record(id)
}
