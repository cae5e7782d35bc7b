package controller_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
)

// ok sends requests that must succeed.
func (a *api) ok(t testing.TB, list ...scenario) {
	t.Helper()
	for _, s := range list {
		if w := s.send(a); w.Code != 200 {
			t.Fatalf("%s %s: %d %s", s.Method, s.URL, w.Code, w.Body)
		}
	}
}

func TestTriggerIsKeptAndShownAsItWasPut(t *testing.T) {
	a := newAPI(t)
	const body = `{"parameters":[{"key":"a","value":{"b":1}}],"annotations":[{"key":"n","value":"x"}],"limits":{},"publish":true}`
	run(t, a, []scenario{
		{Name: "create", Method: "PUT", URL: ns + "triggers/t", Body: body, Status: 200, Contains: []string{
			`{"namespace":"guest","name":"t","version":"0.0.1","publish":true,"annotations":[{"key":"n","value":"x"}],` +
				`"parameters":[{"key":"a","value":{"b":1}}],"limits":{},"updated":1`,
		}, NotContains: []string{"rules"}},
		{Name: "create again", Method: "PUT", URL: ns + "triggers/t", Body: "{}", Status: 409, Contains: []string{"resource already exists"}},
		{Name: "update", Method: "PUT", URL: ns + "triggers/t?overwrite=true", Body: `{"annotations":[]}`, Status: 200, Contains: []string{
			`"version":"0.0.2","publish":true,"annotations":[],"parameters":[{"key":"a","value":{"b":1}}]`,
		}},
		{Name: "get", Method: "GET", URL: ns + "triggers/t", Status: 200, Contains: []string{`"version":"0.0.2"`, `"limits":{}`}},
		{Name: "list", Method: "GET", URL: ns + "triggers", Status: 200, Contains: []string{`[{"namespace":"guest","name":"t","version":"0.0.2"`}, NotContains: []string{"parameters", "limits", "rules"}},
		{Name: "count", Method: "GET", URL: ns + "triggers?count=true", Status: 200, Contains: []string{`{"triggers":1}`}},
		{Name: "delete", Method: "DELETE", URL: ns + "triggers/t", Status: 200, Contains: []string{`"name":"t","version":"0.0.2"`}},
		{Name: "gone", Method: "GET", URL: ns + "triggers/t", Status: 404},
		{Name: "overwrite creates", Method: "PUT", URL: ns + "triggers/t?overwrite=true", Body: `{"version":"1.2"}`, Status: 200, Contains: []string{`"version":"1.2.0"`}},
	})
}

func TestBodiesThatMakeNoTriggerAreRefused(t *testing.T) {
	a := newAPI(t)
	big := `[{"key":"a","value":"` + strings.Repeat("x", 1<<20) + `"}]`
	rows := []scenario{
		{Name: "none", Status: 400, Contains: []string{"Request entity expected but not supplied"}},
		{Name: "array", Body: `[]`, Status: 400, Contains: []string{`The request content was malformed:\nJSON object expected`}},
		{Name: "parameters", Body: `{"parameters":{"a":1}}`, Status: 400, Contains: []string{"parameters malformed!"}},
		{Name: "annotations", Body: `{"annotations":7}`, Status: 400, Contains: []string{"malformed!"}},
		{Name: "version", Body: `{"version":"0.0.0"}`, Status: 400, Contains: []string{"semantic version malformed"}},
		{Name: "large parameters", Body: `{"parameters":` + big + `}`, Status: 413, Contains: []string{"parameters larger than allowed: 1048579 > 1048576 bytes."}},
		{Name: "large annotations", Body: `{"annotations":` + big + `}`, Status: 413, Contains: []string{"annotations larger than allowed: 1048579 > 1048576 bytes."}},
	}
	for _, feed := range []string{`""`, `"a,b"`, `7`, `null`, `"/"`, `"a/"`, `"/ns/p/a/x"`, `"a//b"`} {
		rows = append(rows, scenario{
			Name: "feed " + feed, Body: `{"annotations":[{"key":"feed","value":` + feed + `}]}`,
			Status: 400, Contains: []string{"Feed name is not valid"},
		})
	}
	for _, feed := range []string{`"a"`, `"p/a"`, `"/ns/p/a"`, `"/_/a b"`} {
		rows = append(rows, scenario{Name: "feed " + feed, Body: `{"annotations":[{"key":"feed","value":` + feed + `}]}`, Status: 200})
	}
	for i := range rows {
		rows[i].Method, rows[i].URL = "PUT", ns+"triggers/t"+string(rune('a'+i))
	}
	run(t, a, rows)
	a.ok(t, scenario{Method: "PUT", URL: ns + "triggers/f", Body: `{}`})
	a.ok(t, scenario{Method: "PUT", URL: ns + "triggers/f?overwrite=true", Body: `{"annotations":[{"key":"feed","value":"a,b"}]}`})
}

