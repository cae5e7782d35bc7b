package knative_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// after is the action as it is written again.
func after(a *entity.Action) *entity.Action {
	next := *a
	next.Revision++
	next.Version.Patch++
	return &next
}

// versions are those of all Services.
func versions(c *cluster) []string {
	var found []string
	for _, s := range c.all("services") {
		found = append(found, s.GetLabels()["dev.gowhisk/version"])
	}
	return found
}

func TestPastVersionDoesNotTakeThePlaceOfTheNext(t *testing.T) {
	for name, row := range map[string]struct {
		now  func(*names, *entity.Action)
		left int // Services
	}{
		"updated": {func(n *names, a *entity.Action) { n.put(after(a)) }, 1},
		"deleted": {func(n *names, a *entity.Action) { n.remove(a.Name) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := action()
			n := having(a)
			c := newCluster(t, answering(200, `{}`, ""))
			b := start(t, c, n)
			b.Changed(a.Name)
			eventually(t, "the first version is not there", func() bool { return len(versions(c)) == 1 })
			row.now(n, a)
			b.Changed(a.Name)
			eventually(t, "the change did not come", func() bool {
				all := versions(c)
				return len(all) == row.left && (row.left == 0 || all[0] == "0.0.2")
			})
			c.mu.Lock()
			before := len(c.told)
			c.mu.Unlock()
			eventually(t, "the past version runs", func() bool {
				_, err := b.Invoke(t.Context(), message(a))
				return errors.Is(err, entity.ErrNotFound) // else it has not heard of the change
			})
			c.mu.Lock()
			defer c.mu.Unlock()
			for _, later := range c.told[before:] {
				if later.resource == "services" && strings.Contains(string(later.event.Object.Raw), `"dev.gowhisk/version":"0.0.1"`) {
					t.Error("the past version was deployed")
				}
			}
		})
	}
}

func TestRunThatWaitsWhileItsActionIsUpdatedIsToldSo(t *testing.T) {
	a := action()
	n := having(a)
	c := newCluster(t, answering(200, `{}`, ""))
	c.waiting = true
	b := start(t, c, n)
	told := make(chan error, 1)
	go func() {
		_, err := b.Invoke(t.Context(), message(a))
		told <- err
	}()
	eventually(t, "the first version is not there", func() bool { return len(versions(c)) == 1 })
	c.mu.Lock()
	c.waiting = false
	c.mu.Unlock()
	n.put(after(a))
	b.Changed(a.Name)
	if err := <-told; !errors.Is(err, entity.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if r, err := b.Invoke(t.Context(), message(after(a))); err != nil || r.Response.Status != entity.Success {
		t.Errorf("the next version: %s, %v", r.Response.Status, err)
	}
}
