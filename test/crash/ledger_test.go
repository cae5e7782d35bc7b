package crash

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// ledger knows what clients were promised and what really ran.
type ledger struct {
	*httptest.Server // told by actions of their runs

	mu    sync.Mutex
	acked map[string]int // guarded by mu: id → HTTP status
	runs  map[string]int // guarded by mu: id → how often it ran
}

// newLedger starts to count.
func newLedger(t *testing.T) *ledger {
	l := &ledger{acked: map[string]int{}, runs: map[string]int{}}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.runs[strings.TrimPrefix(r.URL.Path, "/ran/")]++
	}))
	t.Cleanup(l.Close)
	return l
}

// reporting is the code of an action that reports its run to what it takes
// for the API, then works that long.
func reporting(ms int) string {
	return fmt.Sprintf(`
const http = require('http');
function main(p) {
  return new Promise((done, fail) => {
    http.get(process.env.__OW_API_HOST + '/ran/' + process.env.__OW_ACTIVATION_ID, {agent: false}, r => {
      r.resume();
      r.on('end', () => setTimeout(() => done({n: p.n}), %d));
    }).on('error', fail);
  });
}`, ms)
}

func (l *ledger) ack(id string, status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked[id] = status
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

func (l *ledger) ran(id string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.runs[id]
}

// total is how many activations ran.
func (l *ledger) total() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.runs)
}

// promises is a copy of what was acknowledged.
func (l *ledger) promises() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make(map[string]int, len(l.acked))
	for id, status := range l.acked {
		all[id] = status
	}
	return all
}

// audit checks on a live server that every promise was kept: each has one
// record, and nothing ran twice.
func (l *ledger) audit(t *testing.T, s *server) {
	t.Helper()
	lost, twice, statuses, outcomes := 0, 0, map[int]int{}, map[string]int{}
	for id, status := range l.promises() {
		statuses[status]++
		outcome := s.outcome(t, id)
		outcomes[outcome]++
		switch runs := l.ran(id); {
		case outcome == "":
			lost++
			t.Errorf("activation %s was answered with %d and has no record", id, status)
		case outcome == "success" && runs != 1:
			t.Errorf("activation %s succeeded and ran %d times", id, runs)
		}
	}
	l.mu.Lock()
	for id, n := range l.runs {
		if n > 1 {
			twice++
			t.Errorf("activation %s ran %d times", id, n)
		}
	}
	l.mu.Unlock()
	t.Logf("answered %v; lost %d, ran twice %d, two records for one id %d; outcomes %v",
		statuses, lost, twice, s.doubles(t), outcomes)
}

// doubles counts the records that share their id with another.
func (s *server) doubles(t *testing.T) (n int) {
	t.Helper()
	seen := map[string]bool{}
	for skip := 0; ; skip += 200 {
		got := s.must(t, http.MethodGet, fmt.Sprintf("activations?limit=200&skip=%d", skip), nil)
		var page []struct {
			ID string `json:"activationId"`
		}
		if err := json.Unmarshal(got.body, &page); err != nil {
			t.Fatal(err)
		}
		for _, a := range page {
			if seen[a.ID] {
				n++
				t.Errorf("activation %s has two records", a.ID)
			}
			seen[a.ID] = true
		}
		if len(page) < 200 {
			return n
		}
	}
}
