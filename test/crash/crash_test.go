package crash

import (
	"flag"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/test/live"
)

var (
	rounds = flag.Int("rounds", 3, "how often the server is killed under load")
	syncs  = flag.Int("syncs", 0, "so many syncs fail, from the first on, each in a server of its own")
	queued = flag.Int("queued", 500, "how many activations wait when the server is killed")
)

// TestMain makes the test binary the server, too.
func TestMain(m *testing.M) {
	live.Main()
	flag.Parse()
	os.Exit(m.Run())
}

func TestPromisesSurviveKillsUnderLoad(t *testing.T) {
	dir, l := t.TempDir()+"/data", newLedger(t)
	var slowest time.Duration
	for round := range *rounds {
		s := start(t, dir, "--api-host", l.URL)
		if round == 0 {
			s.create(t, "quick", reporting(0))
			s.create(t, "slow", reporting(150))
		} else {
			slowest = max(slowest, s.took)
		}
		l.load(t, s, 300*time.Millisecond+rand.N(time.Second))
	}
	s := start(t, dir, "--api-host", l.URL)
	l.audit(t, s)
	slowest = max(slowest, s.took)
	t.Logf("%d kills; ready again after %s at most", *rounds, slowest.Round(time.Millisecond))
}

// bothKinds reports whether invocations were answered with and without their
// result.
func (l *ledger) bothKinds() bool {
	kinds := map[int]bool{}
	for _, status := range l.promises() {
		kinds[status] = true
	}
	return kinds[http.StatusOK] && kinds[http.StatusAccepted]
}

// load invokes from eight clients until the server dies of a SIGKILL: without
// waiting, waiting for the result, and giving up the wait while it runs.
func (l *ledger) load(t *testing.T, s *server, d time.Duration) {
	t.Helper()
	var clients sync.WaitGroup
	for i := range 8 {
		clients.Go(func() {
			for n := i; ; n++ {
				action, query := "quick", []string{"", "?blocking=true", "?blocking=true&timeout=60"}[n%3]
				if n%5 == 0 {
					action = "slow"
				}
				id, got, err := s.invoke(action, query, n)
				if err != nil {
					return // the server is gone
				}
				if id == "" {
					t.Errorf("invocation was answered with %d %s", got.status, got.body)
					return
				}
				l.ack(id, got.status)
			}
		})
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C // load for a random while: this is the experiment, not a wait for something
	until(t, l.bothKinds)
	s.kill()
	clients.Wait()
}
