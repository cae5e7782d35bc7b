package controller_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoke"
	"github.com/gowhisk/gowhisk/internal/protocol"
)

// answering is an API whose invoker answers with a record.
func answering(t testing.TB, a *entity.Activation) *api {
	out := newAPI(t, func(x *api) {
		x.invoke = func(_ context.Context, req invoke.Request) (invoke.Outcome, error) {
			req.Done()
			return invoke.Outcome{ID: someID, Activation: a}, nil
		}
	})
	out.put(t, "hello", hello)
	return out
}

func TestPayloadIsCheckedBeforeTheActionIsLookedUp(t *testing.T) {
	a := newAPI(t)
	a.put(t, "hello", hello)
	const timeout = `The query parameter 'timeout' was malformed:\nTimeout must be number of milliseconds up to 60000.`
	url := ns + "actions/gone"
	run(t, a, []scenario{
		{Name: "array", Method: "POST", URL: url, Body: `[1]`, Status: 400, Contains: []string{`The request content was malformed:\nJSON object expected`}},
		{Name: "scalar", Method: "POST", URL: url, Body: ` "x"`, Status: 400, Contains: []string{`JSON object expected`}},
		{Name: "null", Method: "POST", URL: url, Body: `null`, Status: 400, Contains: []string{`JSON object expected`}},
		{Name: "no JSON", Method: "POST", URL: url, Body: `{"a":}`, Status: 400, Contains: []string{`The request content was malformed:\ninvalid character`}},
		{Name: "form", Method: "POST", URL: url, Body: `a=1`, Headers: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, Status: 415},
		{Name: "large", Method: "POST", URL: url, Body: `{"a":"` + strings.Repeat("x", 1<<20) + `"}`, Status: 413, Contains: []string{"Request larger than allowed: 1048584 > 1048576 bytes."}},
		{Name: "timeout", Method: "POST", URL: url + "?timeout=60001", Status: 400, Contains: []string{timeout}},
		{Name: "no timeout", Method: "POST", URL: url + "?timeout=0", Status: 400, Contains: []string{timeout}},
		{Name: "word as timeout", Method: "POST", URL: url + "?blocking=true&timeout=long", Status: 400, Contains: []string{timeout}},
		{Name: "blocking", Method: "POST", URL: url + "?blocking=x", Status: 400, Contains: []string{`The query parameter 'blocking' was malformed:\n'x' is not a valid Boolean value`}},
		{Name: "missing", Method: "POST", URL: url, Status: 404, Contains: []string{"The requested resource does not exist."}},
		{Name: "missing in a package", Method: "POST", URL: ns + "actions/p/a", Status: 404},
	})
}

func TestFinalParametersCannotBeOverridden(t *testing.T) {
	a := newAPI(t)
	a.put(t, "final", with(`"parameters":[{"key":"fixed","value":1},{"key":"open","value":null}],"annotations":[{"key":"final","value":true}]`))
	const text = "Request defines parameters that are not allowed (e.g., reserved properties)."
	w := scenario{Method: "POST", URL: ns + "actions/final", Body: `{"other":{"fixed":1},"\u0066ixed":2}`, Status: 400, Contains: []string{text}}.check(t, a)
	if w.Header().Get("X-Gowhisk-Error") != "GW1303" {
		t.Errorf("headers %v", w.Header())
	}
	scenario{Method: "POST", URL: ns + "actions/final", Body: `{"open":1,"other":{"fixed":1}}`, Status: 202}.check(t, a)
}

func TestDeprecatedKindsAreNotInvoked(t *testing.T) {
	a := newAPI(t)
	c := a.catalog()
	if _, err := c.PutAction(t.Context(), &entity.Action{
		Name: entity.Name{Namespace: "guest", Name: "old"}, Version: entity.FirstVersion, Exec: entity.Exec{Kind: "nodejs:12", Code: "x"},
	}); err != nil {
		t.Fatal(err)
	}
	const text = "The 'nodejs:12' runtime is no longer supported. You may read and delete but not update or invoke this action."
	run(t, a, []scenario{
		{Name: "invoke", Method: "POST", URL: ns + "actions/old", Status: 400, Contains: []string{text}},
		{Name: "update", Method: "PUT", URL: ns + "actions/old?overwrite=true", Body: `{"publish":true}`, Status: 400, Contains: []string{text}},
		{Name: "read", Method: "GET", URL: ns + "actions/old", Status: 200},
		{Name: "delete", Method: "DELETE", URL: ns + "actions/old", Status: 200},
	})
}

const traceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestRequestReachesTheInvokerAsItCame(t *testing.T) {
	var got invoke.Request
	a := newAPI(t, func(a *api) {
		a.invoke = func(ctx context.Context, req invoke.Request) (invoke.Outcome, error) {
			got = req
			return echo(ctx, req)
		}
	})
	a.put(t, "hello", hello)
	scenario{
		Method: "POST", URL: ns + "actions/hello?blocking=true&timeout=2500", Body: ` {"a" : 1.50} `,
		Headers: map[string]string{"X-Request-ID": "mine", "traceparent": traceParent, "tracestate": "a=1"}, Status: 200,
	}.check(t, a)
	if got.Trace != (protocol.Trace{Parent: traceParent, State: "a=1"}) {
		t.Errorf("the trace is %+v", got.Trace)
	}
	if string(got.Payload) != ` {"a" : 1.50} ` || got.Wait != 2500*time.Millisecond || !got.Blocking || got.Transaction != "mine" ||
		got.Identity.Subject != "guest" || got.Action.Name.String() != "guest/hello" || got.Accepted.IsZero() {
		t.Errorf("got %+v", got)
	}
	scenario{Method: "POST", URL: ns + "actions/hello?result=true", Status: 202}.check(t, a)
	if got.Payload != nil || got.Blocking || got.Wait != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestOutcomesAreAnsweredByStatus(t *testing.T) {
	for _, row := range []struct {
		status entity.Status
		result string
		code   int
	}{
		{entity.Success, `{"x": 1}`, 200}, {entity.ApplicationError, `{"error": "no"}`, 502},
		{entity.DeveloperError, `{"error":"crash"}`, 502}, {entity.WhiskError, `{"error":"us"}`, 500},
	} {
		a := answering(t, record(row.status, row.result))
		w := scenario{
			Method: "POST", URL: ns + "actions/hello?blocking=true", Status: row.code,
			Contains: []string{`"response":{"result":` + row.result + `,`, `"logs":[]`, `"activationId":"` + someID + `"`},
		}.check(t, a)
		if w.Header().Get("X-Openwhisk-Activation-Id") != someID || w.Header().Get("Content-Length") == "" {
			t.Errorf("headers %v", w.Header())
		}
		w = scenario{Method: "POST", URL: ns + "actions/hello?blocking=true&result=true", Status: row.code}.check(t, a)
		if w.Body.String() != row.result || w.Header().Get("X-Openwhisk-Activation-Id") != someID {
			t.Errorf("result alone: %s %v", w.Body, w.Header())
		}
	}
}

func TestArraysAreAnsweredAlone(t *testing.T) {
	a := answering(t, record(entity.Success, ` [1, 2]`))
	w := scenario{Method: "POST", URL: ns + "actions/hello?blocking=true", Status: 200}.check(t, a)
	if w.Body.String() != ` [1, 2]` {
		t.Errorf("got %s", w.Body)
	}
}

func TestUnfinishedActivationsAreAnsweredByTheirID(t *testing.T) {
	a := answering(t, nil)
	for _, query := range []string{"", "?blocking=true", "?blocking=true&result=true", "?timeout=5"} {
		w := scenario{Method: "POST", URL: ns + "actions/hello" + query, Status: 202}.check(t, a)
		if w.Body.String() != `{"activationId":"`+someID+`"}` || w.Header().Get("X-Openwhisk-Activation-Id") != someID {
			t.Errorf("%s: %s %v", query, w.Body, w.Header())
		}
	}
}

func TestBlockingAnswerIsTheRecordThatIsStored(t *testing.T) {
	trigger := record(entity.Success, `{}`)
	trigger.End, trigger.Duration, trigger.Response.Size = time.Time{}, 0, 0
	caused := record(entity.ApplicationError, "{\"error\":\"a \\\"<b>\\\" \u00e9\"}")
	caused.Cause, caused.Name, caused.Subject = someID, `odd "<name>" é`, "a\tb"
	caused.Annotations = caused.Annotations.With(entity.Parameter{Key: "i", Value: json.RawMessage(`{"a":[1,null]}`), Init: true})
	empty := record(entity.Success, "")
	empty.Annotations = nil
	for _, a := range []*entity.Activation{record(entity.Success, `{"a":1}`), trigger, caused, empty} {
		w := scenario{Method: "POST", URL: ns + "actions/hello?blocking=true"}.send(answering(t, a))
		stored := *a
		stored.Logs = nil
		want, err := json.Marshal(&stored)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(decode(t, want), decode(t, w.Body.Bytes())); diff != "" {
			t.Error(diff)
		}
	}
}

func TestNestingOfABodyIsBounded(t *testing.T) {
	a := newAPI(t)
	a.put(t, "hello", hello)
	nested := func(n int) string { return strings.Repeat(`{"a":[`, n/2) + `"}]{["` + strings.Repeat("]}", n/2) }
	post := func(body string, status int, contains string) {
		t.Helper()
		scenario{Method: "POST", URL: ns + "actions/hello?blocking=true&result=true", Body: body, Status: status, Contains: []string{contains}}.check(t, a)
	}
	for _, n := range []int{2, 100, 1000, 9_900} {
		post(nested(n), 200, nested(n))
	}
	post(`{"flat":[`+strings.Repeat(`{},`, 20_000)+`"{["]}`, 200, "{},{}")
	post(nested(9_902), 400, "The request content was malformed:\\nnested deeper than 9900 levels")
	post(nested(100_000), 400, "The request content was malformed:\\n")
	post(strings.Repeat(`{"a":`, 100_000), 400, "The request content was malformed:\\n")
	scenario{Method: "PUT", URL: ns + "actions/deep", Body: with(`"parameters":[{"key":"k","value":` + nested(9_900) + `}]`), Status: 400}.check(t, a)
}

func TestSequencesAndConductorsTellTheirSteps(t *testing.T) {
	a := answering(t, record(entity.Success, `{}`))
	a.put(t, "seq", exec(`{"kind":"sequence","components":["/_/hello"]}`))
	a.put(t, "cond", with(`"annotations":[{"key":"conductor","value":true}]`))
	for name, logs := range map[string]string{"hello": `"logs":[],`, "seq": `"logs":["printed"],`, "cond": `"logs":["printed"],`} {
		scenario{Method: "POST", URL: ns + "actions/" + name + "?blocking=true", Status: 200, Contains: []string{logs}}.check(t, a)
	}
}

func decode(t *testing.T, raw []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	return v
}
