package controller_test

import (
	"testing"
)

func TestRuleIsKeptAndShownAsItWasPut(t *testing.T) {
	a := withRules(t)
	run(t, a, []scenario{
		{Name: "get", Method: "GET", URL: ns + "rules/r1", Status: 200, Contains: []string{
			`{"namespace":"guest","name":"r1","version":"0.0.1","publish":false,"annotations":[],"trigger":{"name":"t","path":"guest"},` +
				`"action":{"name":"a1","path":"guest"},"status":"active","updated":1`,
		}},
		{Name: "trigger shows it", Method: "GET", URL: ns + "triggers/t", Status: 200, Contains: []string{
			`"rules":{"guest/r1":{"action":{"name":"a1","path":"guest"},"status":"active"},"guest/r2":`,
		}},
		{Name: "list", Method: "GET", URL: ns + "rules", Status: 200, Contains: []string{`"name":"r1"`, `"trigger":{"name":"t","path":"guest"}`}, NotContains: []string{"status"}},
		{Name: "count", Method: "GET", URL: ns + "rules/?count=true&skip=1", Status: 200, Contains: []string{`{"rules":1}`}},
		{Name: "create again", Method: "PUT", URL: ns + "rules/r1", Body: `{"trigger":"/_/t","action":"/_/a1"}`, Status: 409, Contains: []string{"resource already exists"}},
		{Name: "update of the action", Method: "PUT", URL: ns + "rules/r1?overwrite=true", Body: `{"action":"/_/a2","status":"inactive"}`, Status: 200, Contains: []string{
			`"version":"0.0.2"`, `"action":{"name":"a2","path":"guest"},"status":"active"`,
		}},
		{Name: "update of nothing", Method: "PUT", URL: ns + "rules/r1?overwrite=true", Body: `{}`, Status: 200, Contains: []string{`"version":"0.0.3"`}},
		{Name: "delete", Method: "DELETE", URL: ns + "rules/r1", Status: 200, Contains: []string{`"name":"r1","version":"0.0.3"`, `"status":"inactive"`}},
		{Name: "gone", Method: "GET", URL: ns + "rules/r1", Status: 404},
		{Name: "trigger forgot it", Method: "GET", URL: ns + "triggers/t", Status: 200, Contains: []string{`"rules":{"guest/r2"`}, NotContains: []string{"r1"}},
	})
}

func TestBodiesThatMakeNoRuleAreRefused(t *testing.T) {
	a := withRules(t)
	const unqualified = `The request content was malformed:\nrequirement failed: The fully qualified name of the entity must contain at least the namespace and the name of the entity.`
	rows := []scenario{
		{Name: "none", Status: 400, Contains: []string{"Request entity expected but not supplied"}},
		{Name: "neither", Body: `{}`, Status: 400, Contains: []string{"rule requires a valid trigger and a valid action"}},
		{Name: "no action", Body: `{"trigger":"/_/t"}`, Status: 400, Contains: []string{"rule requires a valid trigger and a valid action"}},
		{Name: "no trigger", Body: `{"action":"/_/a1"}`, Status: 400, Contains: []string{"rule requires a valid trigger and a valid action"}},
		{Name: "unqualified trigger", Body: `{"trigger":"t","action":"/_/a1"}`, Status: 400, Contains: []string{unqualified}},
		{Name: "unqualified action", Body: `{"trigger":"/_/t","action":"a1"}`, Status: 400, Contains: []string{unqualified}},
		{Name: "trigger of another type", Body: `{"trigger":7,"action":"/_/a1"}`, Status: 400, Contains: []string{`The request content was malformed:\n`}},
		{Name: "missing trigger", Body: `{"trigger":"/_/none","action":"/_/none"}`, Status: 400, Contains: []string{`"trigger /guest/none does not exist"`}},
		{Name: "missing action", Body: `{"trigger":"/_/t","action":"/_/none"}`, Status: 400, Contains: []string{`"action /guest/none does not exist"`}},
		{Name: "missing package", Body: `{"trigger":"/_/t","action":"/_/p/none"}`, Status: 400, Contains: []string{`"action /guest/p/none does not exist"`}},
		{Name: "action as trigger", Body: `{"trigger":"/_/a1","action":"/_/a1"}`, Status: 409, Contains: []string{"is not in this collection"}},
		{Name: "foreign trigger", Body: `{"trigger":"/other/t","action":"/_/a1"}`, Status: 403, Contains: []string{"'other/t'"}},
		{Name: "foreign action", Body: `{"trigger":"/_/t","action":"/other/a"}`, Status: 403, Contains: []string{"'other/a'"}},
		{Name: "foreign action of a package", Body: `{"trigger":"/_/t","action":"/other/p/a"}`, Status: 403, Contains: []string{"'other/p'"}},
	}
	for i := range rows {
		rows[i].Method, rows[i].URL = "PUT", ns+"rules/new"
	}
	run(t, a, rows)
	scenario{Method: "GET", URL: ns + "rules?count=true", Status: 200, Contains: []string{`{"rules":2}`}}.check(t, a)
}