// withRules makes the trigger t with parameters, and rules r1 and r2 to the
// actions a1 and a2.
func withRules(t testing.TB, change ...func(*api)) *api {
	a := newAPI(t, change...)
	a.put(t, "a1", hello)
	a.put(t, "a2", hello)
	a.ok(
		t,
		scenario{Method: "PUT", URL: ns + "triggers/t", Body: `{"parameters":[{"key":"a","value":1},{"key":"b","value":2}]}`},
		scenario{Method: "PUT", URL: ns + "rules/r1", Body: `{"trigger":"/_/t","action":"/_/a1"}`},
		scenario{Method: "PUT", URL: ns + "rules/r2", Body: `{"trigger":"/guest/t","action":"/guest/a2"}`},
	)
	return a
}

// fired returns the record of a fire that was accepted.
func (a *api) fired(t *testing.T, s scenario) *entity.Activation {
	t.Helper()
	s.Method, s.URL = "POST", ns+"triggers/t"
	w := s.send(a)
	var out struct{ ActivationID entity.ActivationID }
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != 202 {
		t.Fatalf("%d %s %v", w.Code, w.Body, err)
	}
	if got := w.Header().Get("X-Openwhisk-Activation-Id"); got != string(out.ActivationID) {
		t.Errorf("header %q, body %s", got, w.Body)
	}
	record, err := a.db.Activations().Get(t.Context(), "guest", out.ActivationID)
	if err != nil {
		t.Fatal(err)
	}
	return record
}

