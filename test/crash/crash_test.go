package crash

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/backend/local"
	"github.com/gowhisk/gowhisk/internal/cli"
	"github.com/gowhisk/gowhisk/internal/sandbox"
)

var rounds = flag.Int("rounds", 3, "how often the server is killed")

// TestMain makes the test binary the server, too.
func TestMain(m *testing.M) {
	sandbox.Init()
	local.Init()
	if len(os.Args) > 0 && os.Args[0] == "gowhisk" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		code := cli.Main(ctx, cli.Env{
			Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
			LookupEnv: os.LookupEnv, Version: "test",
		})
		stop()
		os.Exit(code)
	}
	flag.Parse()
	os.Exit(m.Run())
}

// acknowledged collects the ids that the server gave away, by HTTP status.
type acknowledged struct {
	mu  sync.Mutex
	ids map[string]int // guarded by mu
}

func (a *acknowledged) add(id string, status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ids[id] = status
}

func TestEveryAcknowledgedActivationHasARecordAfterKills(t *testing.T) {
	dir := t.TempDir() + "/data"
	acked := &acknowledged{ids: map[string]int{}}
	for round := range *rounds {
		s := start(t, dir)
		if round == 0 {
			s.create(t, "quick", `function main(p) { return {n: p.n} }`)
			s.create(t, "slow", `function main(p) { return new Promise(done => setTimeout(() => done({n: p.n}), 150)) }`)
		}
		load(t, s, acked)
		t.Logf("round %d: %d activations acknowledged so far", round+1, len(acked.ids))
	}
	s := start(t, dir)
	defer s.kill()
	lost, internal, statuses := 0, 0, map[int]int{}
	for id, status := range acked.ids {
		statuses[status]++
		switch outcome := s.outcome(t, id); outcome {
		case "":
			lost++
			t.Errorf("activation %s was answered with %d and has no record", id, status)
		case "whisk internal error":
			internal++
		}
	}
	t.Logf("%d kills: 200 answered %d times, 202 %d times; lost %d, interrupted and recorded as such %d",
		*rounds, statuses[http.StatusOK], statuses[http.StatusAccepted], lost, internal)
	if statuses[http.StatusOK] == 0 || statuses[http.StatusAccepted] == 0 {
		t.Error("the load did not cover both kinds of invocation")
	}
}

// load invokes from eight clients until the server dies of a SIGKILL at a
// random moment.
func load(t *testing.T, s *server, acked *acknowledged) {
	t.Helper()
	var clients sync.WaitGroup
	for i := range 8 {
		clients.Go(func() {
			for n := 0; ; n++ {
				action, blocking := "quick", n%2 == 0
				if n%5 == i%5 {
					action = "slow"
				}
				id, status, err := s.invoke(action, blocking, n)
				if err != nil {
					return // the server is gone
				}
				if status != http.StatusOK && status != http.StatusAccepted {
					t.Errorf("invocation was answered with %d", status)
					return
				}
				acked.add(id, status)
			}
		})
	}
	timer := time.NewTimer(300*time.Millisecond + rand.N(time.Second))
	defer timer.Stop()
	<-timer.C // load for a random while: this is the experiment, not a wait for something
	s.kill()
	clients.Wait()
}

// outcome polls for the final status of an activation, "" if there is none
// after a long while.
func (s *server) outcome(t *testing.T, id string) string {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); ; <-tick.C {
		body, status, err := s.do(http.MethodGet, "activations/"+id, nil)
		if err != nil {
			t.Fatal(err)
		}
		if status == http.StatusOK {
			var record struct {
				Response struct {
					Status string `json:"status"`
				} `json:"response"`
			}
			if err := json.Unmarshal(body, &record); err != nil {
				t.Fatal(err)
			}
			return record.Response.Status
		}
		if time.Now().After(deadline) {
			return ""
		}
	}
}

// invoke returns the id that was acknowledged.
func (s *server) invoke(action string, blocking bool, n int) (id string, status int, err error) {
	path := fmt.Sprintf("actions/%s?blocking=%t", action, blocking)
	body, status, err := s.do(http.MethodPost, path, fmt.Appendf(nil, `{"n":%d}`, n))
	if err != nil {
		return "", 0, err
	}
	var answer struct {
		ID string `json:"activationId"`
	}
	return answer.ID, status, json.Unmarshal(body, &answer)
}