func TestRuleIsSwitchedOnAndOff(t *testing.T) {
	a := withRules(t)
	set, get := ns+"rules/r1", scenario{Method: "GET", URL: ns + "rules/r1", Status: 200}
	for _, row := range []struct{ state, contains string }{
		{"inactive", `"status":"inactive"`}, {"inactive", `"status":"inactive"`}, {"active", `"status":"active"`}, {"active", `"status":"active"`},
	} {
		w := scenario{Method: "POST", URL: set, Body: `{"status":"` + row.state + `"}`, Status: 200}.check(t, a)
		if w.Body.String() != "OK" || w.Header().Get("Content-Type") != "text/plain; charset=UTF-8" {
			t.Errorf("answer is %v %q", w.Header(), w.Body)
		}
		get.Contains = []string{row.contains}
		get.check(t, a)
	}
	run(t, a, []scenario{
		{Name: "other state", Method: "POST", URL: set, Body: `{"status":"on"}`, Status: 400, Contains: []string{`The request content was malformed:\nrequirement failed: on is not a recognized rule state`}},
		{Name: "no state", Method: "POST", URL: set, Body: `{}`, Status: 400, Contains: []string{`The request content was malformed:\nkey not found: status`}},
		{Name: "number", Method: "POST", URL: set, Body: `{"status":1}`, Status: 400, Contains: []string{`The request content was malformed:\n`}},
		{Name: "no body", Method: "POST", URL: set, Status: 400, Contains: []string{"Request entity expected but not supplied"}},
	})
}

func TestRulesSurviveTheirTriggerWithoutEffect(t *testing.T) {
	a := withRules(t)
	on, off := `{"status":"active"}`, `{"status":"inactive"}`
	run(t, a, []scenario{
		{Name: "delete the trigger", Method: "DELETE", URL: ns + "triggers/t", Status: 200, Contains: []string{`"rules":{"guest/r1"`}},
		{Name: "rule is inactive", Method: "GET", URL: ns + "rules/r1", Status: 200, Contains: []string{`"status":"inactive"`}},
		{Name: "it cannot be activated", Method: "POST", URL: ns + "rules/r1", Body: on, Status: 404, Contains: []string{"Only rules with existing triggers can be activated"}},
		{Name: "it can stay inactive", Method: "POST", URL: ns + "rules/r1", Body: off, Status: 200, Contains: []string{"OK"}},
		{Name: "update needs the trigger", Method: "PUT", URL: ns + "rules/r1?overwrite=true", Body: `{}`, Status: 400, Contains: []string{"trigger /guest/t does not exist"}},
		{Name: "create the trigger anew", Method: "PUT", URL: ns + "triggers/t", Body: `{}`, Status: 200, NotContains: []string{"rules"}},
		{Name: "fire", Method: "POST", URL: ns + "triggers/t", Status: 204},
		{Name: "activate", Method: "POST", URL: ns + "rules/r1", Body: on, Status: 200},
		{Name: "update links inactively", Method: "PUT", URL: ns + "rules/r2?overwrite=true", Body: `{}`, Status: 200, Contains: []string{`"status":"inactive"`}},
		{Name: "fire again", Method: "POST", URL: ns + "triggers/t", Status: 202, Contains: []string{`{"activationId":"`}},
		{Name: "delete the rule", Method: "DELETE", URL: ns + "rules/r1", Status: 200},
		{Name: "and the other", Method: "DELETE", URL: ns + "rules/r2", Status: 200},
		{Name: "links are gone", Method: "GET", URL: ns + "triggers/t", Status: 200, Contains: []string{`"rules":{}`}},
	})
}

// FuzzPutRule puts anything as rule, trigger and state: it is taken and can be
// read again, or refused.
func FuzzPutRule(f *testing.F) {
	for _, body := range []string{
		`{}`, `{"trigger":"/_/t","action":"/_/a1"}`, `{"trigger":"/_/t","action":"/_/a2","status":"x","version":"7"}`, `{"action":"a//b"}`,
		`{"trigger":null,"action":[]}`, `{"status":"active"}`, `{"status":"inactive","annotations":[{"key":"feed","value":"/a/b"}]}`,
	} {
		f.Add(body)
	}
	a := withRules(f)
	f.Fuzz(func(t *testing.T, body string) {
		for _, s := range []scenario{
			{Method: "PUT", URL: ns + "rules/r1?overwrite=true"}, {Method: "PUT", URL: ns + "triggers/u?overwrite=true"}, {Method: "POST", URL: ns + "rules/r1"},
		} {
			s.Body, s.Headers = body, map[string]string{"Content-Type": "application/json"}
			if w := s.send(a); w.Code != 200 && (w.Code < 400 || w.Code > 409) {
				t.Errorf("%s %s: status %d: %s", s.Method, s.URL, w.Code, w.Body)
			}
		}
		for _, path := range []string{"rules/r1", "triggers/t", "rules", "triggers"} {
			scenario{Method: "GET", URL: ns + path, Status: 200}.check(t, a)
		}
	})
}
