package knative_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/backend/knative"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
)

// numbered is an activation of the action with an id of its own.
func numbered(a *entity.Action, n int) *invoker.Message {
	msg := message(a)
	msg.ID = entity.ActivationID(fmt.Sprintf("%032d", n))
	return msg
}

func TestStemCellAnswersWhileTheServiceWakes(t *testing.T) {
	var asked atomic.Int32 // the Service
	c := newCluster(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		answering(200, `{"cell":false}`, "")(w, r)
	})
	c.cells, c.pokes = newHosts(t, prewarmed), make(chan chan bool)
	b := bridging(t, c, 1)
	loaded, started := 0, 0
	msg := message(action())
	msg.Code = func(context.Context) (string, error) { loaded++; return "the code", nil }
	msg.Starting = func(context.Context) error { started++; return nil }
	r, err := b.Invoke(t.Context(), msg)
	if err != nil || string(r.Response.Result) != `{"cell":true}` || r.Start != invoker.Prewarmed || r.Placement != "bridge" || r.Init.Milliseconds() != 3 {
		t.Fatalf("%+v, %v", r, err)
	}
	if loaded != 1 || started != 1 || asked.Load() != 0 {
		t.Errorf("code %d, started %d, Service %d", loaded, started, asked.Load())
	}
	poke := <-c.pokes
	if how, why := b.Placement(action()); how != "bridge" || !strings.Contains(why, "wakes") {
		t.Errorf("%s: %s", how, why)
	}
	if r, err := b.Invoke(t.Context(), numbered(action(), 2)); err != nil || r.Placement != "bridge" {
		t.Errorf("second: %+v, %v", r, err)
	}
	cell := c.cells.used()[0]
	told, value := initOf(t, cell.inits[0])
	if told.Code != "the code" || told.Name != "Say Hello_1" || told.Main != "main" || *told.Limits.Timeout != 60000 || told.Env["__OW_NAMESPACE"] != "guest" || value != `{"name":"x"}` {
		t.Errorf("the cell was told %+v, %s", told, value)
	}
	if ids := cell.ids(); len(ids) != 2 || len(cell.inits) != 1 || len(c.cells.used()) != 1 {
		t.Errorf("the cell got %v", ids)
	}
	eventually(t, "the cell does not say whose it is", func() bool { return c.stems()["stem"] == 1 && len(c.stems()) == 2 })
	eventually(t, "they are not counted", func() bool { waiting, taken := b.StemCells(); return waiting == 1 && taken == 1 })
	poke <- true
	eventually(t, "the Service is not asked", func() bool {
		r, err := b.Invoke(t.Context(), numbered(action(), 3))
		return err == nil && r.Placement == "" && string(r.Response.Result) == `{"cell":false}`
	})
	eventually(t, "the cell stays", func() bool { return len(c.stems()) == 1 && c.stems()["stem"] == 1 && len(secretsOfCells(c)) == 1 })
	if how, why := b.Placement(action()); how != "dedicated" || !strings.Contains(why, "1 ready pods") {
		t.Errorf("%s: %s", how, why)
	}
	for _, s := range c.all("services") {
		c.scale(revisionOf(s), false)
	}
	eventually(t, "the next request does not go to another cell", func() bool {
		r, err := b.Invoke(t.Context(), numbered(action(), 4))
		return err == nil && r.Placement == "bridge"
	})
	(<-c.pokes) <- true
	if used := c.cells.used(); len(used) != 2 || len(used[0].keys) != 1 || len(used[1].keys) != 1 || fmt.Sprint(used[0].keys) == fmt.Sprint(used[1].keys) {
		t.Errorf("%d cells, whose keys are not their own", len(used))
	}
}

