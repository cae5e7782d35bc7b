package crash

import (
	"fmt"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestQueueSurvivesAKill lets one activation hold the only container while
// others queue up behind it, and kills the server.
func TestQueueSurvivesAKill(t *testing.T) {
	t.Parallel()
	dir, l := t.TempDir()+"/data", newLedger(t)
	s := start(t, dir, "--api-host", l.URL, "--pool-memory", "256MB", "--pool-stem-cells", "nodejs:20=0")
	s.create(t, "hold", reporting(50_000))
	s.create(t, "quick", reporting(0))
	hold := l.accepted(t, s, "hold")
	l.await(t, hold)
	var clients sync.WaitGroup
	for i := range 16 {
		clients.Go(func() {
			for n := i; n < *queued; n += 16 {
				l.accepted(t, s, "quick")
			}
		})
	}
	clients.Wait()
	if l.count() != *queued+1 || l.total() != 1 {
		t.Fatalf("%d accepted, %d ran", l.count(), l.total())
	}
	s.kill()
	s = start(t, dir, "--api-host", l.URL)
	began := time.Now()
	l.audit(t, s)
	t.Logf("%d queued; ready again after %s, all recorded %s later",
		*queued, s.took.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
	if l.total() != *queued+1 {
		t.Errorf("%d ran, want each of %d", l.total(), *queued+1)
	}
}

// TestOrderlyStopKeepsPromises stops a server that has activations in flight
// and queued.
func TestOrderlyStopKeepsPromises(t *testing.T) {
	t.Parallel()
	dir, l := t.TempDir()+"/data", newLedger(t)
	s := start(t, dir, "--api-host", l.URL)
	s.create(t, "slow", reporting(700))
	running := l.accepted(t, s, "slow")
	var callers sync.WaitGroup
	for range 2 {
		callers.Go(func() {
			id, got, err := s.invoke("slow", "?blocking=true", 1)
			if err != nil || got.status != http.StatusOK {
				t.Errorf("a call in flight is answered with %d %s %v", got.status, got.body, err)
			}
			l.ack(id, got.status)
		})
	}
	l.await(t, running)
	until(t, func() bool { return l.total() == 3 })
	for range 6 {
		l.accepted(t, s, "slow")
	}
	s.signal(syscall.SIGTERM)
	callers.Wait()
	if code := s.exits(t, 30*time.Second); code != 0 {
		t.Errorf("exit status %d\n%s", code, s.log)
	}
	s = start(t, dir, "--api-host", l.URL)
	l.audit(t, s)
}

// TestKillDuringTheStopLosesNothing cuts a server that is stopping already.
func TestKillDuringTheStopLosesNothing(t *testing.T) {
	t.Parallel()
	dir, l := t.TempDir()+"/data", newLedger(t)
	s := start(t, dir, "--api-host", l.URL)
	s.create(t, "slow", reporting(1500))
	ids := make([]string, 12)
	for i := range ids {
		ids[i] = l.accepted(t, s, "slow")
	}
	l.await(t, ids[0])
	s.signal(syscall.SIGTERM)
	until(t, func() bool { // it takes no more
		_, _, err := s.invoke("slow", "", 0)
		return err != nil
	})
	s.kill()
	s = start(t, dir, "--api-host", l.URL)
	l.audit(t, s)
}

// TestDrainTimeEndsWhatDoesNotEnd cuts activations that run longer than the
// server waits: they are recorded as interrupted at the next start.
func TestDrainTimeEndsWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	dir, l := t.TempDir()+"/data", newLedger(t)
	s := start(t, dir, "--api-host", l.URL, "--drain", "300ms")
	s.create(t, "slow", reporting(20_000))
	id := l.accepted(t, s, "slow")
	l.await(t, id)
	s.signal(syscall.SIGTERM)
	if code := s.exits(t, 10*time.Second); code != 0 {
		t.Errorf("exit status %d\n%s", code, s.log)
	}
	s = start(t, dir, "--api-host", l.URL)
	if got := s.outcome(t, id); got != "whisk internal error" || l.ran(id) != 1 {
		t.Errorf("outcome %q after %d runs", got, l.ran(id))
	}
}

// accepted starts an activation without waiting and returns its id.
func (l *ledger) accepted(t *testing.T, s *server, action string) string {
	id, got, err := s.invoke(action, "", 0)
	if err != nil || got.status != http.StatusAccepted {
		t.Errorf("%s is answered with %d %s %v", action, got.status, got.body, err)
		return fmt.Sprint("refused ", action)
	}
	l.ack(id, got.status)
	return id
}

// await waits until that activation runs.
func (l *ledger) await(t *testing.T, id string) {
	t.Helper()
	until(t, func() bool { return l.ran(id) > 0 })
}

// until polls for what goes on in another process, ten seconds at most.
func until(t *testing.T, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); !done(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("it does not happen")
		}
	}
}
