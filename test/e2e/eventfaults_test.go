package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
)

// blackHole takes events in place of the dispatcher and delivers none.
type blackHole struct {
	url string

	mu    sync.Mutex
	taken []message // guarded by mu
}

type message struct {
	header http.Header
	body   string
}

func newBlackHole(t *testing.T) *blackHole {
	t.Helper()
	b := &blackHole{}
	b.url = listen(t, "127.0.0.1", b)
	return b
}

func (b *blackHole) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	b.mu.Lock()
	b.taken = append(b.taken, message{r.Header.Clone(), string(body)})
	b.mu.Unlock()
	w.WriteHeader(http.StatusAccepted)
}

func (b *blackHole) all() []message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.taken)
}

// once fails the test if one of that many numbers did not run once.
func (n *counter) once(t *testing.T, many int) {
	t.Helper()
	for i := range many {
		if times := n.of(fmt.Sprint(i)); times != 1 {
			t.Errorf("%d ran %d times", i, times)
		}
	}
}

// ran is how many of so many numbers ran.
func (n *counter) ran(many int) (ran int) {
	for i := range many {
		if n.of(fmt.Sprint(i)) > 0 {
			ran++
		}
	}
	return ran
}

// TestAcceptedEventsOutliveAKilledServer has all events taken by what delivers them when everything has
// run without them.
func TestAcceptedEventsOutliveAKilledServer(t *testing.T) {
	if os.Getenv("KUBECONFIG") == "" {
		t.Skip("KUBECONFIG names no cluster: make e2e starts one")
	}
	hole := newBlackHole(t)
	o, n := eventful(t, hole.url, "--knative-events-wait", "1h")
	o.subscribed("t", "r")
	const many = 20
	for i := range many {
		o.fire(map[string]any{"n": fmt.Sprint(i)})
	}
	o.until("not all events were sent", func() bool { return len(hole.all()) == many })
	if ran := n.ran(many); ran != 0 {
		t.Errorf("%d did not wait for their event", ran)
	}
	o.server.Kill()
	o.start()
	o.until("what was accepted does not run", func() bool { return n.ran(many) == many })
	subscriber := o.one(subscriptions, "dev.gowhisk/rule=r", ".spec.subscriber.uri")
	for range 2 {
		for _, m := range hole.all() {
			header := map[string]string{}
			for name := range m.header {
				header[name] = m.header.Get(name)
			}
			if status, err := post(t.Context(), subscriber, "", header, m.body); err != nil || status != http.StatusAccepted {
				t.Fatalf("%d %v", status, err)
			}
		}
	}
	o.invoke("told", map[string]any{"n": "after that"})
	n.once(t, many)
	if status, err := post(t.Context(), subscriber[:len(subscriber)-4]+"0000", "", nil, "{}"); err != nil || status != http.StatusForbidden {
		t.Errorf("with a wrong key: %d %v", status, err)
	}
}

// TestKilledDispatcherLosesNoEventAndRunsNothingTwice is alone on the cluster: it takes from others what
// delivers their events.
func TestKilledDispatcherLosesNoEventAndRunsNothingTwice(t *testing.T) {
	o, n := eventful(t, "", "--knative-events-wait", "3s")
	t.Cleanup(func() {
		if out, err := (&cluster{}).kubectl(context.Background(), "", "rollout", "status", "deployment/imc-dispatcher", "--namespace", "knative-eventing", "--timeout=2m"); err != nil {
			t.Logf("the dispatcher is not back: %v %s", err, out)
		}
	})
	o.subscribed("t", "r")
	const many = 200
	kill := func() {
		o.mustKubectl(t, "", "delete", "pods", "--namespace", "knative-eventing", "-l", "messaging.knative.dev/role=dispatcher", "--force", "--grace-period=0")
	}
	numbers := make(chan int)
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for i := range numbers {
				var a activation
				if status, err := o.call(t.Context(), http.MethodPost, "/triggers/t", map[string]any{"n": fmt.Sprint(i)}, &a); err != nil || status != http.StatusAccepted {
					t.Errorf("fire %d: %d %s %v", i, status, a.Error, err)
				}
			}
		})
	}
	for i := range many {
		if i == 50 || i == 120 {
			kill()
		}
		numbers <- i
	}
	close(numbers)
	clients.Wait()
	o.until("not all ran", func() bool { return n.ran(many) == many })
	taken, missed := o.deliveries()
	t.Logf("%d deliveries were taken, %d missed", taken, missed)
	// One more through the dispatcher, which has delivered by then what it had kept.
	o.mustKubectl(t, "", "rollout", "status", "deployment/imc-dispatcher", "--namespace", "knative-eventing", "--timeout=2m")
	last := 0
	o.untilMinutes("events do not come back", 2, func() bool {
		before, _ := o.deliveries()
		o.fire(map[string]any{"n": fmt.Sprintf("last %d", last)})
		last++
		after, _ := o.deliveries()
		return after > before
	})
	n.once(t, many)
}
