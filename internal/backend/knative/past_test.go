package knative_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/backend/knative"
	"github.com/gowhisk/gowhisk/internal/entity"
)

// after is the action as it is written again.
func after(a *entity.Action) *entity.Action {
	next := *a
	next.Revision++
	next.Version.Patch++
	return &next
}

// versions are those of all Services, by name.
func versions(c *cluster) map[string]string {
	found := map[string]string{}
	for _, s := range c.all("services") {
		found[s.GetName()] = s.GetLabels()["dev.gowhisk/version"]
	}
	return found
}

func TestWhatWasAcceptedForAVersionRunsBesideTheNextOne(t *testing.T) {
	for name, row := range map[string]struct {
		now  func(*names, *entity.Action)
		left string // versions that stay
	}{
		"updated": {func(n *names, a *entity.Action) { n.put(after(a)) }, "0.0.2"},
		"deleted": {func(n *names, a *entity.Action) { n.remove(a.Name) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := action()
			a.Annotations = entity.Parameters{{Key: "web-export", Value: json.RawMessage(`true`)}}
			n := having(a)
			var before map[string]string
			var c *cluster
			c = newCluster(t, func(w http.ResponseWriter, r *http.Request) {
				for service, version := range before {
					if now := versions(c)[service]; now != version {
						t.Errorf("the action's own Service has %s for a run of a past version", now)
					}
				}
				for _, s := range c.all("services") {
					if before[s.GetName()] == "" && s.GetLabels()["networking.knative.dev/visibility"] != "cluster-local" {
						t.Error("the Service of a past version is seen from outside")
					}
				}
				answering(200, `{}`, "")(w, r)
			})
			b := startWith(t, c, n, func(o *knative.Options) { o.Linger = time.Millisecond })
			b.Changed(a.Name)
			eventually(t, "the first version is not there", func() bool { return len(versions(c)) == 1 })
			row.now(n, a)
			b.Changed(a.Name)
			eventually(t, "the change did not come", func() bool {
				all := versions(c)
				for _, version := range all {
					return version == row.left
				}
				return row.left == ""
			})
			before = versions(c)
			for range 3 {
				r, err := b.Invoke(t.Context(), message(a))
				if err != nil || r.Response.Status != entity.Success {
					t.Fatalf("%s %s, %v", r.Response.Status, r.Response.Result, err)
				}
			}
			eventually(t, "the Service of the past version stays", func() bool {
				return len(versions(c)) == len(before) && len(c.all("secrets")) == len(before)
			})
		})
	}
}

func TestRunThatWaitsWhileItsActionIsUpdatedRuns(t *testing.T) {
	a := action()
	n := having(a)
	c := newCluster(t, answering(200, `{}`, ""))
	c.waiting = true
	b := start(t, c, n)
	var ran sync.WaitGroup
	ran.Go(func() {
		if r, err := b.Invoke(t.Context(), message(a)); err != nil || r.Response.Status != entity.Success {
			t.Errorf("%s %s, %v", r.Response.Status, r.Response.Result, err)
		}
	})
	eventually(t, "the first version is not there", func() bool { return len(versions(c)) == 1 })
	c.mu.Lock()
	c.waiting = false
	c.mu.Unlock()
	n.put(after(a))
	b.Changed(a.Name)
	ran.Wait()
	eventually(t, "the versions are not side by side", func() bool {
		var all []string
		for _, version := range versions(c) {
			all = append(all, version)
		}
		return len(all) == 2 && strings.Contains("0.0.1 0.0.2 0.0.1", strings.Join(all, " "))
	})
}
