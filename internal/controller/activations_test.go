package controller_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// withRecords is an API that holds five records, a minute apart.
func withRecords(t testing.TB) *api {
	a := newAPI(t)
	for i := range 5 {
		r := record(entity.Status(i%4), fmt.Sprintf(`{"n":%d}`, i))
		r.ID = entity.ActivationID(fmt.Sprintf("%032d", i))
		r.Start = time.UnixMilli(1_000_000 + int64(i)*60_000)
		r.End = r.Start.Add(time.Second)
		if i == 3 {
			r.Local, r.Name = "pkg/other", "other"
		}
		if i == 4 {
			r.End, r.Duration = time.Time{}, 0 // a trigger
		}
		a.store(t, r)
	}
	return a
}

func TestActivationsAreListedNewestFirst(t *testing.T) {
	a := withRecords(t)
	var list []map[string]any
	w := scenario{Method: "GET", URL: ns + "activations?limit=2", Status: 200, NotContains: []string{"response", "logs", "subject"}}.check(t, a)
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || len(list) != 2 {
		t.Fatalf("%v: %s", err, w.Body)
	}
	if _, ok := list[0]["statusCode"]; ok || list[0]["start"] != 1_240_000.0 {
		t.Errorf("a trigger has no status: %v", list[0])
	}
	if list[1]["statusCode"] != 3.0 || list[1]["duration"] != 1000.0 || list[1]["activationId"] != fmt.Sprintf("%032d", 3) {
		t.Errorf("got %v", list[1])
	}
	list = nil
	w = scenario{Method: "GET", URL: ns + "activations?docs=true", Status: 200}.check(t, a)
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || len(list) != 5 {
		t.Fatalf("%v: %s", err, w.Body)
	}
	if fmt.Sprint(list[1]["logs"]) != "[printed]" || list[1]["subject"] != "guest" || list[1]["statusCode"] != nil {
		t.Errorf("got %v", list[1])
	}
}

func TestActivationsAreFiltered(t *testing.T) {
	const epoch = "was malformed:\\nParameter is not a valid value for epoch seconds: "
	run(t, withRecords(t), []scenario{
		{Name: "name", Method: "GET", URL: ns + "activations?name=hello&count=true", Status: 200, Contains: []string{`{"activations":4}`}},
		{Name: "packaged name", Method: "GET", URL: ns + "activations?name=pkg%2Fother", Status: 200, Contains: []string{`"name":"other"`}, NotContains: []string{`"name":"hello"`}},
		{Name: "simple name of a packaged action", Method: "GET", URL: ns + "activations?name=other", Status: 200, Contains: []string{"[]"}},
		{Name: "blank name", Method: "GET", URL: ns + "activations?name=%20&count=true", Status: 200, Contains: []string{`{"activations":5}`}},
		{Name: "long path", Method: "GET", URL: ns + "activations?name=a/b/c", Status: 400, Contains: []string{
			`The query parameter 'name' was malformed:\nParameter may be a 'simple' name or 'package-name/simple' name: a/b/c`,
		}},
		{Name: "since", Method: "GET", URL: ns + "activations?since=1120000&count=true", Status: 200, Contains: []string{`{"activations":3}`}},
		{Name: "upto", Method: "GET", URL: ns + "activations?upto=1120000&count=true&skip=1", Status: 200, Contains: []string{`{"activations":2}`}},
		{Name: "both", Method: "GET", URL: ns + "activations?since=1060000&upto=1060000", Status: 200, Contains: []string{`"start":1060000`}, NotContains: []string{"1120000"}},
		{Name: "bad since", Method: "GET", URL: ns + "activations?since=now", Status: 400, Contains: []string{`The query parameter 'since' ` + epoch + "now"}},
		{Name: "bad upto", Method: "GET", URL: ns + "activations?upto=-1", Status: 400, Contains: []string{epoch + "-1"}},
		{Name: "docs with count", Method: "GET", URL: ns + "activations?docs=true&count=true", Status: 400, Contains: []string{`{"error":"The parameter 'docs' is not permitted with 'count'."`}},
	})
}

func TestOneActivationIsReadInParts(t *testing.T) {
	id := fmt.Sprintf("%032d", 1)
	run(t, withRecords(t), []scenario{
		{Name: "record", Method: "GET", URL: ns + "activations/" + id, Status: 200, Contains: []string{
			`"activationId":"` + id + `"`, `"subject":"guest"`, `"logs":["printed"]`, `"duration":11`, `"response":{"result":{"n":1},"size":7,"status":"application error","success":false}`,
		}},
		{Name: "with slash", Method: "GET", URL: ns + "activations/" + id + "/", Status: 200},
		{Name: "result", Method: "GET", URL: ns + "activations/" + id + "/result", Status: 200, Contains: []string{`{"result":{"n":1},"size":7,"status":"application error","success":false}`}},
		{Name: "logs", Method: "GET", URL: ns + "activations/" + id + "/logs", Status: 200, Contains: []string{`{"logs":["printed"]}`}},
		{Name: "unknown", Method: "GET", URL: ns + "activations/" + strings.Repeat("a", 32), Status: 404, Contains: []string{"The requested resource does not exist."}},
		{Name: "somebody else's", Method: "GET", URL: ns + "activations/" + id, Headers: map[string]string{"Authorization": basic(otherKey)}, Status: 404},
		{Name: "in somebody else's", Method: "GET", URL: "/api/v1/namespaces/guest/activations/" + id, Headers: map[string]string{"Authorization": basic(otherKey)}, Status: 403},
		{Name: "short", Method: "GET", URL: ns + "activations/abc", Status: 400, Contains: []string{"Activation id length is 3 but must be 32."}},
		{Name: "upper case", Method: "GET", URL: ns + "activations/" + strings.Repeat("A", 32) + "/logs", Status: 400, Contains: []string{"The activation id is not valid."}},
	})
}

func FuzzListQuery(f *testing.F) {
	for _, q := range []string{"limit=1&skip=2", "count=true&docs=no", "since=1&upto=2&name=a/b", "name=%zz&&=&limit", "limit=%31"} {
		f.Add(q)
	}
	a := withRecords(f)
	f.Fuzz(func(t *testing.T, query string) {
		r := scenario{Method: "GET", URL: ns + "activations"}.request()
		r.URL.RawQuery = query
		w := serve(a, r)
		if w.Code != 200 && w.Code != 400 {
			t.Errorf("%q: status %d: %s", query, w.Code, w.Body)
		}
		if !json.Valid(w.Body.Bytes()) {
			t.Errorf("%q: answer is no JSON: %s", query, w.Body)
		}
	})
}

func TestRecordOfADeepResultIsRead(t *testing.T) {
	const depth = 10_000 // as deep as a result is accepted
	deep := strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth)
	a := newAPI(t)
	a.store(t, record(entity.Success, deep))
	for _, url := range []string{"activations/" + someID, "activations/" + someID + "/result", "activations?docs=true"} {
		scenario{Method: "GET", URL: ns + url, Status: 200, Contains: []string{deep, `"status":"success"`}}.check(t, a)
	}
}
