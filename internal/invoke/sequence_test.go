package invoke_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/invoker"
)

// TestSequencesPassResultsOn tells what the components were given. OpenWhisk
// 2.8.5, 2.8.6, 2.8.16.
func TestSequencesPassResultsOn(t *testing.T) {
	answer := func(s string) behaviour { return func(string) string { return s } }
	w := open(t)
	odd := plain("odd") // has parameters of its own
	odd.Parameters = entity.Parameters{}.Set("a", "1").Set("b", "2")
	w.acts(map[string]behaviour{
		"echo": nil, "array": answer(`[1, 2]`), "error": answer(`{"error":"no","a":1}`), "false": answer(`{"error":false}`),
		"number": answer(`7`), "object": answer(`{"b": 3}`), "odd": nil,
	})
	w.actions.put(odd, sequenceOf("nested", "object", "odd"))
	for _, row := range []struct {
		components, payload string
		status              entity.Status
		result, ran         string
	}{
		{"echo", `{"x":1}`, entity.Success, `{"x":1}`, "echo"},
		{"echo echo echo", `{"x":1}`, entity.Success, `{"x":1}`, "echo echo echo"},
		{"echo odd", `{"error":"is data"}`, entity.ApplicationError, `{"error":"is data"}`, "echo"},
		{"object odd", "", entity.Success, `{"a":1,"b": 3}`, "object odd"},
		{"array echo", `{}`, entity.Success, `[1, 2]`, "array echo"},
		{"array odd", `{}`, entity.Success, `[1, 2]`, "array odd"},
		{"echo", `[3]`, entity.Success, `[3]`, "echo"},
		{"echo error echo", `{}`, entity.ApplicationError, `{"error":"no","a":1}`, "echo error"},
		{"echo false echo", `{}`, entity.ApplicationError, `{"error":false}`, "echo false"},
		{"number echo", `{}`, entity.DeveloperError, fails("The action did not produce a valid JSON or JSON Array response: 7"), "number"},
		{"nested echo nested", `{}`, entity.Success, `{"a":1,"b": 3}`, "nested echo nested"},
	} {
		t.Run(row.components, func(t *testing.T) {
			w.T = t
			a := w.result(sequenceOf("s", strings.Fields(row.components)...), row.payload)
			answers(t, a, row.status, row.result)
			if got := w.names(a); got != row.ran {
				t.Errorf("ran %s, want %s", got, row.ran)
			}
		})
	}
	w.T = t
}

// TestRecordOfASequenceSaysWhatOpenWhisksDoes compares whole records.
func TestRecordOfASequenceSaysWhatOpenWhisksDoes(t *testing.T) {
	w := open(t)
	w.acts(map[string]behaviour{"small": nil, "big": nil})
	big := plain("big")
	big.Limits.Memory = 512
	s := sequenceOf("s", "small", "big")
	s.Limits.Timeout, s.Limits.Memory, s.Limits.Concurrency = 5*time.Minute, 128, 9
	w.actions.put(big)
	r := w.request(true, time.Minute)
	r.Action = s
	r.Binding = entity.Name{Namespace: "guest", Name: "bound"}
	out := w.invoke(r)
	a := *out.Activation
	if a.Local != "bound/s" || a.Cause != "" || a.Version != s.Version || len(a.Logs) != 2 || a.Duration != 4*time.Millisecond {
		t.Errorf("record is %s", a.AppendJSON(nil))
	}
	a.Annotations = a.Annotations.Set("waitTime", "0")
	want := `[{"key":"path","value":"guest/s"},{"key":"waitTime","value":0},{"key":"kind","value":"sequence"},` +
		`{"key":"topmost","value":true},{"key":"limits","value":{"concurrency":1,"logs":10,"memory":512,"timeout":300000}},` +
		`{"key":"binding","value":"guest/bound"}]`
	if got := string(a.Annotations.AppendJSON(nil)); got != want {
		t.Errorf("annotations are\n%s\nwant\n%s", got, want)
	}
	if got, want := string(w.record(out.ID).AppendJSON(nil)), string(out.Activation.AppendJSON(nil)); got != want {
		t.Errorf("answered\n%s\nstored\n%s", want, got)
	}
}

