package knative_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gowhisk/gowhisk/internal/backend/knative"
)

func revisionOf(service *unstructured.Unstructured) string {
	revision, _, _ := unstructured.NestedString(service.Object, "spec", "template", "metadata", "name")
	return revision
}

// secretsOfCells are the names of those.
func secretsOfCells(c *cluster) []string {
	var names []string
	for _, o := range c.all("secrets") {
		if o.GetLabels()["dev.gowhisk/cell"] != "" {
			names = append(names, o.GetName())
		}
	}
	return names
}

func TestStemCellsAreConfinedPodsWithKeysOfTheirOwn(t *testing.T) {
	c := newCluster(t, answering(200, `{}`, ""))
	c.cells = newHosts(t, prewarmed)
	bridging(t, c, 2, func(o *knative.Options) { o.PullSecret = "registries" })
	pods := c.all("pods")
	if len(pods) != 2 || len(secretsOfCells(c)) != 2 {
		t.Fatalf("%d pods", len(pods))
	}
	for _, p := range pods {
		said := text(p.Object)
		for _, want := range []string{
			`"restartPolicy":"Never"`, `"enableServiceLinks":false`, `"automountServiceAccountToken":false`, `"allowPrivilegeEscalation":false`,
			`"drop":["ALL"]`, `"limits":{"memory":"256Mi"}`, `"type":"RuntimeDefault"`, `"dev.gowhisk/owner":"test"`, `"imagePullSecrets":[{"name":"registries"}]`, `"name":"` + p.GetName() + `"}}`,
		} {
			if !strings.Contains(said, want) {
				t.Errorf("%s is missing in %s", want, said)
			}
		}
	}
	keys := map[string]bool{}
	for _, s := range c.all("secrets") {
		keys[text(s.Object["data"])] = true
	}
	if len(keys) != 2 {
		t.Errorf("keys are %v", keys)
	}
}

func TestNumberOfStemCellsFollowsTheSetting(t *testing.T) {
	c := newCluster(t, answering(200, `{}`, ""))
	c.cells = newHosts(t, prewarmed)
	b := bridging(t, c, 3)
	b.KeepStemCells(map[knative.StemCell]int{{Kind: "nodejs:20", Memory: 256}: 1, {Kind: "nodejs:20", Memory: 512}: 1})
	eventually(t, "the number stays", func() bool {
		memory := map[string]int{}
		for _, p := range c.all("pods") {
			memory[p.GetAnnotations()["dev.gowhisk/memory"]]++
		}
		return memory["256"] == 1 && memory["512"] == 1
	})
	b.KeepStemCells(nil)
	eventually(t, "cells stay", func() bool { return len(c.all("pods")) == 0 && len(secretsOfCells(c)) == 0 })
	if how, why := b.Placement(action()); how != "dedicated" || !strings.Contains(why, "no stem cells of nodejs:20 with 256 MB are kept") {
		t.Errorf("%s: %s", how, why)
	}
}

func TestStemCellsAreReplacedWithTheirImage(t *testing.T) {
	c := newCluster(t, answering(200, `{}`, ""))
	c.cells = newHosts(t, prewarmed)
	var image atomic.Value
	image.Store("registry.example/node@sha256:1")
	b := bridging(t, c, 1, func(o *knative.Options) {
		o.Runtime = func(context.Context, string) (knative.Image, error) {
			return knative.Image{Reference: image.Load().(string)}, nil
		}
	})
	image.Store("registry.example/node@sha256:2")
	b.KeepStemCells(map[knative.StemCell]int{{Kind: "nodejs:20", Memory: 256}: 1})
	eventually(t, "the old image stays", func() bool {
		pods := c.all("pods")
		return len(pods) == 1 && strings.Contains(text(pods[0].Object), "sha256:2")
	})
}

