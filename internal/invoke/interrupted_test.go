package invoke_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/invoker"
)

const interruptedText = "The server was restarted while the action was running."

// halts makes the action `stuck` start and wait, until release or the end of
// the server; others succeed at once.
func (w *world) halts() (started, release chan struct{}) {
	run, started, release := block()
	w.actions.put(plain("a"), plain("stuck"))
	w.invoker.does(func(ctx context.Context, msg *invoker.Message) (invoker.Result, error) {
		if msg.Action.Name.Name == "stuck" {
			return run(ctx, msg)
		}
		return succeed(ctx, msg)
	})
	return started, release
}

// TestSequenceThatWasRunningAtACrashIsNotRunAgain: its record tells which
// components have one.
func TestSequenceThatWasRunningAtACrashIsNotRunAgain(t *testing.T) {
	for name, action := range map[string]*entity.Action{"sequence": sequenceOf("s", "a", "stuck", "a"), "composition": conductor("stuck")} {
		t.Run(name, func(t *testing.T) {
			before := open(t)
			started, release := before.halts()
			before.actions.put(action)
			id := before.accept(action)
			<-started
			left := before.queued()
			if len(left) != 1 || !left[0].Started || left[0].ID != id {
				t.Fatalf("the queue holds %+v", left)
			}
			close(release)
			before.drain()
			ran := before.record(id).Logs[:1]

			after := open(t) // the server that finds what the one before had written by then
			put := errors.Join(after.db.Queue().Enqueue(t.Context(), id, left[0].Body), after.db.Queue().Start(t.Context(), id),
				after.db.Activations().Put(t.Context(), before.record(entity.ActivationID(ran[0]))))
			if put != nil {
				t.Fatal(put)
			}
			after.recover(1)
			a := after.checked(id)
			answers(t, a, entity.WhiskError, fails(interruptedText))
			checkFault(t, a.Annotations.Get("x-error"), fault.InterruptedByCrash, "")
			if len(a.Logs) != 1 || a.Logs[0] != ran[0] {
				t.Errorf("logs are %v, want %v", a.Logs, ran)
			}
			if got := a.Annotations.Get("conductor") != nil; got != (name == "composition") || string(a.Annotations.Get("kind")) != `"sequence"` {
				t.Errorf("annotations are %s", a.Annotations.AppendJSON(nil))
			}
			if n := len(after.invoker.ran()); n != 0 {
				t.Errorf("%d activations ran again", n)
			}
		})
	}
}

// TestSequenceThatHadNotStartedAtACrashRuns: not even its first component had
// a container.
func TestSequenceThatHadNotStartedAtACrashRuns(t *testing.T) {
	w := open(t)
	w.actions.put(plain("a"), sequenceOf("s", "a", "a"))
	waiting := make(chan struct{}, 1)
	w.invoker.does(func(ctx context.Context, _ *invoker.Message) (invoker.Result, error) {
		waiting <- struct{}{}
		<-ctx.Done()
		return invoker.Result{}, ctx.Err()
	})
	id := w.accept(sequenceOf("s", "a", "a"))
	<-waiting
	w.restart()
	w.invoker.does(nil)
	w.recover(1)
	a := w.checked(id)
	answers(t, a, entity.Success, `{"name":"x"}`)
	if got := w.names(a); got != "a a" {
		t.Errorf("ran %s", got)
	}
}

// TestNoComponentStartsAfterTheServerGaveUpWaiting: and the record says so,
// whether or not somebody waits for it.
func TestNoComponentStartsAfterTheServerGaveUpWaiting(t *testing.T) {
	for _, blocking := range []bool{false, true} {
		w := open(t)
		started, _ := w.halts()
		r := w.request(blocking, time.Minute)
		r.Action = sequenceOf("s", "a", "stuck", "a")
		ended := make(chan entity.ActivationID, 1)
		go func() {
			out, err := w.service.Invoke(context.Background(), r)
			if err != nil {
				t.Error(err)
			}
			ended <- out.ID
		}()
		<-started
		w.restart()
		a := w.checked(<-ended)
		answers(t, a, entity.WhiskError, fails(interruptedText))
		if got := w.names(a); got != "a stuck" || len(w.queued()) != 0 {
			t.Errorf("blocking %v: ran %s, %d are queued", blocking, got, len(w.queued()))
		}
		answers(t, w.parts(a)[1], entity.WhiskError, fails(interruptedText))
	}
}

// TestSequenceThatIsWaitedForNoLongerIsQueued, as started.
func TestSequenceThatIsWaitedForNoLongerIsQueued(t *testing.T) {
	w := open(t)
	started, release := w.halts()
	r := w.request(true, time.Millisecond)
	r.Action = sequenceOf("s", "a", "stuck", "a")
	out := w.invoke(r)
	<-started
	w.until(func() bool { q := w.queued(); return len(q) == 1 && q[0].ID == out.ID })
	if out.Activation != nil {
		t.Errorf("outcome is %+v", out)
	}
	close(release)
	w.drain()
	if got := w.names(w.checked(out.ID)); got != "a stuck a" || len(w.queued()) != 0 {
		t.Errorf("ran %s, %d are queued", got, len(w.queued()))
	}
}
