package invoke_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/invoker"
)

// plays is a conductor that answers with one line after the other; "$" in a
// line stands for what it was given.
func plays(given *[]string, lines ...string) behaviour {
	return func(args string) string {
		*given = append(*given, args)
		if len(lines) == 0 {
			return args
		}
		line := lines[0]
		lines = lines[1:]
		return strings.ReplaceAll(line, "$", args)
	}
}

// TestConductorsAreAskedUntilTheyNameNothingMore tells what a conductor was
// given, turn by turn, and how the composition ended. OpenWhisk 2.9.2–2.9.5.
func TestConductorsAreAskedUntilTheyNameNothingMore(t *testing.T) {
	w := open(t)
	w.actions.put(sequenceOf("seq", "echo", "echo"))
	w.rights[entity.Name{Namespace: "other", Package: "p", Name: "x"}] = entity.ErrNotEntitled
	parse := func(v string) string {
		return fails("Failed to parse action name from json value " + v + " during composition.")
	}
	unresolved := func(n string) string {
		return fails("Failed to resolve action with name '" + n + "' during composition.")
	}
	for _, row := range []struct {
		name  string
		lines []string
		given []string // after the payload {"x":1}
		ended entity.Status
		want  string
		ran   string
	}{
		{"nothing", nil, nil, entity.Success, `{"x":1}`, "c"},
		{"params end it", []string{`{"params":{"y":2},"state":{"z":3}}`}, nil, entity.Success, `{"y":2}`, "c"},
		{"params are boxed", []string{`{"params":[2]}`}, nil, entity.Success, `{"value":[2]}`, "c"},
		{"null params are boxed", []string{`{"params":null}`}, nil, entity.Success, `{"value":null}`, "c"},
		{"params beside an error", []string{`{"params":{"y":2},"error":1}`}, nil, entity.ApplicationError, `{"y":2}`, "c"},
		{"array", []string{`[1]`}, nil, entity.Success, `[1]`, "c"},
		{"error", []string{`{"error":"no"}`}, nil, entity.ApplicationError, `{"error":"no"}`, "c"},
		{"one component", []string{`{"action":"echo","params":{"y":2}}`}, []string{`{"y":2}`}, entity.Success, `{"y":2}`, "c echo c"},
		{"without params", []string{`{"action":"echo"}`}, []string{`{}`}, entity.Success, `{}`, "c echo c"},
		{"boxed for the component", []string{`{"action":"echo","params":4}`}, []string{`{"value":4}`}, entity.Success, `{"value":4}`, "c echo c"},
		{"action beside an error", []string{`{"action":"echo","params":{"y":2},"error":1}`}, []string{`{"y":2}`}, entity.Success, `{"y":2}`, "c echo c"},
		{"state", []string{`{"action":"echo","params":{"y":2},"state":{"z":3}}`}, []string{`{"y":2,"z":3}`}, entity.Success, `{"y":2,"z":3}`, "c echo c"},
		{"state wins", []string{`{"action":"echo","params":{"y":2,"z":1},"state":{"z":3}}`}, []string{`{"y":2,"z":3}`}, entity.Success, `{"y":2,"z":3}`, "c echo c"},
		{"state is boxed", []string{`{"action":"echo","params":{},"state":5}`}, []string{`{"state":5}`}, entity.Success, `{"state":5}`, "c echo c"},
		{
			"state lasts one turn", []string{`{"action":"echo","params":{},"state":{"z":3}}`, `{"action":"echo","params":{}}`},
			[]string{`{"z":3}`, `{}`}, entity.Success, `{}`, "c echo c echo c",
		},
		{"error of a component", []string{`{"action":"bad"}`, `{"params":{"saved":true}}`}, []string{`{"error":"bad"}`}, entity.Success, `{"saved":true}`, "c bad c"},
		{"array of a component", []string{`{"action":"list","state":{"z":3}}`}, []string{`{"value":[1],"z":3}`}, entity.Success, `{"value":[1],"z":3}`, "c list c"},
		{"sequence", []string{`{"action":"seq","params":{"y":2}}`}, []string{`{"y":2}`}, entity.Success, `{"y":2}`, "c seq c"},
		{"own namespace", []string{`{"action":"/_/echo","params":{}}`}, []string{`{}`}, entity.Success, `{}`, "c echo c"},
		{"qualified", []string{`{"action":"/guest/echo","params":{}}`}, []string{`{}`}, entity.Success, `{}`, "c echo c"},
		{"in a package", []string{`{"action":"p/hello","params":{}}`}, []string{`{}`}, entity.Success, `{}`, "c hello c"},
		{"three segments", []string{`{"action":"guest/p/hello","params":{}}`}, []string{`{}`}, entity.Success, `{}`, "c hello c"},
		{"unknown", []string{`{"action":"none"}`}, []string{unresolved("guest/none")}, entity.ApplicationError, unresolved("guest/none"), "c c"},
		{"unknown with state", []string{`{"action":"none","state":{"z":3}}`, `{}`}, []string{unresolved("guest/none")[:len(unresolved("guest/none"))-1] + `,"z":3}`}, entity.Success, `{}`, "c c"},
		{"not entitled", []string{`{"action":"other/p/x"}`, `{}`}, []string{fails("Failed entitlement check for action with name 'other/p/x' during composition.")}, entity.Success, `{}`, "c c"},
		{"null", []string{`{"action":null}`, `{}`}, []string{parse("null")}, entity.Success, `{}`, "c c"},
		{"number", []string{`{"action": 7 }`, `{}`}, []string{parse("7")}, entity.Success, `{}`, "c c"},
		{"object", []string{`{"action":{ "a": "b" }}`, `{}`}, []string{parse(`{"a":"b"}`)}, entity.Success, `{}`, "c c"},
		{"bad name", []string{`{"action":"a b /!"}`, `{}`}, []string{parse(`"a b /!"`)}, entity.Success, `{}`, "c c"},
		{"one segment with a slash", []string{`{"action":"/a"}`, `{}`}, []string{parse(`"/a"`)}, entity.Success, `{}`, "c c"},
		{"four segments", []string{`{"action":"/a/b/c/d"}`, `{}`}, []string{parse(`"/a/b/c/d"`)}, entity.Success, `{}`, "c c"},
		{"empty", []string{`{"action":""}`, `{}`}, []string{parse(`""`)}, entity.Success, `{}`, "c c"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w.T = t
			var given []string
			w.acts(map[string]behaviour{
				"c": plays(&given, row.lines...), "echo": nil,
				"bad": func(string) string { return `{"error":"bad"}` }, "list": func(string) string { return `[1]` },
			})
			c := conductor("c")
			a := w.result(c, `{"x":1}`)
			want := append([]string{`{"x":1}`}, row.given...)
			if got := strings.Join(given, "\n"); got != strings.Join(want, "\n") {
				t.Errorf("the conductor was given\n%s\nwant\n%s", got, strings.Join(want, "\n"))
			}
			answers(t, a, row.ended, row.want)
			if got := w.names(a); got != row.ran {
				t.Errorf("ran %s, want %s", got, row.ran)
			}
		})
	}
	w.T = t
}