func TestManyFirstRequestsTakeFewCellsAndEachRunsOnce(t *testing.T) {
	const many = 40
	var mu sync.Mutex
	seen := map[string]int{}
	count := func(answer http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			seen[r.Header.Get("X-Whisk-Activation-Id")]++
			mu.Unlock()
			answer(w, r)
		}
	}
	c := newCluster(t, count(answering(200, `{}`, "")))
	c.cells, c.pokes = newHosts(t, count(prewarmed)), make(chan chan bool)
	b := bridging(t, c, 4)
	go func() {
		for poke := range c.pokes {
			mu.Lock()
			wakes := len(seen) > many/2
			mu.Unlock()
			poke <- wakes
		}
	}()
	defer close(c.pokes)
	var all sync.WaitGroup
	for n := range many {
		all.Go(func() {
			if r, err := b.Invoke(t.Context(), numbered(action(), n)); err != nil || r.Response.Status != entity.Success {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
	all.Wait()
	mu.Lock()
	defer mu.Unlock()
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s ran %d times", id, n)
		}
	}
	if used := len(c.cells.used()); used == 0 || used > 2 || len(seen) != many {
		t.Errorf("%d cells, %d activations", used, len(seen))
	}
	eventually(t, "cells stay", func() bool { return len(c.stems()) == 1 && c.stems()["stem"] == 4 })
}

func TestCellIsGivenOneRequestAtATimeUnlessTheActionTakesMore(t *testing.T) {
	for _, limit := range []int{1, 3} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			var now, most atomic.Int32
			release := make(chan struct{})
			c := newCluster(t, answering(200, `{}`, ""))
			c.cells, c.pokes = newHosts(t, func(w http.ResponseWriter, r *http.Request) {
				if n := now.Add(1); n > most.Load() {
					most.Store(n)
				}
				defer now.Add(-1)
				if r.Header.Get("Content-Type") != actionproxy.InitMediaType {
					<-release
				}
				prewarmed(w, r)
			}), make(chan chan bool)
			a := action()
			a.Limits.Concurrency = limit
			b := bridging(t, c, 1, func(o *knative.Options) { o.Catalog = having(a) })
			var all sync.WaitGroup
			for n := range 5 {
				all.Go(func() {
					if _, err := b.Invoke(t.Context(), numbered(a, n)); err != nil {
						t.Error(err)
					}
				})
			}
			eventually(t, "nothing runs", func() bool { return now.Load() == int32(limit) })
			close(release)
			all.Wait()
			if most.Load() != int32(limit) {
				t.Errorf("%d at once", most.Load())
			}
			(<-c.pokes) <- true
		})
	}
}