// TestSequencesThatCannotGoOnSayWhy: with how many actions may run, and what
// their records say. OpenWhisk 2.8.9, 2.8.13.
func TestSequencesThatCannotGoOnSayWhy(t *testing.T) {
	w := open(t)
	w.service.MaxComponents = 4
	w.acts(map[string]behaviour{"a": nil, "foreign": nil, "gone": nil})
	w.actions.remove(plain("gone").Name)
	w.actions.put(sequenceOf("two", "a", "a"), sequenceOf("three", "a", "a", "a"))
	w.rights[plain("foreign").Name] = entity.Errorf(entity.Forbidden, "not authorized")
	w.rights[plain("hidden").Name] = entity.ErrNotFound
	for _, row := range []struct {
		components, ran string
		status          entity.Status
		text, fault     string
	}{
		{"a gone a", "a", entity.ApplicationError, "Sequence component does not exist.", fault.ComponentMissing},
		{"gone", "", entity.ApplicationError, "Sequence component does not exist.", fault.ComponentMissing},
		{"a hidden", "a", entity.ApplicationError, "Sequence component does not exist.", fault.ComponentMissing},
		{"a foreign", "a", entity.ApplicationError, "not authorized", fault.NotEntitled},
		{"a a a a", "a a a a", entity.Success, "", ""},
		{"two two", "two two", entity.Success, "", ""},
		{"a a a a a", "a a a a", entity.ApplicationError, "Too many actions in the sequence.", fault.TooManyActions},
		{"two three", "two three", entity.ApplicationError, "Too many actions in the sequence.", fault.TooManyActions},
		{"two two two", "two two", entity.ApplicationError, "Too many actions in the sequence.", fault.TooManyActions},
	} {
		t.Run(row.components, func(t *testing.T) {
			w.T = t
			a := w.result(sequenceOf("s", strings.Fields(row.components)...), `{}`)
			want := `{}`
			if row.text != "" {
				want = fails(row.text)
			}
			answers(t, a, row.status, want)
			checkFault(t, a.Annotations.Get("x-error"), row.fault, "")
			if got := w.names(a); got != row.ran {
				t.Errorf("ran %s, want %s", got, row.ran)
			}
			if limits := a.Annotations.Get("limits"); (limits != nil) != (row.ran != "") {
				t.Errorf("limits are %s", limits)
			}
		})
	}
	w.T = t
}

// TestSequenceThatGrewIsStoppedWhereItStands is the redefinition of OpenWhisk
// 2.8.14.
func TestSequenceThatGrewIsStoppedWhereItStands(t *testing.T) {
	w := open(t)
	w.acts(map[string]behaviour{"a": nil})
	w.actions.put(sequenceOf("x", strings.Fields(strings.Repeat("a ", 50))...))
	a := w.result(sequenceOf("s", "a", "x", "a"), `{}`)
	answers(t, a, entity.ApplicationError, fails("Too many actions in the sequence."))
	if got := w.names(a); got != "a x" {
		t.Fatalf("ran %s", got)
	}
	if x := w.parts(a)[1]; len(x.Logs) != 49 || x.Cause != a.ID {
		t.Errorf("x ran %d actions for %s", len(x.Logs), x.Cause)
	}
}

