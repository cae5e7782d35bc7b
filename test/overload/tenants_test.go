package overload

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	hello = "function main({n}) { return {n}; }"
	sleep = "function main({ms}) { return new Promise(done => setTimeout(() => done({slept: ms}), ms)); }"
)

// steady calls an action ten times a second for the time of a flood, and
// fails the test unless every call succeeds.
func (t tenant) steady(action string) {
	t.server.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for i := range *seconds * 10 {
		if status, text := t.invoke(action, fmt.Sprintf(`{"n":%d}`, i)); status != http.StatusOK {
			t.server.Errorf("call %d of the neighbour: %d %s", i, status, text)
		}
		<-tick.C
	}
}

// flood calls an action from many clients without a pause until it is told to
// stop, and returns how many calls had which status.
func (t tenant) flood(clients int, action, args string, stop <-chan struct{}) map[int]int {
	var mu sync.Mutex
	counts := map[int]int{}
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				status, _ := t.invoke(action, args)
				mu.Lock()
				counts[status]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return counts
}

// during runs calm while the flood goes on, and returns the flood's counts.
func during(flood func(stop <-chan struct{}) map[int]int, calm func()) map[int]int {
	stop, counts := make(chan struct{}), make(chan map[int]int, 1)
	go func() { counts <- flood(stop) }()
	calm()
	close(stop)
	return <-counts
}

func TestNamespaceOverItsLimitsDoesNotDisturbItsNeighbour(t *testing.T) {
	s := serve(t, "--pool-memory", "1GB", "--invocations-per-minute", "60")
	n := s.neighbour()
	s.admin("limits", "set", "neighbour", "--invocationsPerMinute", "100000")
	s.guest.create("hello", hello)
	n.create("hello", hello)
	counts := during(func(stop <-chan struct{}) map[int]int { return s.guest.flood(16, "hello", `{"n":1}`, stop) }, func() { n.steady("hello") })
	if counts[http.StatusTooManyRequests] == 0 || counts[0] != 0 {
		t.Errorf("the flood was answered with %v", counts)
	}
	t.Log("the flood:", counts)
}

// TestNamespaceThatFillsThePoolDoesNotDisturbItsNeighbour has a flood that is
// within its limits and wants ten times the memory that there is.
func TestNamespaceThatFillsThePoolDoesNotDisturbItsNeighbour(t *testing.T) {
	s := serve(t, "--pool-memory", "1GB", "--invocations-per-minute", "1000000", "--concurrent-invocations", "1000")
	n := s.neighbour()
	s.guest.create("sleep", sleep)
	n.create("hello", hello)
	counts := during(func(stop <-chan struct{}) map[int]int { return s.guest.flood(40, "sleep", `{"ms":50}`, stop) }, func() { n.steady("hello") })
	if counts[http.StatusOK] == 0 || counts[0] != 0 || counts[http.StatusInternalServerError] != 0 {
		t.Errorf("the flood was answered with %v", counts)
	}
	t.Log("the flood:", counts)
}

// TestActionThatSleepsDoesNotHoldUpItsSibling has sleepers in flight for
// longer than the sibling takes, in the same namespace.
func TestActionThatSleepsDoesNotHoldUpItsSibling(t *testing.T) {
	s := serve(t, "--pool-memory", "8GB", "--invocations-per-minute", "1000000", "--drain", "1s")
	s.guest.create("sleep", sleep)
	s.guest.create("hello", hello)
	for range 20 {
		if status, text := s.guest.do(http.MethodPost, "actions/sleep", `{"ms":20000}`); status != http.StatusAccepted {
			t.Fatalf("sleep: %d %s", status, text)
		}
	}
	began := time.Now()
	s.guest.steady("hello")
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("the sibling waited for the sleepers: %s", took)
	}
	// They are cut when the server stops.
	if status, text := s.guest.do(http.MethodGet, "activations?name=sleep&count=true", ""); text != `{"activations":0}` {
		t.Errorf("the sleepers had ended: %d %s", status, text)
	}
}

// TestManyActionsShareAPoolThatHoldsFewOfThem invokes each action twice, in a
// pool that has room for four.
func TestManyActionsShareAPoolThatHoldsFewOfThem(t *testing.T) {
	s := serve(t, "--pool-memory", "1GB", "--invocations-per-minute", "1000000", "--concurrent-invocations", "1000")
	for i := range *actions {
		s.guest.create(fmt.Sprintf("action%d", i), fmt.Sprintf("function main() { return {action: %d}; }", i))
	}
	var next, failed atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(2**actions); i = next.Add(1) - 1 {
				n := i % int64(*actions)
				status, text := s.guest.invoke(fmt.Sprintf("action%d", n), "{}")
				if status != http.StatusOK || text != fmt.Sprintf(`{"action":%d}`, n) {
					failed.Add(1)
					t.Errorf("action%d: %d %s", n, status, text)
				}
			}
		})
	}
	wg.Wait()
	if failed.Load() > 0 {
		t.Errorf("%d of %d calls failed", failed.Load(), 2**actions)
	}
}
