package containerpool_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/protocol"
)

// plan is one activation of the model: when it comes and how it goes.
type plan struct {
	call
	at, createTakes, runTakes, patience time.Duration
	outcome                             int
}

// The outcomes of plans.
const (
	succeeds = iota
	failsCreate
	failsInit
	failsRun
	dooms
	outcomes
)

func plans() *rapid.Generator[[]plan] {
	millis := func(t *rapid.T, most int, name string) time.Duration {
		return time.Duration(rapid.IntRange(0, most).Draw(t, name)) * time.Millisecond
	}
	one := rapid.Custom(func(t *rapid.T) plan {
		n := rapid.IntRange(0, 5).Draw(t, "action")
		return plan{
			call: call{
				namespace: fmt.Sprint("ns", rapid.IntRange(0, 2).Draw(t, "namespace")),
				action:    fmt.Sprint("a", n), concurrency: 1 + n%3*2, memory: []int64{128, 256, 512}[n/2],
				timeout: 400 * time.Millisecond,
			},
			at: millis(t, 3000, "at"), createTakes: millis(t, 100, "create"), runTakes: millis(t, 500, "run"),
			patience: millis(t, 1000, "patience"), outcome: rapid.IntRange(0, outcomes).Draw(t, "outcome"),
		}
	})
	return rapid.SliceOfN(one, 1, 60)
}

// modelFactory acts out plans; what init and run do is said by the
// activation's transaction id, what create does comes in turn.
func modelFactory(list []plan) *factory {
	f := &factory{concurrency: 4}
	var next atomic.Int32
	f.create = func(ctx context.Context, _ containerpool.Spec) error {
		p := list[int(next.Add(1))%len(list)]
		if err := wait(ctx, p.createTakes); err != nil {
			return err
		}
		if p.outcome == failsCreate {
			return errors.New("no more processes")
		}
		return nil
	}
	f.init = func(ctx context.Context, _ *sandbox, a containerpool.Assignment) (containerpool.Answer, error) {
		p := planOf(list, a.Env["__OW_TRANSACTION_ID"])
		if err := wait(ctx, p.runTakes/2); err != nil {
			return containerpool.Answer{}, err
		}
		if p.outcome == failsInit {
			return answer(502, `{"error":"bad code"}`), nil
		}
		return ok()
	}
	f.run = func(ctx context.Context, _ *sandbox, req *protocol.RunRequest) (containerpool.Answer, error) {
		p := planOf(list, req.TransactionID)
		if err := wait(ctx, p.runTakes); err != nil {
			return containerpool.Answer{}, err
		}
		switch p.outcome {
		case failsRun:
			return containerpool.Answer{}, &containerpool.Failure{Cause: containerpool.Exited}
		case dooms:
			return answer(200, `7`), nil
		}
		return ok()
	}
	f.usage = func(c *sandbox) (int64, error) { return int64(10+len(c.id)*30) * entity.MB, nil }
	return f
}

func planOf(list []plan, id string) plan {
	var n int
	if _, err := fmt.Sscan(id, &n); err != nil {
		panic(err)
	}
	return list[n]
}

// TestBooksAreRightWhateverHappens runs random plans in a pool with little
// memory and checks the books again and again. Everyone who waited must have
// been answered, and the closed pool must hold nothing.
func TestBooksAreRightWhateverHappens(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		list := plans().Draw(rt, "plans")
		memory := int64(rapid.SampledFrom([]int{512, 600, 1024, 2048}).Draw(rt, "memory")) * entity.MB
		cells := rapid.IntRange(0, 3).Draw(rt, "cells")
		var failure error
		synctest.Test(t, func(t *testing.T) { failure = act(t, list, memory, cells) })
		if failure != nil {
			rt.Fatal(failure)
		}
	})
}

func act(t *testing.T, list []plan, memory int64, cells int) error {
	f := modelFactory(list)
	f.t = t
	p := containerpool.New(f, containerpool.Options{
		Memory: memory, PauseGrace: 200 * time.Millisecond, IdleTime: 2 * time.Second, MaxWaiting: 20,
		StemCells: map[string]containerpool.StemCells{node: {Min: min(cells, 1), Max: cells}},
	})
	var answered atomic.Int32
	for i, pl := range list {
		go func() {
			time.Sleep(pl.at)
			ctx, cancel := context.WithCancel(context.Background())
			if pl.patience < 300*time.Millisecond {
				ctx, cancel = context.WithTimeout(ctx, pl.patience)
			}
			defer cancel()
			msg := pl.message()
			msg.Transaction = fmt.Sprint(i)
			_, _ = p.Invoke(ctx, msg)
			answered.Add(1)
		}()
	}
	var failure error
	for range 80 {
		time.Sleep(53 * time.Millisecond)
		synctest.Wait()
		failure = errors.Join(failure, p.CheckBooks())
	}
	time.Sleep(time.Hour)
	synctest.Wait()
	if n := int(answered.Load()); n != len(list) {
		failure = errors.Join(failure, fmt.Errorf("%d of %d activations were answered", n, len(list)))
	}
	failure = errors.Join(failure, p.CheckBooks(), p.Close(context.Background()), p.CheckEmpty())
	if n := f.alive(); n != 0 {
		failure = errors.Join(failure, fmt.Errorf("%d containers survive", n))
	}
	return failure
}
