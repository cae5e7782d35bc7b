package local_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/invoker"
	"github.com/gowhisk/gowhisk/internal/sandbox"
)

// TestKilledContainersFailTheirOwnRunsOnly kills runtimes at random while
// actions run in them.
func TestKilledContainersFailTheirOwnRunsOnly(t *testing.T) {
	duration := 4 * time.Second
	if *long {
		duration = 5 * time.Minute
	}
	for _, tier := range tiers() {
		t.Run(string(tier), func(t *testing.T) {
			here := false
			t.Run("what is opened once", func(t *testing.T) {
				newFactory(t, tier)
				here = true
			})
			if !here {
				t.Skipf("this host has no tier %s", tier)
			}
			before := held(t)
			var kills, died, fine atomic.Int64
			t.Run("assassin", func(t *testing.T) { assassinate(t, tier, duration, &kills, &died, &fine) })
			t.Logf("%d kills, %d runs died, %d succeeded", kills.Load(), died.Load(), fine.Load())
			if kills.Load() == 0 || died.Load() == 0 || died.Load() > kills.Load() {
				t.Errorf("%d kills ended %d runs", kills.Load(), died.Load())
			}
			wantHeld(t, before)
		})
	}
}

func assassinate(t *testing.T, tier sandbox.Tier, duration time.Duration, kills, died, fine *atomic.Int64) {
	p := newPoolIn(t, tier, containerpool.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), duration)
	defer cancel()
	var all sync.WaitGroup
	for i := range 4 {
		msg := message("nodejs:20", `function main() { return new Promise(d => setTimeout(() => d({ok: true}), 20)) }`, "{}")
		if i%2 == 1 {
			msg = message("python:3.11", "import time\ndef main(a):\n  time.sleep(0.02)\n  return {'ok': True}", "{}")
		}
		msg.Action.Revision, msg.Action.Limits.Memory = uint64(i+1), 128
		all.Go(func() {
			for ctx.Err() == nil {
				r, err := p.Invoke(context.WithoutCancel(ctx), msg)
				switch {
				case err != nil && strings.Contains(err.Error(), "boot launcher: the process exited (its process was ended by signal 9"):
					died.Add(1) // twice, before it was anybody's
				case err != nil:
					t.Errorf("invoke: %v", err)
				case r.Response.Status == entity.Success:
					fine.Add(1)
				default:
					died.Add(1)
					wantKilled(t, r)
				}
			}
		})
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		<-tick.C
		if alive := runtimesBelow(); len(alive) > 0 && syscall.Kill(alive[rand.IntN(len(alive))], syscall.SIGKILL) == nil {
			kills.Add(1)
		}
	}
	all.Wait()
}

// wantKilled wants the result to tell of a death during init or run.
func wantKilled(t *testing.T, r invoker.Result) {
	t.Helper()
	text := string(r.Response.Result)
	if r.Fault == fault.Provisioning {
		return // killed twice before it was anybody's
	}
	run := strings.Contains(text, "The action did not produce a valid response and exited unexpectedly.") && r.Fault == fault.Exited
	init := strings.Contains(text, "The action did not initialize and exited unexpectedly.") && r.Fault == fault.InitExited
	if r.Response.Status != entity.DeveloperError || !run && !init || !strings.Contains(r.Why, "killed") {
		t.Errorf("%v %s %s %q", r.Response.Status, r.Fault, text, r.Why)
	}
}
