package containerpool_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
)

func TestIdleContainerIsFrozenAfterTheGraceAndThawedForItsNextRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, &factory{}, containerpool.Options{PauseGrace: 5 * time.Second})
		invoke(t, p, call{})
		time.Sleep(4 * time.Second)
		if n := p.Stats().Frozen; n != 0 {
			t.Errorf("%d frozen before the grace is over", n)
		}
		time.Sleep(3 * time.Second)
		if n := p.Stats().Frozen; n != 1 {
			t.Errorf("%d frozen after the grace, want 1", n)
		}
		if r := invoke(t, p, call{}); r.Start != invoker.Warm {
			t.Errorf("start is %s, want warm", r.Start)
		}
		if n := p.Stats().Frozen; n != 0 {
			t.Errorf("%d frozen after a run", n)
		}
	})
}

func TestContainerThatIsLeasedWhileItFreezesIsThawedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{pause: func(*sandbox) error { time.Sleep(time.Second); return nil }}
		f.resume = func(*sandbox) error { time.Sleep(time.Second); return nil }
		p := open(t, f, containerpool.Options{PauseGrace: 5 * time.Second})
		invoke(t, p, call{})
		for range 5 {
			time.Sleep(5500 * time.Millisecond) // the freezing has begun
			invoke(t, p, call{})
		}
	})
}

func TestSharedContainerRunsNothingBeforeItIsThawed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{concurrency: 10, resume: func(*sandbox) error { time.Sleep(time.Second); return nil }}
		p := open(t, f, containerpool.Options{})
		invoke(t, p, call{concurrency: 10})
		time.Sleep(time.Minute)
		if results, errs := burst(p, 5, call{concurrency: 10}); len(results) != 5 {
			t.Error(errs)
		}
	})
}

func TestContainerThatCannotBeThawedIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{resume: func(*sandbox) error { return errors.New("freezer is gone") }}
		p := open(t, f, containerpool.Options{})
		invoke(t, p, call{})
		time.Sleep(time.Minute)
		if r := invoke(t, p, call{}); r.Start != invoker.Cold || r.Response.Status != entity.Success {
			t.Errorf("%s %s, want a cold success", r.Start, r.Response.Status)
		}
		synctest.Wait()
		if reason, _ := f.containers()[0].end(); reason != "could not be resumed" {
			t.Errorf("container ended for %q", reason)
		}
	})
}

func TestContainerThatCannotBeFrozenIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{pause: func(*sandbox) error { return errors.New("no freezer") }}
		p := open(t, f, containerpool.Options{})
		invoke(t, p, call{})
		time.Sleep(time.Minute)
		if n := f.alive(); n != 0 {
			t.Errorf("%d containers, want none", n)
		}
	})
}

func TestIdleContainerIsRemovedAfterTheIdleTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{}
		p := open(t, f, containerpool.Options{IdleTime: time.Minute})
		for _, action := range []string{"a", "b", "c"} {
			invoke(t, p, call{action: action})
		}
		time.Sleep(59 * time.Second)
		invoke(t, p, call{action: "b"})
		time.Sleep(5 * time.Second)
		if n := f.alive(); n != 1 {
			t.Errorf("%d containers after the idle time, want the one in use", n)
		}
		time.Sleep(time.Minute)
		if n := f.alive(); n != 0 {
			t.Errorf("%d containers, want none", n)
		}
	})
}

// Removing one container gave its memory to a waiting activation, which took
// the next in the list of the idle ones while the sweep stood on it.
func TestSweepThatFreesMemoryForOthersKeepsItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{run: holding(time.Second), usage: func(*sandbox) (int64, error) { return 128 * entity.MB, nil }}
		p := open(t, f, containerpool.Options{Memory: 640 * entity.MB, IdleTime: time.Minute})
		for _, action := range []string{"a", "b", "c", "d"} {
			go invoke(t, p, call{action: action})
		}
		time.Sleep(60800 * time.Millisecond)
		for _, action := range []string{"a", "b", "c", "d", "e", "f", "g"} {
			go invoke(t, p, call{action: action})
			go invoke(t, p, call{action: action})
		}
		time.Sleep(time.Minute)
		if err := p.CheckBooks(); err != nil {
			t.Error(err)
		}
	})
}

func TestClosedPoolRefusesActivations(t *testing.T) {
	f := &factory{t: t}
	p := containerpool.New(f, containerpool.Options{Memory: entity.MB << 10})
	invoke(t, p, call{})
	for range 2 {
		if err := p.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Invoke(t.Context(), call{}.message()); !errors.Is(err, entity.ErrUnavailable) {
		t.Errorf("error is %v, want unavailable", err)
	}
	if f.alive() != 0 {
		t.Error("a container survives")
	}
}

func TestCloseEndsWaitingRunningAndStartingOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{t: t}
		f.run = holding(time.Hour)
		f.create = func(ctx context.Context, s containerpool.Spec) error {
			if s.Kind == "slow" {
				return wait(ctx, time.Minute)
			}
			return nil
		}
		p := containerpool.New(f, containerpool.Options{
			Memory: 256 * entity.MB, StemCells: map[string]containerpool.StemCells{"slow": {Min: 1, Max: 1}},
		})
		ended := make(chan error, 3)
		for _, c := range []call{{namespace: "running"}, {namespace: "waiting"}, {namespace: "starting", kind: "slow"}} {
			go func() {
				_, err := p.Invoke(t.Context(), c.message())
				ended <- err
			}()
			synctest.Wait()
		}
		if err := p.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := f.alive(); n != 0 {
			t.Errorf("%d containers survive", n)
		}
		synctest.Wait()
		if n := len(ended); n != 2 {
			t.Errorf("%d activations ended, want the waiting and the starting one", n)
		}
		for range len(ended) {
			if err := <-ended; !errors.Is(err, entity.ErrUnavailable) {
				t.Errorf("error is %v, want unavailable", err)
			}
		}
		time.Sleep(2 * time.Hour) // the fake's run goes on until its time limit
		if err := p.CheckEmpty(); err != nil {
			t.Error(err)
		}
	})
}

func TestCloseStopsWaitingWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{t: t, pause: func(*sandbox) error { time.Sleep(time.Hour); return nil }}
		p := containerpool.New(f, containerpool.Options{Memory: entity.MB << 10})
		invoke(t, p, call{})
		time.Sleep(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v, want that of the context", err)
		}
		time.Sleep(time.Hour)
	})
}