func TestRecordOfACompositionSaysWhatOpenWhisksDoes(t *testing.T) {
	w := open(t)
	var given []string
	w.acts(map[string]behaviour{"c": plays(&given, `{"action":"a"}`), "a": func(string) string { return `{}` }})
	a := w.result(conductor("c"), `{}`)
	a.Annotations = a.Annotations.Set("waitTime", "0")
	want := `[{"key":"path","value":"guest/c"},{"key":"waitTime","value":0},{"key":"kind","value":"sequence"},` +
		`{"key":"topmost","value":true},{"key":"conductor","value":true},` +
		`{"key":"limits","value":{"concurrency":1,"logs":10,"memory":256,"timeout":60000}}]`
	if got := string(a.Annotations.AppendJSON(nil)); got != want {
		t.Errorf("annotations are\n%s\nwant\n%s", got, want)
	}
	step := w.parts(a)[0]
	if kind := string(step.Annotations.Get("kind")); kind != `"nodejs:20"` || step.Annotations.Get("topmost") != nil {
		t.Errorf("run of the conductor is %s", step.AppendJSON(nil))
	}
}

// TestConductorAnnotationIsTruthyAndNotOnSequences. OpenWhisk 2.9.1.
func TestConductorAnnotationIsTruthyAndNotOnSequences(t *testing.T) {
	w := open(t)
	w.acts(map[string]behaviour{"a": nil})
	for value, want := range map[string]bool{"true": true, "1": true, `"x"`: true, "{}": true, "false": false, "0": false, "null": false, `""`: false} {
		a := plain("a")
		a.Annotations = a.Annotations.Set("conductor", value)
		r := w.request(true, time.Minute)
		r.Action = a
		if got := w.invoke(r).Activation.Annotations.Get("conductor") != nil; got != want {
			t.Errorf("conductor %s: %v", value, got)
		}
	}
	s := sequenceOf("s", "a")
	s.Annotations = s.Annotations.Set("conductor", "true")
	if a := w.result(s, `{}`); a.Annotations.Get("conductor") != nil || w.names(a) != "a" {
		t.Errorf("the sequence is %s", a.AppendJSON(nil))
	}
}