func TestNextProcessKeepsWhatWaitsAndDeletesWhatWasTaken(t *testing.T) {
	c := newCluster(t, answering(200, `{}`, ""))
	c.cells, c.pokes = newHosts(t, prewarmed), make(chan chan bool)
	b := bridging(t, c, 2)
	if _, err := b.Invoke(t.Context(), message(action())); err != nil {
		t.Fatal(err)
	}
	poke := <-c.pokes
	eventually(t, "the cell is not replaced", func() bool { return c.stems()["stem"] == 2 && len(c.stems()) == 2 })
	before := map[string]bool{}
	for _, p := range c.all("pods") {
		before[p.GetName()] = p.GetLabels()["dev.gowhisk/cell"] == "stem"
	}
	b.Close()
	poke <- false

	next := bridging(t, c, 2)
	eventually(t, "the taken one stays", func() bool { return len(c.all("pods")) == 2 && len(secretsOfCells(c)) == 2 })
	for _, p := range c.all("pods") {
		if !before[p.GetName()] {
			t.Errorf("%s was not there, or taken", p.GetName())
		}
	}
	next.Close()
	bridging(t, c, 2, func(o *knative.Options) { o.Secret = []byte("another") })
	eventually(t, "cells with other keys stay", func() bool {
		pods := c.all("pods")
		return len(pods) == 2 && !before[pods[0].GetName()] && !before[pods[1].GetName()]
	})
}

func TestCellsThatEndAreMadeAgainLaterAndLater(t *testing.T) {
	c := newCluster(t, answering(200, `{}`, ""))
	c.cells = newHosts(t, prewarmed)
	b := bridging(t, c, 1)
	first := c.all("pods")[0]
	c.mu.Lock()
	first.Object["status"] = map[string]any{"phase": "Failed"}
	c.objects["pods/"+first.GetName()] = first
	c.tell("pods", "MODIFIED", first)
	c.mu.Unlock()
	eventually(t, "it is not replaced", func() bool {
		how, _ := b.Placement(action())
		pods := c.all("pods")
		return how == "bridge" && len(pods) == 1 && pods[0].GetName() != first.GetName()
	})
}

func TestImageThatCannotBeFoundIsTriedAgain(t *testing.T) {
	c := newCluster(t, answering(200, `{}`, ""))
	c.cells = newHosts(t, prewarmed)
	var asked atomic.Int32
	bridging(t, c, 1, func(o *knative.Options) {
		o.Runtime = func(context.Context, string) (knative.Image, error) {
			if asked.Add(1) == 1 {
				return knative.Image{}, errors.New("no registry")
			}
			return knative.Image{Reference: "r@sha256:1"}, nil
		}
	})
	if asked.Load() < 2 {
		t.Error("it was not asked for")
	}
}

// lines counts those of a log.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) count(words string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), words)
}

func TestCellThatCannotBeReachedGoesWhereOthersCould(t *testing.T) {
	c := newCluster(t, answering(200, `{}`, ""))
	c.cells = newHosts(t, prewarmed)
	log := &lines{}
	b := bridging(t, c, 1, func(o *knative.Options) { o.Logger = slog.New(slog.NewTextHandler(log, nil)) })
	first := c.all("pods")[0].GetName()
	c.cells.mu.Lock()
	c.cells.deaf = true
	c.cells.mu.Unlock()
	b.KeepStemCells(map[knative.StemCell]int{{Kind: "nodejs:20", Memory: 256}: 2})
	second := ""
	eventually(t, "no second cell", func() bool {
		for _, p := range c.all("pods") {
			if p.GetName() != first {
				second = p.GetName()
			}
		}
		return second != ""
	})
	c.cells.mu.Lock()
	c.cells.deaf = false
	c.cells.mu.Unlock()
	eventually(t, "the one that cannot be reached is not replaced", func() bool {
		_, why := b.Placement(action())
		return strings.Contains(why, "one of 2")
	})
	for _, p := range c.all("pods") {
		if p.GetName() == second {
			t.Errorf("%s stays", second)
		}
	}
	if log.count("no stem cells are kept") > 0 {
		t.Error(&log.b)
	}
}

func TestNoCellsAreKeptWherePodsCannotBeReached(t *testing.T) {
	c := newCluster(t, answering(200, `{"from":"service"}`, ""))
	c.cells = newHosts(t, func(http.ResponseWriter, *http.Request) {})
	c.cells.deaf = true
	log := &lines{}
	b := withCells(t, c, 2, func(o *knative.Options) { o.Logger = slog.New(slog.NewTextHandler(log, nil)) })
	eventually(t, "nobody noticed", func() bool { return log.count("cannot be reached") > 0 && len(c.all("pods")) == 0 })
	r, err := b.Invoke(t.Context(), message(action()))
	if err != nil || string(r.Response.Result) != `{"from":"service"}` || log.count("cannot be reached") != 1 || len(c.all("pods")) > 0 {
		t.Errorf("%s, %v: %s", r.Response.Result, err, &log.b)
	}
}
