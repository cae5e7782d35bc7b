package invoke_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/invoker"
)

// TestRecordSaysWhatOpenWhisksDoes compares whole records. OpenWhisk 1.11.
func TestRecordSaysWhatOpenWhisksDoes(t *testing.T) {
	began := time.UnixMilli(1763600000000)
	const limits = `{"key":"limits","value":{"concurrency":1,"logs":10,"memory":256,"timeout":60000}}`
	for name, row := range map[string]struct {
		result invoker.Result
		want   string // from "annotations" on, without x-error
		fault  string
	}{
		"warm": {
			invoker.Result{
				Response: entity.Response{Result: []byte(`{"a":1}`), Size: 7}, Logs: []string{"a line"}, Began: began,
				Ended: began.Add(5 * time.Millisecond), Duration: 5 * time.Millisecond, Wait: 3 * time.Millisecond, Start: invoker.Warm,
			},
			`"annotations":[{"key":"path","value":"guest/p/hello"},{"key":"waitTime","value":3},{"key":"kind","value":"nodejs:20"},` +
				`{"key":"timeout","value":false},` + limits + `],"duration":5,"end":1763600000005,"logs":["a line"],"name":"hello",` +
				`"namespace":"guest","publish":false,"response":{"result":{"a":1},"size":7,"status":"success","success":true},` +
				`"start":1763600000000,"subject":"guest-subject","version":"0.0.3"}`, "",
		},
		"bridge": {
			invoker.Result{
				Response: entity.Response{Result: []byte(`{"a":1}`), Size: 7}, Began: began, Ended: began.Add(5 * time.Millisecond),
				Duration: 5 * time.Millisecond, Init: 2 * time.Millisecond, Start: invoker.Prewarmed, Placement: "bridge",
			},
			`"annotations":[{"key":"path","value":"guest/p/hello"},{"key":"waitTime","value":0},{"key":"kind","value":"nodejs:20"},` +
				`{"key":"timeout","value":false},` + limits + `,{"key":"initTime","value":2},{"key":"placement","value":"bridge"}],"duration":5,"end":1763600000005,"logs":[],"name":"hello",` +
				`"namespace":"guest","publish":false,"response":{"result":{"a":1},"size":7,"status":"success","success":true},` +
				`"start":1763600000000,"subject":"guest-subject","version":"0.0.3"}`, "",
		},
		"cold timeout": {
			invoker.Result{
				Response: entity.Failed(entity.DeveloperError, invoker.TimeoutText(entity.DefaultLimits(), false)), Began: began,
				Ended: began.Add(time.Minute), Duration: time.Minute, Init: 40 * time.Millisecond, Start: invoker.Cold,
				TimedOut: true, Fault: fault.Timeout, Wait: -time.Second,
			},
			`"annotations":[{"key":"path","value":"guest/p/hello"},{"key":"waitTime","value":0},{"key":"kind","value":"nodejs:20"},` +
				`{"key":"timeout","value":true},` + limits + `,{"key":"initTime","value":40}],"duration":60000,"end":1763600060000,"logs":[],` +
				`"name":"hello","namespace":"guest","publish":false,"response":{"result":{"error":"The action exceeded its time limits of 60000 milliseconds."},` +
				`"status":"action developer error","success":false},"start":1763600000000,"subject":"guest-subject","version":"0.0.3"}`, fault.Timeout,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t)
			w.invoker.does(func(context.Context, *invoker.Message) (invoker.Result, error) { return row.result, nil })
			out := w.invoke(w.request(true, time.Minute))
			a := *w.record(out.ID)
			checkFault(t, a.Annotations.Get("x-error"), row.fault, string(out.ID))
			a.Annotations = a.Annotations.Without("x-error")
			want := `{"activationId":"` + string(out.ID) + `",` + row.want
			if got := string(a.AppendJSON(nil)); got != want {
				t.Errorf("record is\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// checkFault wants the annotation of a failure to have no open placeholders.
func checkFault(t *testing.T, annotation json.RawMessage, code, id string) {
	t.Helper()
	if code == "" {
		if annotation != nil {
			t.Errorf("x-error is %s", annotation)
		}
		return
	}
	var report fault.Report
	if err := json.Unmarshal(annotation, &report); err != nil || report.Code != code {
		t.Fatalf("x-error is %s, %v, want %s", annotation, err, code)
	}
	text := report.String()
	if !strings.Contains(text, id) || containsAny(text, "{", "}", " ID", "ACTION", "LIMIT", "KIND") {
		t.Errorf("x-error reads\n%s", text)
	}
}

// The path is where the action lies; who named it through a binding finds it
// under that. OpenWhisk 1.10.3, 1.11.7.
func TestRecordOfAnActionNamedThroughABindingSaysSo(t *testing.T) {
	w := open(t)
	r := w.request(true, time.Minute)
	r.Binding = entity.Name{Namespace: "guest", Name: "bound"}
	a := w.record(w.invoke(r).ID)
	if got := string(a.Annotations.Get("binding")); got != `"guest/bound"` || a.Local != "bound/hello" {
		t.Errorf("binding %s, local name %s", got, a.Local)
	}
	if got := string(a.Annotations.Get("path")); got != `"guest/p/hello"` {
		t.Errorf("path %s", got)
	}
}
