package crash

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"
)

const (
	alarms    = 40 // beside one another, all due in the same moments
	mostTimes = 3  // that each may fire
)

// TestAlarmsFireNoMoreOftenThanTheyMayOverKills kills the server in the
// moments in which alarms fire: none fires more often than its maxTriggers,
// and each comes to its end.
func TestAlarmsFireNoMoreOftenThanTheyMayOverKills(t *testing.T) {
	dir := t.TempDir() + "/data"
	s := start(t, dir, "--fires-per-minute", "100000000")
	s.create(t, "gone", reporting(0))
	s.must(t, http.MethodPut, "packages/clock", []byte(`{"binding":{"namespace":"whisk.system","name":"alarms"}}`))
	for i := range alarms {
		name := fmt.Sprint("a", i)
		s.must(t, http.MethodPut, "triggers/"+name, []byte(`{}`))
		s.must(t, http.MethodPut, "rules/"+name+"-rule", fmt.Appendf(nil, `{"trigger":"/_/%s","action":"/_/gone"}`, name))
	}
	s.must(t, http.MethodDelete, "actions/gone", nil) // the records of the fires tell enough
	for i := range alarms {
		s.alarm(t, "CREATE", fmt.Sprint("a", i), `"cron":"* * * * * *","catchup":"all","maxTriggers":3`)
	}
	for range *rounds {
		s.killAtTheSecond(20 * time.Millisecond)
		s = start(t, dir, "--fires-per-minute", "100000000")
	}
	total := 0
	for i := range alarms {
		name := fmt.Sprint("a", i)
		s.await(t, func() bool { return strings.Contains(s.alarm(t, "READ", name, `"n":1`), "reaching max triggers") })
		fires := s.count(t, name)
		if fires > mostTimes {
			t.Errorf("alarm %s fired %d times, want at most %d", name, fires, mostTimes)
		}
		total += fires
	}
	if total == 0 {
		t.Error("no alarm fired")
	}
	t.Logf("%d kills; %d of %d fires, the others were cut in the moment of a kill", *rounds, total, alarms*mostTimes)
}

// killAtTheSecond kills the server some time after the next full second.
func (s *server) killAtTheSecond(most time.Duration) {
	now := time.Now()
	timer := time.NewTimer(now.Truncate(time.Second).Add(time.Second + rand.N(most)).Sub(now))
	defer timer.Stop()
	<-timer.C // the moment of the experiment, not a wait for something
	s.kill()
}

// alarm calls the feed of cron alarms and returns what it answers.
func (s *server) alarm(t *testing.T, event, trigger, params string) string {
	t.Helper()
	body := fmt.Appendf(nil, `{"lifecycleEvent":%q,"triggerName":%q,"authKey":%q,%s}`, event, trigger, s.key[0]+":"+s.key[1], params)
	return string(s.must(t, http.MethodPost, "actions/clock/alarm?blocking=true&result=true", body).body)
}

// count is how many activations of that name there are.
func (s *server) count(t *testing.T, name string) int {
	t.Helper()
	var body struct {
		Activations int `json:"activations"`
	}
	if err := json.Unmarshal(s.must(t, http.MethodGet, "activations?count=true&name="+name, nil).body, &body); err != nil {
		t.Fatal(err)
	}
	return body.Activations
}

// await waits until done.
func (s *server) await(t *testing.T, done func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); !done(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("it did not come to its end\n%s", s.log)
		}
	}
}
