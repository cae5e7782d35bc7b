package crash

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"
)

const (
	fanOut    = 5  // rules of the trigger
	mostFires = 30 // of one client before a kill: it must not take too long to run them all
)

// TestEveryRuleOfAnAcceptedFireRunsOverKills fires a trigger under load and
// kills the server: each id that was answered has a record, and each rule that
// it names has run, once, or is known to have been interrupted.
func TestEveryRuleOfAnAcceptedFireRunsOverKills(t *testing.T) {
	dir, l := t.TempDir()+"/data", newLedger(t)
	var fires []string
	for round := range *rounds {
		s := start(t, dir, "--api-host", l.URL, "--fires-per-minute", "100000000")
		if round == 0 {
			s.link(t)
		}
		fires = append(fires, l.fire(t, s, 50*time.Millisecond+rand.N(500*time.Millisecond))...)
	}
	if len(fires) == 0 {
		t.Fatal("no fire was answered")
	}
	s := start(t, dir, "--api-host", l.URL)
	for _, id := range fires {
		followed := s.followed(t, id)
		if len(followed) != fanOut {
			t.Errorf("fire %s tells of %d rules: %v", id, len(followed), followed)
		}
		for _, run := range followed {
			l.ack(run, http.StatusAccepted)
		}
	}
	l.audit(t, s)
	t.Logf("%d fires, %d kills", len(fires), *rounds)
}

// link makes the trigger t with rules to quick and slow actions.
func (s *server) link(t *testing.T) {
	t.Helper()
	s.create(t, "quick", reporting(0))
	s.create(t, "slow", reporting(50))
	s.must(t, http.MethodPut, "triggers/t", []byte(`{}`))
	for i := range fanOut {
		action := []string{"quick", "slow"}[i%2]
		s.must(t, http.MethodPut, fmt.Sprint("rules/r", i), fmt.Appendf(nil, `{"trigger":"/_/t","action":"/_/%s"}`, action))
	}
}

// fire fires from four clients until the server dies of a SIGKILL, and returns
// the ids that were answered.
func (l *ledger) fire(t *testing.T, s *server, d time.Duration) []string {
	t.Helper()
	var clients sync.WaitGroup
	answered := make([][]string, 4)
	for i := range answered {
		clients.Go(func() {
			for n := range mostFires {
				got, err := s.do(http.MethodPost, "triggers/t", fmt.Appendf(nil, `{"n":%d}`, n))
				if err != nil {
					return // the server is gone
				}
				var body struct {
					ID string `json:"activationId"`
				}
				if err := json.Unmarshal(got.body, &body); err != nil || got.status != http.StatusAccepted || body.ID == "" {
					t.Errorf("fire was answered with %d %s", got.status, got.body)
					return
				}
				answered[i] = append(answered[i], body.ID)
			}
		})
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C // the experiment's length, not a wait for something
	s.kill()
	clients.Wait()
	var all []string
	for _, ids := range answered {
		all = append(all, ids...)
	}
	return all
}

// followed are the activations that the record of a fire names, none if there
// is no record.
func (s *server) followed(t *testing.T, fire string) (ids []string) {
	t.Helper()
	got, err := s.do(http.MethodGet, "activations/"+fire+"/logs", nil)
	if err != nil {
		t.Fatal(err)
	}
	var record struct {
		Logs []string `json:"logs"`
	}
	if err := json.Unmarshal(got.body, &record); err != nil {
		t.Fatal(err)
	}
	for _, line := range record.Logs {
		var rule struct {
			ID string `json:"activationId"`
		}
		if err := json.Unmarshal([]byte(line), &rule); err != nil {
			t.Fatal(err)
		}
		if rule.ID != "" {
			ids = append(ids, rule.ID)
		}
	}
	return ids
}
