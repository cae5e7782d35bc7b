package containerpool_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
	"github.com/gowhisk/gowhisk/internal/protocol"
)

func TestContainerIdleLongestIsEvictedWhenMemoryIsNeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{usage: func(*sandbox) (int64, error) { return 100 * entity.MB, nil }}
		p := open(t, f, containerpool.Options{Memory: 512 * entity.MB})
		for _, action := range []string{"a", "b", "c"} {
			invoke(t, p, call{action: action})
			time.Sleep(time.Second)
		}
		invoke(t, p, call{action: "a"}) // now b is idle longest
		time.Sleep(2 * time.Second)
		invoke(t, p, call{action: "d", memory: 256})
		synctest.Wait()
		for i, want := range []string{"", "memory needed", "", ""} {
			if reason, _ := f.containers()[i].end(); reason != want {
				t.Errorf("container %d ended for %q, want %q", i, reason, want)
			}
		}
	})
}

func TestThousandIdleContainersFitWhereFewCouldRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{usage: func(*sandbox) (int64, error) { return 3 * entity.MB, nil }}
		p := open(t, f, containerpool.Options{Memory: 4096 * entity.MB})
		for i := range 1000 {
			invoke(t, p, call{action: fmt.Sprint("a", i), memory: 256})
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(2 * time.Second)
		if s := p.Stats(); s.Idle != 1000 || s.MemoryCharged != 3000*entity.MB {
			t.Errorf("%d idle with %d MB, want 1000 with 3000", s.Idle, s.MemoryCharged/entity.MB)
		}
		if r := invoke(t, p, call{action: "a0", memory: 256}); r.Start != invoker.Warm {
			t.Errorf("start is %s, want warm", r.Start)
		}
	})
}

// The share of a namespace counted idle containers too: where one namespace
// had filled the memory with them, it could start nothing any more.
func TestIdleContainersOfANamespaceGiveWayToItsOwnActions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{usage: func(*sandbox) (int64, error) { return 60 * entity.MB, nil }}
		p := open(t, f, containerpool.Options{Memory: 1024 * entity.MB})
		for i := range 40 {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			if _, err := p.Invoke(ctx, call{action: fmt.Sprint("a", i), memory: 256}.message()); err != nil {
				t.Fatalf("action %d: %v", i, err)
			}
			cancel()
			time.Sleep(2 * time.Second)
		}
	})
}

func TestIdleContainersThatGrowPushTheOldestOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{usage: func(*sandbox) (int64, error) { return 128 * entity.MB, nil }}
		p := open(t, f, containerpool.Options{Memory: 512 * entity.MB})
		for i := range 8 {
			invoke(t, p, call{action: fmt.Sprint("a", i)})
		}
		time.Sleep(2 * time.Second)
		if s := p.Stats(); s.Idle != 4 {
			t.Errorf("%d idle containers of 128 MB in 512 MB, want 4", s.Idle)
		}
	})
}

func TestOneActionCannotTakeAllMemory(t *testing.T) {
	testShare(t, 1, 8)
}

func TestOneNamespaceCannotTakeAllMemory(t *testing.T) {
	testShare(t, 5, 9)
}

// testShare: one namespace asks for 20 containers of a tenth of the memory
// each, through some actions.
func testShare(t *testing.T, actions, want int) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, &factory{run: holding(time.Second)}, containerpool.Options{Memory: 1280 * entity.MB})
		for i := range 20 {
			go invoke(t, p, call{action: fmt.Sprint("a", i%actions)})
		}
		time.Sleep(500 * time.Millisecond)
		if n := p.Stats().Containers; n != want {
			t.Errorf("%d of 10 containers are the namespace's, want %d", n, want)
		}
		began := time.Now()
		invoke(t, p, call{namespace: "other"})
		if took := time.Since(began); took != time.Second {
			t.Errorf("another namespace was served after %s, want at once", took)
		}
		time.Sleep(time.Minute)
	})
}

func TestActionThatCanNeverFitIsRefusedAtOnce(t *testing.T) {
	p := open(t, &factory{}, containerpool.Options{Memory: 256 * entity.MB})
	_, err := p.Invoke(t.Context(), call{memory: 512}.message())
	e, isError := errors.AsType[*entity.Error](err)
	if !isError || e.Message != invoker.Unprovisioned {
		t.Errorf("error is %v", err)
	}
}

func TestActivationsThatWaitAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, &factory{run: holding(time.Second)}, containerpool.Options{Memory: 128 * entity.MB, MaxWaiting: 3})
		for range 4 {
			go invoke(t, p, call{})
			synctest.Wait()
		}
		for _, c := range []call{{}, {action: "other"}} {
			_, err := p.Invoke(t.Context(), c.message())
			e, isError := errors.AsType[*entity.Error](err)
			if !isError || e.Kind != entity.Unavailable || e.Code != "GW3002" {
				t.Errorf("error is %v, want unavailable with GW3002", err)
			}
		}
		if n := p.Stats().Waiting; n != 3 {
			t.Errorf("%d wait, want 3", n)
		}
		if err := p.Ready(); entity.KindOf(err) != entity.Unavailable {
			t.Errorf("a full pool says %v to those that ask before", err)
		}
		time.Sleep(time.Minute)
		if err := p.Ready(); err != nil {
			t.Errorf("an empty pool says %v", err)
		}
	})
}

