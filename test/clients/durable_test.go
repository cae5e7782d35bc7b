package clients

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gowhisk/gowhisk/test/live"
)

// TestNamespaceMadeByWskdeploySurvivesKill9 kills a server whose alarms fire
// every second, compares everything that the API shows of the namespace, and
// counts what became of the alarms that were missed.
func TestNamespaceMadeByWskdeploySurvivesKill9(t *testing.T) {
	// an address that nobody else uses, so that URLs stay the same
	address := fmt.Sprintf("127.%d.%d.%d:3233", 1+rand.IntN(250), rand.IntN(250), 1+rand.IntN(250))
	dir, flags := t.TempDir()+"/data", append([]string{"--listen", address}, plenty...)
	d := newDeployer(t, live.Start(t, dir, flags...))
	d.run(t, folder(t, "wskdeploy/everything"), "--managed", "--projectname", "everything")
	eventually(t, "the alarms fire", func() bool { return len(ticksOf(t, d.api, "all")) > 1 })
	before := snapshot(t, d.api)
	if len(before) < 20 {
		t.Errorf("the namespace holds only %d documents", len(before))
	}

	d.Kill()
	killed := time.Now()
	await(t, 12*time.Second) // what comes up to 10 seconds late is not missed
	d.Server = live.Start(t, dir, flags...)
	started := time.Now()

	if diff := cmp.Diff(before, snapshot(t, d.api)); diff != "" {
		t.Errorf("the namespace changed (-before +after):\n%s", diff)
	}
	wantCatchup(t, d.api, killed, started)
	if _, body := page(t, http.MethodGet, managedURL(t, d.api, "/everything")+"/page?who=Ada"); !strings.Contains(body, "Ada") {
		t.Errorf("the API answers %s", body)
	}
}

// wantCatchup compares how often alarms of the three policies fired since the
// kill: one that catches up once has one fire more than one that does not,
// one that catches up all has those of the time without a server more. One
// more or less may be in flight when they are counted.
func wantCatchup(t *testing.T, a api, killed, started time.Time) {
	t.Helper()
	eventually(t, "the alarms fire again", func() bool { return len(after(ticksOf(t, a, "none"), started)) > 2 })
	count := map[string]int{}
	for _, policy := range []string{"none", "once", "all"} {
		count[policy] = len(after(ticksOf(t, a, policy), killed))
	}
	missed := int(started.Sub(killed) / time.Second)
	t.Logf("fired since the kill: %v, about %d were missed", count, missed)
	if extra := count["once"] - count["none"]; extra < 0 || extra > 2 {
		t.Errorf("catching up once fired %d times more than not catching up", extra)
	}
	if extra := count["all"] - count["none"]; extra < missed-1 || extra > missed+2 {
		t.Errorf("catching up all fired %d times more than not catching up, want about %d", extra, missed)
	}
}

// ticksOf are the times at which the alarm of that policy ran its action.
func ticksOf(t *testing.T, a api, policy string) (times []time.Time) {
	t.Helper()
	for _, tick := range a.list(t, "activations?name=everything/tick&docs=true&limit=200") {
		if ms, ok := tick["start"].(float64); ok && tick.at("response", "result", "policy") == policy {
			times = append(times, time.UnixMilli(int64(ms)))
		}
	}
	return times
}

func after(times []time.Time, from time.Time) (found []time.Time) {
	for _, at := range times {
		if at.After(from) {
			found = append(found, at)
		}
	}
	return found
}

// await lets time pass that the server spends dead.
func await(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

// snapshot is everything that the API shows of the namespace, by path: every
// entity's whole document, the APIs, and what the feeds say of their triggers.
func snapshot(t *testing.T, a api) map[string]string {
	t.Helper()
	all := map[string]string{}
	keep := func(path string, status int, body []byte) {
		if status/100 != 2 {
			t.Errorf("%s answered %d %s", path, status, body)
		}
		all[path] = string(body)
	}
	for _, collection := range []string{"actions", "packages", "triggers", "rules"} {
		for _, e := range a.list(t, collection+"?limit=200") {
			_, pkg, _ := strings.Cut(fmt.Sprint(e["namespace"])+"/", "/")
			path := collection + "/" + pkg + fmt.Sprint(e["name"])
			status, body := a.do(t, http.MethodGet, path, nil)
			keep(path, status, body)
			if feed, ok := e.at("annotations", "feed").(string); ok && collection == "triggers" {
				status, body := readFeed(t, a, feed, e["name"])
				keep(path+" at its feed", status, body)
			}
		}
	}
	id, _, _ := strings.Cut(a.Key, ":")
	status, body := a.do(t, http.MethodGet, "/api/v1/web/whisk.system/apimgmt/getApi.http?accesstoken=x&spaceguid="+id, nil)
	keep("apis", status, body)
	return all
}

// readFeed asks a feed for what it knows of a trigger; what changes with each
// fire is left out.
func readFeed(t *testing.T, a api, feed string, trigger any) (int, []byte) {
	t.Helper()
	namespace, action, _ := strings.Cut(strings.TrimPrefix(feed, "/"), "/")
	status, body := a.do(t, http.MethodPost, "/api/v1/namespaces/"+namespace+"/actions/"+action+"?blocking=true&result=true",
		map[string]any{"lifecycleEvent": "READ", "triggerName": fmt.Sprintf("/_/%s", trigger), "authKey": a.Key})
	if status/100 != 2 {
		return status, body
	}
	config, err := json.Marshal(decode[entity](t, status, body).at("config"))
	if err != nil {
		t.Fatal(err)
	}
	return status, config
}