func TestWhatDidNotReachACellGoesToTheServiceAndWhatDidDoesNot(t *testing.T) {
	for name, row := range map[string]struct {
		cell    http.HandlerFunc
		service int32
		text    string
	}{
		"refused": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(actionproxy.RefusedHeader, "true")
			http.Error(w, `{"error":"draining"}`, http.StatusServiceUnavailable)
		}, 1, `{"from":"service"}`},
		"key of another": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"error":"no"}`, http.StatusUnauthorized)
		}, 1, `{"from":"service"}`},
		"cut off":         {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0, "Whether it ran is not known"},
		"something else":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, 0, "Whether it ran is not known"},
		"action's error":  {answering(200, `{"error":"x"}`, `,"initTime":1`), 0, `{"error":"x"}`},
		"init fails":      {answering(502, `{"error":"SyntaxError: x"}`, `,"initTime":7`), 0, "SyntaxError"},
		"too much memory": {answering(502, `{"error":"command exited"}`, `,"outOfMemory":true`), 0, invoker.MemoryText},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			c := newCluster(t, func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				answering(200, `{"from":"service"}`, "")(w, r)
			})
			c.cells = newHosts(t, row.cell)
			b := bridging(t, c, 1)
			started := 0
			msg := message(action())
			msg.Starting = func(context.Context) error { started++; return nil }
			r, err := b.Invoke(t.Context(), msg)
			if err != nil || !strings.Contains(string(r.Response.Result), row.text) || asked.Load() != row.service || started != 1 {
				t.Errorf("%s, Service %d times, started %d, %v", r.Response.Result, asked.Load(), started, err)
			}
		})
	}
}

func TestCellThatIsGoneIsNoLoss(t *testing.T) {
	c := newCluster(t, answering(200, `{"from":"service"}`, ""))
	c.cells = newHosts(t, prewarmed)
	b := bridging(t, c, 1)
	c.cells.mu.Lock()
	for _, one := range c.cells.runs { // the cluster has not noticed
		one.server.Close()
	}
	c.cells.mu.Unlock()
	if r, err := b.Invoke(t.Context(), message(action())); err != nil || string(r.Response.Result) != `{"from":"service"}` {
		t.Errorf("%s, %v", r.Response.Result, err)
	}
	eventually(t, "it is not replaced", func() bool { return c.cells.made() == 2 && c.stems()["stem"] == 1 })
}

func TestServiceIsAskedWhenNoCellWillDo(t *testing.T) {
	change := map[string]func(*entity.Action){
		"other memory":  func(a *entity.Action) { a.Limits.Memory = 512 },
		"other kind":    func(a *entity.Action) { a.Exec.Kind = "nodejs:18" },
		"compiled":      func(a *entity.Action) { a.Exec.Kind = "go:1.22" },
		"own image":     func(a *entity.Action) { a.Exec.Kind, a.Exec.Image = entity.KindBlackbox, "i" },
		"Service fails": nil,
	}
	for name, apply := range change {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, answering(200, `{"from":"service"}`, ""))
			c.cells = newHosts(t, prewarmed)
			a := action()
			if apply != nil {
				a.Name.Name = "other"
				apply(a)
			}
			b := bridging(t, c, 1, func(o *knative.Options) { o.Catalog = having(action(), a) })
			if apply == nil {
				c.mu.Lock()
				c.broken = "no such image"
				c.mu.Unlock()
				eventually(t, "a cell answers for a Service that fails", func() bool {
					_, err := b.Invoke(t.Context(), message(a))
					return err != nil
				})
				return
			}
			if r, err := b.Invoke(t.Context(), message(a)); err != nil || r.Placement != "" || len(c.cells.used()) > 0 {
				t.Errorf("%+v, %v", r, err)
			}
			if how, why := b.Placement(a); how != "dedicated" || why == "" {
				t.Errorf("%s: %s", how, why)
			}
		})
	}
}

func TestCellOfAVersionThatIsNotWantedAnyMoreGoes(t *testing.T) {
	c := newCluster(t, answering(200, `{}`, ""))
	c.cells, c.waiting = newHosts(t, prewarmed), true // the Service does not come to serve
	n := having(action())
	b := bridging(t, c, 1, func(o *knative.Options) { o.Catalog = n })
	if r, err := b.Invoke(t.Context(), message(action())); err != nil || r.Placement != "bridge" {
		t.Fatalf("%+v, %v", r, err)
	}
	eventually(t, "the cell is not taken", func() bool { return len(c.stems()) == 2 })
	n.remove(action().Name)
	b.Changed(action().Name)
	eventually(t, "the cell stays", func() bool { return len(c.stems()) == 1 && c.stems()["stem"] == 1 })
}

func TestActionThatTheClusterRefusesDoesNotRunInACellEither(t *testing.T) {
	c := newCluster(t, answering(200, `{}`, ""))
	c.cells = newHosts(t, prewarmed)
	b := bridging(t, c, 1)
	c.mu.Lock()
	c.refuse = "denied"
	c.mu.Unlock()
	r, err := b.Invoke(t.Context(), message(action()))
	if err != nil || r.Response.Status != entity.DeveloperError || len(c.cells.used()) > 0 {
		t.Errorf("%s, %v", r.Response.Result, err)
	}
}

func TestCodeThatCannotBeReadCostsNoCell(t *testing.T) {
	c := newCluster(t, answering(200, `{}`, ""))
	c.cells, c.pokes = newHosts(t, prewarmed), make(chan chan bool)
	b := bridging(t, c, 1)
	if _, err := b.Invoke(t.Context(), message(action())); err != nil { // the Service is made
		t.Fatal(err)
	}
	(<-c.pokes) <- true
	eventually(t, "no cell again", func() bool { return len(c.stems()) == 1 && c.cells.made() == 2 })
	for _, s := range c.all("services") {
		c.scale(revisionOf(s), false)
	}
	eventually(t, "it is not at zero", func() bool { how, _ := b.Placement(action()); return how == "bridge" })
	msg := message(action())
	lost := errors.New("disk")
	msg.Code = func(context.Context) (string, error) { return "", lost }
	if _, err := b.Invoke(t.Context(), msg); !errors.Is(err, lost) {
		t.Errorf("got %v", err)
	}
	if r, err := b.Invoke(t.Context(), message(action())); err != nil || r.Placement != "bridge" {
		t.Errorf("the cell is lost, too: %+v, %v", r, err)
	}
}
