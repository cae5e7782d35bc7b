package invoke_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
)

// behaviour answers one run: a result, or nothing for the arguments themselves.
type behaviour func(args string) string

// acts makes the invoker answer by the name of the action, and the catalog
// know the actions: those without a behaviour echo.
func (w *world) acts(by map[string]behaviour) {
	for name := range by {
		w.actions.put(plain(name))
	}
	w.invoker.does(func(ctx context.Context, msg *invoker.Message) (invoker.Result, error) {
		r, err := succeed(ctx, msg)
		args := cmp.Or(string(msg.Args), "{}")
		if b := by[msg.Action.Name.Name]; b != nil {
			args = b(args)
		}
		r.Response = invoker.ClassifyRun(200, []byte(args), int64(len(args)), 1<<20).Response
		r.Duration = 2*time.Millisecond + 900*time.Microsecond
		return r, err
	})
}

func plain(name string) *entity.Action {
	a := hello()
	a.Name = entity.Name{Namespace: "guest", Name: name}
	return a
}

// sequenceOf is a sequence of actions of the same namespace.
func sequenceOf(name string, components ...string) *entity.Action {
	a := plain(name)
	a.Exec = entity.Exec{Kind: entity.KindSequence}
	for _, c := range components {
		a.Exec.Components = append(a.Exec.Components, "/_/"+c)
	}
	return a
}

func conductor(name string) *entity.Action {
	a := plain(name)
	a.Annotations = entity.Parameters{}.Set(entity.AnnotationConductor, "1")
	return a
}

// result invokes the action, waits, and returns its record, checked against
// those of its parts.
func (w *world) result(a *entity.Action, payload string) *entity.Activation {
	w.Helper()
	r := w.request(true, time.Minute)
	r.Action, r.Payload = a, json.RawMessage(payload)
	out := w.invoke(r)
	return w.checked(out.ID)
}

// checked compares a record with those of its parts. OpenWhisk 2.8.7, 2.8.8.
func (w *world) checked(id entity.ActivationID) *entity.Activation {
	w.Helper()
	a := w.record(id)
	var duration, memory int64
	for _, part := range w.parts(a) {
		duration += part.Duration.Milliseconds()
		if part.Cause != id || string(part.Annotations.Get("causedBy")) != `"sequence"` {
			w.Errorf("part is %s, want the cause %s", part.AppendJSON(nil), id)
		}
		var limits struct{ Memory int64 }
		if json.Unmarshal(part.Annotations.Get("limits"), &limits) == nil {
			memory = max(memory, limits.Memory)
		}
		if string(part.Annotations.Get("kind")) == `"sequence"` {
			w.checked(part.ID)
		}
	}
	if a.Duration.Milliseconds() != duration {
		w.Errorf("duration is %s, the parts took %d ms", a.Duration, duration)
	}
	want := fmt.Sprintf(`{"concurrency":1,"logs":10,"memory":%d,"timeout":60000}`, memory)
	if got := string(a.Annotations.Get("limits")); memory > 0 && got != want {
		w.Errorf("limits are %s, want %s", got, want)
	}
	if got, want := string(a.Annotations.Get("topmost")), fmt.Sprint(a.Cause == ""); got != want {
		w.Errorf("topmost is %s, want %s", got, want)
	}
	return a
}

// parts are the records that the logs of a name.
func (w *world) parts(a *entity.Activation) (list []*entity.Activation) {
	w.Helper()
	for _, id := range a.Logs {
		list = append(list, w.record(entity.ActivationID(id)))
	}
	return list
}

// names are those of the parts, in their order.
func (w *world) names(a *entity.Activation) string {
	w.Helper()
	var names []string
	for _, part := range w.parts(a) {
		names = append(names, part.Name)
	}
	return strings.Join(names, " ")
}

func (s *shelf) put(actions ...*entity.Action) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range actions {
		s.byName[a.Name] = a
	}
}

// answers fails the test unless a ended so.
func answers(t *testing.T, a *entity.Activation, status entity.Status, result string) {
	t.Helper()
	if a.Response.Status != status || string(a.Response.Result) != result {
		t.Errorf("%s answers %s %s, want %s %s", a.Name, a.Response.Status, a.Response.Result, status, result)
	}
}

// fails is what answers of a failure with that text look like.
func fails(text string) string { return string(entity.Failed(0, text).Result) }

// accept invokes without waiting.
func (w *world) accept(a *entity.Action) entity.ActivationID {
	w.Helper()
	r := w.request(false, 0)
	r.Action = a
	return w.invoke(r).ID
}

// counting is an observer that counts with and without a container's part.
type counting struct{ container, none atomic.Int32 }

func (c *counting) ActivationEnded(_ *entity.Activation, r *invoker.Result) {
	if r == nil {
		c.none.Add(1)
		return
	}
	c.container.Add(1)
}

func TestObserverHearsOfEveryPart(t *testing.T) {
	w := open(t)
	var given []string
	w.acts(map[string]behaviour{"a": nil, "c": plays(&given, `{"action":"s"}`)})
	w.actions.put(sequenceOf("s", "a", "a"))
	seen := &counting{}
	w.service.Observer = seen
	w.result(conductor("c"), `{}`)
	if n, m := seen.container.Load(), seen.none.Load(); n != 4 || m != 2 {
		t.Errorf("%d activations in containers and %d others, want 4 and 2", n, m)
	}
}
