package containerpool_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
	"github.com/gowhisk/gowhisk/internal/protocol"
)

// burst invokes c n times at once and returns the results that came and the
// errors.
func burst(p *containerpool.Pool, n int, c call) (results []invoker.Result, errs []error) {
	var mu sync.Mutex
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			r, err := p.Invoke(context.Background(), c.message())
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, err)
				return
			}
			results = append(results, r)
		})
	}
	all.Wait()
	return results, errs
}

func TestBurstOnAFreshActionIsServedByAsManyContainers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{run: holding(time.Second)}
		f.create = func(ctx context.Context, _ containerpool.Spec) error { return wait(ctx, 50*time.Millisecond) }
		p := open(t, f, containerpool.Options{Memory: 4096 * entity.MB, StartsAtOnce: 16})
		began := time.Now()
		results, errs := burst(p, 16, call{})
		if len(results) != 16 || len(errs) != 0 {
			t.Fatalf("%d results and errors %v", len(results), errs)
		}
		if took := time.Since(began); took != 1050*time.Millisecond {
			t.Errorf("burst took %s, want one start and one run", took)
		}
		if n := len(f.containers()); n != 16 {
			t.Errorf("%d containers, want 16", n)
		}
	})
}

func TestConcurrentActivationsShareOneContainerAndWaitForItsInit(t *testing.T) {
	for name, opt := range map[string]containerpool.Options{"cold": {}, "stem cells": withCells(4, 4)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &factory{run: holding(time.Second), concurrency: 100}
				f.create = func(ctx context.Context, _ containerpool.Spec) error { return wait(ctx, 50*time.Millisecond) }
				f.init = func(ctx context.Context, _ *sandbox, _ containerpool.Assignment) (containerpool.Answer, error) {
					if err := wait(ctx, 100*time.Millisecond); err != nil {
						return containerpool.Answer{}, err
					}
					return ok()
				}
				p := open(t, f, opt)
				time.Sleep(time.Second)
				if _, errs := burst(p, 16, call{concurrency: 20}); len(errs) != 0 {
					t.Fatal(errs)
				}
				used := 0
				for _, c := range f.containers() {
					if _, runs := c.end(); runs > 0 {
						used++
					}
				}
				if used != 1 {
					t.Errorf("%d containers ran, want 1", used)
				}
			})
		})
	}
}

func TestRuntimeThatTakesOneRunAtATimeGetsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{run: holding(time.Second), concurrency: 1}
		p := open(t, f, containerpool.Options{})
		results, errs := burst(p, 4, call{concurrency: 20})
		if len(results) != 4 {
			t.Fatalf("%d results, errors %v", len(results), errs)
		}
		if n := len(f.containers()); n < 2 {
			t.Errorf("%d containers: the waiting ones were not given their own", n)
		}
	})
}

func TestFailingRunLetsTheOthersInItsContainerEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{concurrency: 10}
		f.create = func(ctx context.Context, _ containerpool.Spec) error { return wait(ctx, time.Second) }
		var n atomic.Int32
		f.run = func(ctx context.Context, _ *sandbox, _ *protocol.RunRequest) (containerpool.Answer, error) {
			if n.Add(1) == 2 {
				return answer(200, `broken`), nil
			}
			return holding(time.Second)(ctx, nil, nil)
		}
		p := open(t, f, containerpool.Options{})
		results, errs := burst(p, 3, call{concurrency: 3})
		failed := 0
		for _, r := range results {
			if r.Response.Status != entity.Success {
				failed++
			}
		}
		if len(errs) != 0 || failed != 1 {
			t.Errorf("%d of %d failed, errors %v, want 1", failed, len(results), errs)
		}
		synctest.Wait()
		if reason, runs := f.containers()[0].end(); reason == "" || runs != 3 {
			t.Errorf("container ended for %q after %d runs", reason, runs)
		}
	})
}

func TestFailureToCreateReachesOneActivationOnly(t *testing.T) {
	for name, concurrency := range map[string]int{"one at a time": 1, "shared container": 10} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &factory{run: holding(time.Second), concurrency: 10}
				var first atomic.Bool
				f.create = func(ctx context.Context, _ containerpool.Spec) error {
					if err := wait(ctx, 50*time.Millisecond); err != nil || first.CompareAndSwap(false, true) {
						return errors.Join(err, errors.New("no more processes"))
					}
					return nil
				}
				p := open(t, f, containerpool.Options{})
				results, errs := burst(p, 5, call{concurrency: concurrency})
				if len(results) != 4 || len(errs) != 1 {
					t.Fatalf("%d results and errors %v, want 4 and 1", len(results), errs)
				}
				e, isError := errors.AsType[*entity.Error](errs[0])
				if !isError || e.Message != invoker.Unprovisioned || e.Code != "GW3001" {
					t.Errorf("error is %v", errs[0])
				}
			})
		})
	}
}

func TestFailureToInitialiseReachesOneActivationOnly(t *testing.T) {
	for name, concurrency := range map[string]int{"one at a time": 1, "shared container": 10} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &factory{run: holding(time.Second), concurrency: 10}
				var first atomic.Bool
				f.init = func(ctx context.Context, _ *sandbox, _ containerpool.Assignment) (containerpool.Answer, error) {
					if err := wait(ctx, 50*time.Millisecond); err != nil {
						return containerpool.Answer{}, err
					}
					if first.CompareAndSwap(false, true) {
						return answer(502, `{"error":"bad code"}`), nil
					}
					return ok()
				}
				p := open(t, f, containerpool.Options{})
				results, errs := burst(p, 5, call{concurrency: concurrency})
				failed := 0
				for _, r := range results {
					if r.Response.Status == entity.DeveloperError {
						failed++
					}
				}
				if len(results) != 5 || failed != 1 {
					t.Errorf("%d of %d failed, errors %v, want 1 of 5", failed, len(results), errs)
				}
			})
		})
	}
}

func TestActivationThatGivesUpWaitingLeavesItsContainerToTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{create: func(ctx context.Context, _ containerpool.Spec) error { return wait(ctx, time.Second) }}
		p := open(t, f, containerpool.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		if _, err := p.Invoke(ctx, call{}.message()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error is %v, want that of the context", err)
		}
		began := time.Now()
		invoke(t, p, call{})
		if took := time.Since(began); took > 500*time.Millisecond || len(f.containers()) != 1 {
			t.Errorf("the next one waited %s for container %d", took, len(f.containers()))
		}
	})
}

// The end of the wait and the container come at the same instant of the
// bubble's clock, so that either may be first.
func TestContainerThatArrivesAtTheLastMomentIsNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{create: func(ctx context.Context, _ containerpool.Spec) error { return wait(ctx, time.Second) }}
		p := open(t, f, containerpool.Options{Memory: 512 * entity.MB})
		for revision := range uint64(200) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := p.Invoke(ctx, call{revision: revision + 1}.message())
			cancel()
			if err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			synctest.Wait()
			if err := p.CheckBooks(); err != nil {
				t.Fatalf("round %d: %v", revision, err)
			}
			if s := p.Stats(); s.Containers != s.Idle {
				t.Fatalf("round %d: %d containers, %d idle", revision, s.Containers, s.Idle)
			}
		}
	})
}
