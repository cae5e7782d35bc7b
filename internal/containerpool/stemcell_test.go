package containerpool_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
)

const node = "nodejs:20"

func withCells(min, max int) containerpool.Options {
	return containerpool.Options{StemCells: map[string]containerpool.StemCells{node: {Min: min, Max: max}}}
}

func TestStemCellServesOneActionOnceAndIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{}
		p := open(t, f, withCells(1, 1))
		synctest.Wait()
		if n := p.Stats().StemCells; n != 1 {
			t.Fatalf("%d stem cells at the start, want 1", n)
		}
		first := invoke(t, p, call{action: "a"})
		time.Sleep(time.Second) // time for the next cell
		second := invoke(t, p, call{action: "b"})
		if first.Start != invoker.Prewarmed || second.Start != invoker.Prewarmed {
			t.Errorf("starts are %s and %s, want prewarmed", first.Start, second.Start)
		}
		time.Sleep(time.Second)
		if s := p.Stats(); s.StemCells != 1 || s.Idle != 2 {
			t.Errorf("%d stem cells and %d idle, want 1 and 2", s.StemCells, s.Idle)
		}
	})
}

func TestStemCellsAreOfTheirKindOnlyAndNeverServeImages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, &factory{}, withCells(2, 2))
		synctest.Wait()
		for _, c := range []call{{action: "a", kind: "python:3"}, {action: "b", image: "me/image"}} {
			if r := invoke(t, p, c); r.Start != invoker.Cold {
				t.Errorf("%s: start is %s, want cold", c.action, r.Start)
			}
		}
	})
}

func TestNumberOfStemCellsFollowsTheDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, &factory{}, withCells(1, 4))
		synctest.Wait()
		for revision := range uint64(16) {
			invoke(t, p, call{revision: revision + 1})
			synctest.Wait()
		}
		time.Sleep(6 * time.Second)
		if n := p.Stats().StemCells; n != 4 {
			t.Errorf("%d stem cells after 16 cold starts, want the maximum of 4", n)
		}
		time.Sleep(time.Minute)
		if n := p.Stats().StemCells; n != 1 {
			t.Errorf("%d stem cells after a quiet minute, want the minimum of 1", n)
		}
	})
}

func TestKindWithoutMinimumGivesItsStemCellsUpWhenNobodyAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, &factory{}, withCells(0, 2))
		invoke(t, p, call{})
		time.Sleep(6 * time.Second)
		if n := p.Stats().StemCells; n != 1 {
			t.Errorf("%d stem cells after a cold start, want 1", n)
		}
		time.Sleep(time.Minute)
		if n := p.Stats().StemCells; n != 0 {
			t.Errorf("%d stem cells after a quiet minute, want none", n)
		}
	})
}

func TestStemCellsThatFailAreTriedLessAndLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries []time.Time
		f := &factory{create: func(context.Context, containerpool.Spec) error {
			tries = append(tries, time.Now())
			return errors.New("no runtime")
		}}
		began := time.Now()
		open(t, f, withCells(1, 1))
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := len(tries); n < 8 || n > 16 {
			t.Fatalf("%d tries in ten minutes, want about a dozen", n)
		}
		if last := tries[len(tries)-1].Sub(tries[len(tries)-2]); last < time.Minute {
			t.Errorf("the last two tries, %s after the start, lie %s apart, want a minute", time.Since(began), last)
		}
	})
}

func TestActionThatNeedsAllMemoryUsesTheStemCellThatHoldsSomeOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opt := withCells(1, 1)
		opt.Memory = 256 * entity.MB
		p := open(t, &factory{}, opt)
		synctest.Wait()
		if r := invoke(t, p, call{memory: 256}); r.Start != invoker.Prewarmed {
			t.Errorf("start is %s, want prewarmed", r.Start)
		}
	})
}

// A cell that was still starting held memory that an activation waited for;
// nobody looked again when it was there.
func TestActivationThatWaitsForAStartingStemCellIsWokenByIt(t *testing.T) {
	for name, failure := range map[string]error{"ready": nil, "failed": errors.New("no runtime")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var first sync.Once
				f := &factory{create: func(ctx context.Context, _ containerpool.Spec) (err error) {
					first.Do(func() {
						err = errors.Join(wait(ctx, 10*time.Second), failure)
					})
					return err
				}}
				opt := withCells(1, 1)
				opt.Memory = 256 * entity.MB
				p := open(t, f, opt)
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				if _, err := p.Invoke(ctx, call{memory: 256}.message()); err != nil {
					t.Errorf("activation did not run: %v", err)
				}
			})
		})
	}
}

func TestContainerThatAWarmOneOvertookBecomesAStemCell(t *testing.T) {
	testOvertaken(t, withCells(0, 4), 1, 1)
}

func TestContainerThatAWarmOneOvertookEndsWhereNoStemCellsAreKept(t *testing.T) {
	testOvertaken(t, containerpool.Options{}, 0, 1)
}

// testOvertaken: the second activation starts a container, but the one of
// the first becomes free before that is there.
func testOvertaken(t *testing.T, opt containerpool.Options, cells, idle int) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{run: holding(time.Second)}
		f.create = func(ctx context.Context, _ containerpool.Spec) error { return wait(ctx, 900*time.Millisecond) }
		p := open(t, f, opt)
		synctest.Wait()
		go invoke(t, p, call{})
		time.Sleep(1500 * time.Millisecond)
		if r := invoke(t, p, call{}); r.Start != invoker.Warm {
			t.Errorf("start is %s, want warm", r.Start)
		}
		if s := p.Stats(); s.StemCells != cells || s.Idle != idle || s.Containers != idle {
			t.Errorf("%d stem cells, %d idle of %d, want %d, %d", s.StemCells, s.Idle, s.Containers, cells, idle)
		}
		if err := p.CheckBooks(); err != nil {
			t.Error(err)
		}
	})
}