// TestComponentsRunUnderTransactionsOfTheirOwn: derived from the caller's, so
// that a search finds them. OpenWhisk 2.8.15.
func TestComponentsRunUnderTransactionsOfTheirOwn(t *testing.T) {
	w := open(t)
	w.acts(map[string]behaviour{"a": nil, "b": nil})
	w.actions.put(sequenceOf("n", "a", "b"))
	seen := map[string]int{}
	w.invoker.does(func(ctx context.Context, msg *invoker.Message) (invoker.Result, error) {
		seen[msg.Transaction]++
		return succeed(ctx, msg)
	})
	w.result(sequenceOf("s", "a", "n", "b"), `{}`)
	for _, want := range []string{"tid.1", "tid.2.1", "tid.2.2", "tid.3"} {
		if seen[want] != 1 {
			t.Errorf("%s ran %d, all are %v", want, seen[want], seen)
		}
	}
}

// TestComponentThatIsLateEndsTheSequence: the component goes on alone.
// OpenWhisk 2.8.9.
func TestComponentThatIsLateEndsTheSequence(t *testing.T) {
	w := open(t)
	late := plain("late")
	late.Limits.Timeout = 10*time.Millisecond - time.Minute // a minute less than it is waited for
	w.actions.put(late)
	run, started, release := block()
	w.invoker.does(run)
	r := w.request(true, time.Minute)
	r.Action = sequenceOf("s", "late", "late")
	a := w.invoke(r).Activation
	<-started
	if len(a.Logs) != 1 {
		t.Fatalf("logs are %v", a.Logs)
	}
	answers(t, a, entity.WhiskError, fails("Timeout reached when retrieving activation "+a.Logs[0]+" for sequence component."))
	close(release)
	w.drain()
	if part := w.record(entity.ActivationID(a.Logs[0])); part.Response.Status != entity.Success || part.Cause != a.ID {
		t.Errorf("the late component is %s", part.AppendJSON(nil))
	}
}

// TestSequenceWhoseFirstComponentIsRefusedIsRefused: nothing has happened yet.
func TestSequenceWhoseFirstComponentIsRefusedIsRefused(t *testing.T) {
	w := open(t)
	w.acts(map[string]behaviour{"a": nil, "b": nil})
	full := entity.Errorf(entity.Throttled, "no room")
	refuse := func(name string) {
		w.invoker.does(func(ctx context.Context, msg *invoker.Message) (invoker.Result, error) {
			if msg.Action.Name.Name == name {
				return invoker.Result{}, full
			}
			return succeed(ctx, msg)
		})
	}
	w.actions.put(sequenceOf("n", "a"))
	refuse("a")
	for _, first := range []string{"a", "n"} {
		r := w.request(true, time.Minute)
		r.Action = sequenceOf("s", first, "b")
		if _, err := w.service.Invoke(t.Context(), r); errorOf(err).Message != "no room" {
			t.Errorf("%s: error is %v", first, err)
		}
	}
	refuse("b")
	a := w.result(sequenceOf("s", "a", "b"), `{}`)
	answers(t, a, entity.WhiskError, fails("Sequence failed."))
	checkFault(t, a.Annotations.Get("x-error"), fault.StepFailed, "")
	if got := w.names(a); got != "a" {
		t.Errorf("ran %s", got)
	}
}

// TestFailureOfAComponentIsExplainedByTheSequence, too.
func TestFailureOfAComponentIsExplainedByTheSequence(t *testing.T) {
	w := open(t)
	w.acts(map[string]behaviour{"a": nil})
	w.invoker.does(func(ctx context.Context, msg *invoker.Message) (invoker.Result, error) {
		r, err := succeed(ctx, msg)
		r.Response, r.Fault = entity.Failed(entity.DeveloperError, "boom"), fault.Exited
		return r, err
	})
	a := w.result(sequenceOf("s", "a", "a"), `{}`)
	answers(t, a, entity.DeveloperError, fails("boom"))
	checkFault(t, a.Annotations.Get("x-error"), fault.Exited, "")
	if got, want := string(a.Annotations.Get("x-error")), string(w.parts(a)[0].Annotations.Get("x-error")); got != want {
		t.Errorf("x-error is %s, the component's %s", got, want)
	}
}
