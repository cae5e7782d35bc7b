package containerpool_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowhisk/gowhisk/internal/containerpool"
)

// slowStart makes containers in 50 ms.
func slowStart(ctx context.Context, _ containerpool.Spec) error {
	return wait(ctx, 50*time.Millisecond)
}

func TestShortActivationsWaitForEachOtherInsteadOfANewContainer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{run: holding(100 * time.Microsecond), create: slowStart}
		p := open(t, f, containerpool.Options{})
		burst(p, 1, call{})
		results, errs := burst(p, 16, call{})
		if len(results) != 16 || len(errs) != 0 || len(f.containers()) != 1 {
			t.Errorf("%d results, errors %v, %d containers; want all from the one that was there", len(results), errs, len(f.containers()))
		}
	})
}

func TestAnActivationDoesNotWaitLongForContainersThatAreUnusuallyBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{run: holding(100 * time.Microsecond), create: slowStart}
		p := open(t, f, containerpool.Options{})
		burst(p, 1, call{})
		f.run = holding(time.Second)
		began := time.Now()
		burst(p, 2, call{})
		if took := time.Since(began); took != 1100*time.Millisecond {
			t.Errorf("took %v, want 50 ms of patience, one start and one run", took)
		}
	})
}

func TestLongActivationsGetTheirContainersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{run: holding(time.Second), create: slowStart}
		p := open(t, f, containerpool.Options{})
		burst(p, 1, call{})
		began := time.Now()
		burst(p, 2, call{})
		if took := time.Since(began); took != 1050*time.Millisecond {
			t.Errorf("took %v, want one start and one run", took)
		}
	})
}

func TestContainersOfOneActionAreStartedAFewAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{run: holding(time.Second), create: slowStart}
		p := open(t, f, containerpool.Options{StartsAtOnce: 2})
		began := time.Now()
		if _, errs := burst(p, 6, call{}); len(errs) != 0 {
			t.Error(errs)
		}
		if took := time.Since(began); took != 1150*time.Millisecond {
			t.Errorf("took %v, want three starts and one run", took)
		}
	})
}

func TestAContainerIsReplacedWhenItRanOftenEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{}
		p := open(t, f, containerpool.Options{MaxRuns: 3})
		for range 7 {
			invoke(t, p, call{})
		}
		synctest.Wait()
		if n := len(f.containers()); n != 3 || f.alive() != 1 {
			t.Errorf("%d containers were made and %d live, want 3 and 1", n, f.alive())
		}
	})
}