// TestCompositionsAreLimited: n components and 2n+1 runs of conductors, which
// nested compositions share. OpenWhisk 2.9.6.
func TestCompositionsAreLimited(t *testing.T) {
	const tooMany = "Too many actions in the composition."
	for _, row := range []struct {
		name       string
		line       func(run int, args string) string
		conductors int
		components int
		status     entity.Status
	}{
		{"told of it it may end", func(_ int, args string) string {
			if strings.Contains(args, tooMany) {
				return args
			}
			return `{"action":"a","params":{}}`
		}, 4 + 1, 3, entity.ApplicationError},
		{"a sequence is one", func(_ int, args string) string {
			if strings.Contains(args, tooMany) {
				return args
			}
			return `{"action":"s","params":{}}`
		}, 4 + 1, 3, entity.ApplicationError},
		{"else it is ended", func(int, string) string { return `{"action":"a","params":{}}` }, 7, 3, entity.ApplicationError},
		{"names that are none count as runs", func(int, string) string { return `{"action":0}` }, 7, 0, entity.ApplicationError},
		{"recursion", func(int, string) string { return `{"action":"c","params":{}}` }, 7, 0, entity.ApplicationError},
		{"within it", func(run int, _ string) string {
			if run < 4 {
				return `{"action":"a","params":{}}`
			}
			return `{"ok":true}`
		}, 4, 3, entity.Success},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := open(t)
			w.service.MaxComponents = 3
			runs := map[string]int{}
			w.acts(map[string]behaviour{
				"c": func(args string) string { runs["c"]++; return row.line(runs["c"], args) },
				"a": func(string) string { runs["a"]++; return `{}` },
			})
			w.actions.put(conductor("c"), sequenceOf("s", "a"))
			a := w.result(conductor("c"), `{}`)
			if runs["c"] != row.conductors || runs["a"] != row.components {
				t.Errorf("%d runs of the conductor and %d of components, want %d and %d", runs["c"], runs["a"], row.conductors, row.components)
			}
			want := fails(tooMany)
			if row.status == entity.Success {
				want = `{"ok":true}`
			}
			answers(t, a, row.status, want)
		})
	}
}

// TestCompositionsNest: one inside another contributes one id, and knows what
// caused it. OpenWhisk 2.9.8–2.9.10.
func TestCompositionsNest(t *testing.T) {
	w := open(t)
	var outer, inner []string
	w.acts(map[string]behaviour{
		"outer": plays(&outer, `{"action":"inner","params":{"x":1},"state":{"s":1}}`),
		"inner": plays(&inner, `{"action":"seq","params":$}`), "a": nil,
	})
	w.actions.put(conductor("inner"), sequenceOf("seq", "a", "a"))
	w.actions.put(conductor("outer"))
	a := w.result(conductor("outer"), `{}`)
	answers(t, a, entity.Success, `{"x":1,"s":1}`)
	if got := w.names(a); got != "outer inner outer" {
		t.Fatalf("ran %s", got)
	}
	in := w.parts(a)[1]
	if got := w.names(in); got != "inner seq inner" || string(in.Annotations.Get("topmost")) != "false" {
		t.Errorf("inner is %s, ran %s", in.AppendJSON(nil), got)
	}
	s := w.result(sequenceOf("s", "outer", "a"), `{}`)
	if got := w.names(s); got != "outer a" {
		t.Errorf("the sequence ran %s", got)
	}
}

// TestCompositionEndsWithAStepThatIsLost. OpenWhisk 2.9.4, 2.9.7.
func TestCompositionEndsWithAStepThatIsLost(t *testing.T) {
	w := open(t)
	var given []string
	w.acts(map[string]behaviour{"c": plays(&given, `{"action":"a"}`), "a": nil})
	late := plain("late")
	late.Limits.Timeout = 10*time.Millisecond - time.Minute
	w.actions.put(late)
	release := make(chan struct{})
	lost := func(next string) {
		w.invoker.does(func(ctx context.Context, msg *invoker.Message) (invoker.Result, error) {
			switch msg.Action.Name.Name {
			case "a":
				return invoker.Result{}, entity.Errorf(entity.Unavailable, "no room")
			case "late":
				<-release
			}
			r, err := succeed(ctx, msg)
			r.Response.Result = json.RawMessage(fmt.Sprintf(`{"action":%q}`, next))
			return r, err
		})
	}
	lost("a")
	a := w.result(conductor("c"), `{}`)
	answers(t, a, entity.WhiskError, fails("Activation failure during composition."))
	checkFault(t, a.Annotations.Get("x-error"), fault.StepFailed, "")
	lost("late")
	r := w.request(true, time.Minute)
	r.Action = conductor("c")
	a = w.invoke(r).Activation
	answers(t, a, entity.WhiskError, fails("Timeout reached when retrieving activation "+a.Logs[1]+" during composition."))
	close(release)
	w.drain()
}