// loop invokes c again and again until ctx ends, and counts.
func loop(ctx context.Context, p *containerpool.Pool, c call) *int {
	n := new(int)
	go func() {
		for ctx.Err() == nil {
			if _, err := p.Invoke(ctx, c.message()); err == nil {
				*n++
			}
		}
	}()
	return n
}

func TestBusyActionYieldsItsContainerToOneThatHasNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, &factory{run: holding(10 * time.Millisecond)}, containerpool.Options{Memory: 128 * entity.MB})
		ctx, cancel := context.WithCancel(t.Context())
		for range 10 {
			loop(ctx, p, call{namespace: "busy"})
		}
		time.Sleep(time.Second)
		began := time.Now()
		invoke(t, p, call{namespace: "other"})
		if took := time.Since(began); took > 200*time.Millisecond {
			t.Errorf("the other namespace waited %s, want little more than 100 ms", took)
		}
		cancel()
		synctest.Wait()
	})
}

// A container that is shared by overlapping activations is never idle.
func TestSharedContainerThatIsNeverIdleYieldsToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, &factory{run: holding(10 * time.Millisecond), concurrency: 10}, containerpool.Options{Memory: 128 * entity.MB})
		ctx, cancel := context.WithCancel(t.Context())
		for range 5 {
			loop(ctx, p, call{namespace: "busy", concurrency: 10})
			time.Sleep(3 * time.Millisecond)
		}
		time.Sleep(time.Second)
		began := time.Now()
		invoke(t, p, call{namespace: "other"})
		if took := time.Since(began); took > 200*time.Millisecond {
			t.Errorf("the other namespace waited %s, want little more than 100 ms", took)
		}
		cancel()
		synctest.Wait()
	})
}

// Memory that becomes free in small pieces is kept for the large one, which
// would else never come to its turn.
func TestLargeActionIsNotStarvedBySmallOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{}
		f.run = func(ctx context.Context, c *sandbox, req *protocol.RunRequest) (containerpool.Answer, error) {
			return holding(time.Duration(50+10*len(req.Namespace))*time.Millisecond)(ctx, c, req)
		}
		p := open(t, f, containerpool.Options{Memory: 512 * entity.MB})
		ctx, cancel := context.WithCancel(t.Context())
		for i := range 12 {
			loop(ctx, p, call{namespace: fmt.Sprintf("%0*d", i%4+1, i)})
			time.Sleep(7 * time.Millisecond)
		}
		time.Sleep(time.Second)
		began := time.Now()
		invoke(t, p, call{namespace: "large", memory: 512})
		if took := time.Since(began); took > time.Second {
			t.Errorf("the large action waited %s", took)
		}
		cancel()
		synctest.Wait()
	})
}

func TestNamespacesHaveEqualPartsWhateverTheNumberOfTheirActions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, &factory{run: holding(50 * time.Millisecond)}, containerpool.Options{Memory: 256 * entity.MB})
		ctx, cancel := context.WithCancel(t.Context())
		few := loop(ctx, p, call{namespace: "few"})
		var many []*int
		for i := range 20 {
			many = append(many, loop(ctx, p, call{namespace: "many", action: fmt.Sprint("a", i)}))
		}
		time.Sleep(30 * time.Second)
		cancel()
		synctest.Wait()
		sum := 0
		for _, n := range many {
			if *n == 0 {
				t.Error("an action of the namespace with many was never served")
			}
			sum += *n
		}
		if *few < 100 {
			t.Errorf("the namespace with one action had %d activations, the one with twenty %d", *few, sum)
		}
	})
}

// Groups of one namespace that cannot grow hid others of it from the memory
// that became free.
func TestWaitingActivationsOfOneNamespaceDoNotHideEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{}
		f.run = func(ctx context.Context, c *sandbox, req *protocol.RunRequest) (containerpool.Answer, error) {
			d := 100 * time.Millisecond
			if req.Namespace == "long" {
				d = time.Minute
			}
			return holding(d)(ctx, c, req)
		}
		p := open(t, f, containerpool.Options{Memory: 512 * entity.MB})
		var all sync.WaitGroup
		all.Go(func() { invoke(t, p, call{namespace: "long", memory: 256}) })
		time.Sleep(time.Millisecond)
		for i := range 3 {
			all.Go(func() { invoke(t, p, call{action: "large", memory: 512}) })
			all.Go(func() { invoke(t, p, call{action: fmt.Sprint("small", i)}) })
			all.Go(func() { invoke(t, p, call{action: fmt.Sprint("small", i)}) })
			time.Sleep(150 * time.Millisecond)
		}
		all.Wait()
	})
}

func TestMemoryKeptForAnActivationIsGivenAwayWhenThatGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{run: holding(10 * time.Second)}
		p := open(t, f, containerpool.Options{Memory: 512 * entity.MB})
		go invoke(t, p, call{namespace: "long"})
		time.Sleep(time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go func() {
			if _, err := p.Invoke(ctx, call{namespace: "large", memory: 512}.message()); err == nil {
				t.Error("the large one ran")
			}
		}()
		time.Sleep(500 * time.Millisecond)
		began := time.Now()
		invoke(t, p, call{namespace: "small"})
		if took := time.Since(began); took != 10*time.Second+500*time.Millisecond {
			t.Errorf("the small one took %s, want its run and the wait of the large one", took)
		}
	})
}