func TestFireMergesParametersHeadersAndPayload(t *testing.T) {
	a := withRules(t)
	record := a.fired(t, scenario{Body: `{"b":3, "c":4}`, Headers: map[string]string{"X-Custom": "seen", "Connection": "keep-alive"}})
	if len(a.accepted) != 2 {
		t.Fatalf("accepted %+v", a.accepted)
	}
	for i, r := range a.accepted {
		const want = `{"__ow_headers":{"connection":"keep-alive","host":"host","x-custom":"seen"},"a":1,"b":3,"c":4}`
		if string(r.Payload) != want || r.Action.Name.Name != []string{"a1", "a2"}[i] || r.Blocking {
			t.Errorf("request %d to %s: %s", i, r.Action.Name, r.Payload)
		}
	}
	text, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"annotations":[]`, `"response":{"result":{"b":3,"c":4},"status":"success","success":true}`, `"name":"t","namespace":"guest"`,
		`"subject":"guest","version":"0.0.1"`, `{\"statusCode\":0,\"success\":true,\"activationId\":\"` + string(a.accepted[0].ID) +
			`\",\"rule\":\"guest/r1\",\"action\":\"guest/a1\"}`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	if strings.Contains(string(text), `"end"`) || strings.Contains(string(text), `"duration"`) || len(record.Logs) != 2 {
		t.Errorf("record is %s", text)
	}
	if record := a.fired(t, scenario{}); string(record.Response.Result) != `{}` {
		t.Errorf("result without payload is %s", record.Response.Result)
	}
}

func TestFireWithoutActiveRuleLeavesNothing(t *testing.T) {
	a := withRules(t)
	a.ok(t, scenario{Method: "PUT", URL: ns + "triggers/alone", Body: "{}"})
	for _, r := range []string{"r1", "r2"} {
		a.ok(t, scenario{Method: "POST", URL: ns + "rules/" + r, Body: `{"status":"inactive"}`})
	}
	for _, name := range []string{"t", "alone"} {
		w := scenario{Method: "POST", URL: ns + "triggers/" + name, Body: `{"a":1}`, Status: 204}.check(t, a)
		if w.Body.Len() != 0 || w.Header().Get("X-Openwhisk-Activation-Id") != "" {
			t.Errorf("answer is %v %q", w.Header(), w.Body)
		}
	}
	scenario{Method: "GET", URL: ns + "activations?count=true", Status: 200, Contains: []string{`{"activations":0}`}}.check(t, a)
}

func TestRulesThatLeadNowhereAreToldInTheRecord(t *testing.T) {
	a := withRules(t)
	a.put(t, "a3", strings.TrimSuffix(hello, "}")+`,"parameters":[{"key":"b","value":9}],"annotations":[{"key":"final","value":true}]}`)
	a.ok(t,
		scenario{Method: "POST", URL: ns + "rules/r1", Body: `{"status":"inactive"}`},
		scenario{Method: "PUT", URL: ns + "rules/r3", Body: `{"trigger":"/_/t","action":"/_/a3"}`},
		scenario{Method: "DELETE", URL: ns + "actions/a2"},
	)
	record := a.fired(t, scenario{Body: `{}`})
	want := []string{
		`{"statusCode":1,"success":false,"error":"Rule 'guest/r1' is inactive, action 'guest/a1' was not activated.","rule":"guest/r1","action":"guest/a1"}`,
		`{"statusCode":1,"success":false,"error":"The requested resource does not exist.","rule":"guest/r2","action":"guest/a2"}`,
		`{"statusCode":1,"success":false,"error":"Request defines parameters that are not allowed (e.g., reserved properties).","rule":"guest/r3","action":"guest/a3"}`,
	}
	if !slices.Equal(record.Logs, want) || len(a.accepted) != 0 {
		t.Errorf("accepted %d, logs\n%s", len(a.accepted), strings.Join(record.Logs, "\n"))
	}
}

func TestFiresAreThrottledOnTheirOwnAndTheirActionsAsInvocations(t *testing.T) {
	a := withRules(t, func(a *api) {
		a.limits = func(s *entitlement.Settings) {
			s.FiresPerMinute, s.InvocationsPerMinute, s.ConcurrentInvocations = 2, 1<<30, 1
		}
	})
	record := a.fired(t, scenario{})
	if !strings.Contains(record.Logs[1], `"statusCode":1,"success":false,"error":"Too many concurrent requests in flight (count: 1, allowed: 1)."`) {
		t.Errorf("logs are %q", record.Logs)
	}
	if record = a.fired(t, scenario{}); !strings.Contains(record.Logs[0], `"success":true`) {
		t.Errorf("the slots were not given back: %q", record.Logs)
	}
	for name, s := range map[string]scenario{
		"third": {}, "bad body": {Body: "?"}, "missing": {URL: ns + "triggers/none"}, "foreign": {URL: "/api/v1/namespaces/other/triggers/t"},
	} {
		if s.URL == "" {
			s.URL = ns + "triggers/t"
		}
		s.Name, s.Method, s.Status, s.Contains = name, "POST", 429, []string{"Too many requests in the last minute (count: ", ", allowed: 2)."}
		s.check(t, a)
	}
}

func TestEventsThatAreNoObjectAreRefused(t *testing.T) {
	a := withRules(t)
	fire := ns + "triggers/t"
	run(t, a, []scenario{
		{Name: "array", Method: "POST", URL: fire, Body: `[1]`, Status: 400, Contains: []string{"JSON object expected"}},
		{Name: "syntax", Method: "POST", URL: fire, Body: `{`, Status: 400, Contains: []string{`The request content was malformed:\n`}},
		{Name: "text", Method: "POST", URL: fire, Body: `x`, Headers: map[string]string{"Content-Type": "text/plain"}, Status: 415},
		{Name: "large", Method: "POST", URL: fire, Body: `{"a":"` + strings.Repeat("x", 1<<20) + `"}`, Status: 413, Contains: []string{"Request larger than allowed: 1048584 > 1048576 bytes."}},
	})
	if len(a.accepted) != 0 {
		t.Error("a refused event was accepted")
	}
}
