package controller_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// exec wraps the member exec of a body.
func exec(e string) string { return `{"exec":` + e + `}` }

func TestPutRefusesWhatOpenWhiskRefusesInItsWords(t *testing.T) {
	const malformed = `{"error":"The request content was malformed:\n`
	a := newAPI(t, func(a *api) {
		a.limits = func(s *entitlement.Settings) { s.AllowedKinds = []string{"nodejs:20", "nodejs:12", "sequence"} }
	})
	for body, want := range map[string]string{
		`{}`:                         `{"error":"exec undefined"`,
		`{"publish":true}`:           `{"error":"exec undefined"`,
		`[]`:                         malformed + `JSON object expected"`,
		`7`:                          malformed + `JSON object expected"`,
		`{"exec":`:                   malformed + `unexpected end of JSON input"`,
		exec(`[]`):                   malformed + `JSON object expected"`,
		exec(`{}`):                   malformed + `'kind' must be a string defined in 'exec'"`,
		exec(`{"kind":1}`):           malformed + `'kind' must be a string defined in 'exec'"`,
		exec(`{"KIND":"nodejs:20"}`): malformed + `'kind' must be a string defined in 'exec'"`,
		exec(`{"kind":" Ruby:9 "}`): malformed + `The specified runtime 'ruby:9' is not supported by this platform. Valid values are: ` +
			`'java:8', 'nodejs:20', 'nodejs:12', 'plain:1', 'sequence', 'blackbox'."`,
		exec(`{"kind":""}`):                                 malformed + `The specified runtime '' is not supported by this platform.`,
		exec(`{"kind":"nodejs:20"}`):                        malformed + `'code' must be a string or attachment object defined in 'exec' for 'nodejs:20' actions"`,
		exec(`{"kind":"plain:1"}`):                          malformed + `'code' must be a string defined in 'exec' for 'plain:1' actions"`,
		exec(`{"kind":"nodejs:20","code":7}`):               malformed + `'code' must be a string or attachment object`,
		exec(`{"kind":"nodejs:20","code":"","main":1}`):     malformed + `if defined, 'main' be a string in 'exec' for 'nodejs:20' actions"`,
		exec(`{"kind":"java:default","jar":"x"}`):           malformed + `'main' must be a string defined in 'exec' for 'java:default' actions"`,
		exec(`{"kind":"sequence"}`):                         malformed + `'components' must be defined for sequence kind"`,
		exec(`{"kind":"sequence","components":"a"}`):        malformed + `'components' must be an array"`,
		exec(`{"kind":"sequence","components":[]}`):         `{"error":"No component specified for the sequence."`,
		exec(`{"kind":"sequence","components":["/_/no"]}`):  `{"error":"Sequence component does not exist."`,
		exec(`{"kind":"sequence","components":["/_/new"]}`): `{"error":"Sequence may not refer to itself."`,
		exec(`{"kind":"sequence","components":["a"]}`): malformed +
			`requirement failed: The fully qualified name of the entity must contain at least the namespace and the name of the entity."`,
		exec(`{"kind":"blackbox"}`):                      malformed + `'image' must be a string defined in 'exec' for 'blackbox' actions"`,
		exec(`{"kind":"blackbox","image":"Not An"}`):     malformed + `could not parse image name"`,
		exec(`{"kind":"nodejs:12","code":""}`):           `{"error":"The 'nodejs:12' runtime is no longer supported. You may read and delete but not update or invoke this action."`,
		with(`"parameters":{"a":1}`):                     malformed + `parameters malformed!"`,
		with(`"annotations":[{"key":"a"}]`):              malformed + `parameters malformed!"`,
		with(`"annotations":[{"value":"a"}]`):            malformed + `parameters malformed!"`,
		with(`"version":"0.0.0"`):                        malformed + `semantic version malformed"`,
		with(`"version":1`):                              malformed + `semantic version malformed"`,
		with(`"limits":7`):                               malformed + `JSON object expected"`,
		with(`"limits":{"timeout":1.5}`):                 malformed + `requirement failed: time limit must be whole number"`,
		with(`"limits":{"memory":"1"}`):                  malformed + `memory limit malformed"`,
		with(`"limits":{"instances":-1}`):                malformed + `requirement failed: Action container concurrency must be greater than or equal to 0."`,
		with(`"limits":{"memory":1024}`):                 `{"error":"requirement failed: memory size 1024 MB exceeds allowed threshold of 512 MB"`,
		with(`"limits":{"memory":64}`):                   `{"error":"requirement failed: memory size 64 MB below allowed threshold of 128 MB"`,
		with(`"limits":{"timeout":300001}`):              `{"error":"requirement failed: duration 300001 milliseconds exceeds allowed threshold of 300000 milliseconds"`,
		with(`"limits":{"timeout":99}`):                  `{"error":"requirement failed: duration 99 milliseconds below allowed threshold of 100 milliseconds"`,
		with(`"limits":{"timeout":9223372036854775807}`): `exceeds allowed threshold of 300000 milliseconds"`,
		with(`"limits":{"logs":11}`):                     `{"error":"requirement failed: log size 11 MB exceeds allowed threshold of 10 MB"`,
		with(`"limits":{"concurrency":501}`):             `{"error":"requirement failed: concurrency 501 exceeds allowed threshold of 500"`,
		with(`"limits":{"concurrency":0}`):               `{"error":"requirement failed: concurrency 0 below allowed threshold of 1"`,
		with(`"limits":{"instances":31}`):                `{"error":"Max action instance concurrency must not exceed your namespace concurrency of 30."`,
		with(`"publish":"yes"`):                          malformed + `Expected JsBoolean, but got \"yes\""`,
		with(`"delAnnotations":"a"`):                     malformed,
	} {
		scenario{Name: body, Method: "PUT", URL: ns + "actions/new", Body: body, Status: 400, Contains: []string{want}}.check(t, a)
	}
	run(t, a, []scenario{
		{Name: "kind not allowed", Method: "PUT", URL: ns + "actions/new", Body: exec(`{"kind":"plain:1","code":""}`), Status: 403, Contains: []string{
			"The supplied authentication is not authorized to access actions of kind 'plain:1'.",
		}},
		{Name: "nothing was stored", Method: "GET", URL: ns + "actions/new", Status: 404, Contains: []string{"The requested resource does not exist."}},
		{Name: "missing package", Method: "PUT", URL: ns + "actions/p/new", Body: hello, Status: 404, Contains: []string{"The requested resource does not exist."}},
		{Name: "bad overwrite", Method: "PUT", URL: ns + "actions/new?overwrite=Maybe", Body: hello, Status: 400, Contains: []string{
			`The query parameter 'overwrite' was malformed:\n'maybe' is not a valid Boolean value`,
		}},
		{Name: "no body", Method: "PUT", URL: ns + "actions/new", Status: 400, Contains: []string{"Request entity expected but not supplied"}},
		{Name: "wrong type", Method: "PUT", URL: ns + "actions/new", Body: hello, Headers: map[string]string{"Content-Type": "text/plain"}, Status: 415, Contains: []string{
			`The request's Content-Type [text/plain] is not supported. Expected:\napplication/json`,
		}},
		{Name: "no type", Method: "PUT", URL: ns + "actions/new", Body: hello, Headers: map[string]string{"Content-Type": ""}, Status: 415, Contains: []string{
			`The request's Content-Type [application/octet-stream] is not supported.`,
		}},
		{Name: "type with charset", Method: "PUT", URL: ns + "actions/cs", Body: hello, Headers: map[string]string{"Content-Type": "application/json; charset=utf-8"}, Status: 200},
	})
}

// with is a legal body with one more member.
func with(member string) string { return strings.TrimSuffix(hello, "}") + "," + member + "}" }

func TestSizesAreCheckedInOrder(t *testing.T) {
	a := newAPI(t)
	mb := strings.Repeat("x", 1<<20)
	large := `[{"key":"k","value":"` + mb + `"}]`
	run(t, a, []scenario{
		{Name: "code", Method: "PUT", URL: ns + "actions/big", Body: exec(`{"kind":"nodejs:20","code":"` + strings.Repeat(mb, 48) + `","main":"m"}`), Status: 413, Contains: []string{
			"exec larger than allowed: 50331649 > 50331648 bytes.",
		}},
		{Name: "parameters", Method: "PUT", URL: ns + "actions/big", Body: with(`"annotations":` + large + `,"parameters":` + large), Status: 413, Contains: []string{
			"parameters larger than allowed: 1048579 > 1048576 bytes.",
		}},
		{Name: "annotations", Method: "PUT", URL: ns + "actions/big", Body: with(`"annotations":` + large), Status: 413, Contains: []string{
			"annotations larger than allowed: 1048579 > 1048576 bytes.",
		}},
		{Name: "request", Method: "PUT", URL: ns + "actions/big", Body: exec(`{"kind":"nodejs:20","code":"` + strings.Repeat(mb, 50) + `"}`), Status: 413, Contains: []string{
			"The request content is larger than the server is willing or able to process.",
		}},
	})
}

func TestActionIsCreatedReadUpdatedAndDeleted(t *testing.T) {
	a := newAPI(t)
	url := ns + "actions/my%20action"
	create := with(`"parameters":[{"key":"p","value":{"a": 1}},{"key":"p","value":[2]}],"annotations":[{"key":"a","value":1},{"key":"exec","value":"x"}],"unknown":1,"exec ":2,"publish":null`)
	const code = `"code":"function main(a){return a}"`
	run(t, a, []scenario{
		{Name: "create", Method: "PUT", URL: url, Body: create, Status: 200, Contains: []string{
			`"namespace":"guest"`, `"name":"my action"`, `"version":"0.0.1"`, `"publish":false`, `"kind":"nodejs:20"`, code, `"binary":false`,
			`"parameters":[{"key":"p","value":[2]}]`, `{"key":"exec","value":"nodejs:20"}`, `{"key":"provide-api-key","value":false}`, `{"key":"a","value":1}`,
			`"limits":{"timeout":60000,"memory":256,"logs":10,"concurrency":1}`, `"updated":`,
		}},
		{Name: "exists", Method: "PUT", URL: url, Body: create, Status: 409, Contains: []string{"resource already exists"}},
		{Name: "read", Method: "GET", URL: url, Status: 200, Contains: []string{code, `"version":"0.0.1"`}},
		{Name: "read without code", Method: "GET", URL: url + "?code=FALSE", Status: 200, Contains: []string{`"binary":false`}, NotContains: []string{`"code"`}},
		{Name: "bad code", Method: "GET", URL: url + "?code=2", Status: 400, Contains: []string{`The query parameter 'code' was malformed:\n'2' is not a valid Boolean value`}},
		{Name: "update annotations", Method: "PUT", URL: url + "?overwrite=true", Body: `{"annotations":[{"key":"b","value":2}],"delAnnotations":["a","provide-api-key"]}`, Status: 200, Contains: []string{
			`"version":"0.0.2"`, code, `{"key":"b","value":2}`, `"parameters":[{"key":"p","value":[2]}]`, `{"key":"exec","value":"nodejs:20"}`,
		}, NotContains: []string{`"key":"a"`, "provide-api-key"}},
		{Name: "update version and limits", Method: "PUT", URL: url + "?overwrite=yes", Body: `{"version":"2","limits":{"memory":512,"instances":3},"parameters":[]}`, Status: 200, Contains: []string{
			`"version":"2.0.0"`, `"limits":{"timeout":60000,"memory":512,"logs":10,"concurrency":1,"instances":3}`, `"parameters":[]`, `{"key":"b","value":2}`,
		}},
		{Name: "binary code", Method: "PUT", URL: url + "?overwrite=1", Body: exec(`{"kind":"JAVA:default","jar":"UEsDBA==","main":"Hello","binary":false}`), Status: 200, Contains: []string{
			`"version":"2.0.1"`, `"exec":{"kind":"java:8","code":"UEsDBA==","binary":true,"main":"Hello"}`, `{"key":"exec","value":"java:8"}`,
		}},
		{Name: "blackbox", Method: "PUT", URL: url + "?overwrite=on", Body: exec(`{"kind":"blackbox","image":"me/it:1","code":" "}`), Status: 200, Contains: []string{
			`"exec":{"kind":"blackbox","binary":false,"image":"me/it:1"}`,
		}},
		{Name: "delete", Method: "DELETE", URL: url, Status: 200, Contains: []string{`"image":"me/it:1"`, `"version":"2.0.2"`}},
		{Name: "gone", Method: "DELETE", URL: url, Status: 404, Contains: []string{"The requested resource does not exist."}},
		{Name: "overwrite creates", Method: "PUT", URL: url + "?overwrite=true", Body: hello, Status: 200, Contains: []string{`"version":"0.0.1"`}},
		{Name: "delete shows the code", Method: "DELETE", URL: url, Status: 200, Contains: []string{code}},
	})
}

func TestReaderOfAnActionSeesWhereItRunsAndNobodyStoresIt(t *testing.T) {
	where := "bridge"
	a := newAPI(t, func(a *api) {
		a.placed = func(*entity.Action) entity.Parameters {
			return entity.Parameters{{Key: "placement", Value: json.RawMessage(`"` + where + `"`)}}
		}
	})
	a.put(t, "hello", with(`"annotations":[{"key":"a","value":1},{"key":"placement","value":"moon"}]`))
	url := ns + "actions/hello"
	run(t, a, []scenario{{Name: "zero", Method: "GET", URL: url, Status: 200, Contains: []string{`{"key":"a","value":1}`, `{"key":"placement","value":"bridge"}`}, NotContains: []string{"moon"}}})
	where = "dedicated"
	run(t, a, []scenario{
		{Name: "awake", Method: "GET", URL: url, Status: 200, Contains: []string{`{"key":"placement","value":"dedicated"}`}, NotContains: []string{"bridge"}},
		{Name: "stored", Method: "PUT", URL: url + "?overwrite=true", Body: `{}`, Status: 200, Contains: []string{"moon"}, NotContains: []string{"dedicated"}},
	})
}

func TestSequenceHasTheSystemsParameter(t *testing.T) {
	a := newAPI(t)
	a.put(t, "a", hello)
	a.put(t, "s", exec(`{"kind":"sequence","components":["/_/a","/guest/a"]}`))
	many := strings.Repeat(`"/_/s",`, 25) + `"/_/a"`
	run(t, a, []scenario{
		{Name: "stored", Method: "GET", URL: ns + "actions/s", Status: 200, Contains: []string{
			`"exec":{"kind":"sequence","components":["/guest/a","/guest/a"]}`, `"parameters":[{"key":"_actions","value":["/guest/a","/guest/a"]}]`,
		}},
		{Name: "too many", Method: "PUT", URL: ns + "actions/long", Body: exec(`{"kind":"sequence","components":[` + many + `]}`), Status: 400, Contains: []string{"Too many actions in the sequence."}},
		{Name: "indirect recursion", Method: "PUT", URL: ns + "actions/a?overwrite=true", Body: exec(`{"kind":"sequence","components":["/_/s"]}`), Status: 400, Contains: []string{"Sequence may not refer to itself."}},
		{Name: "foreign component", Method: "PUT", URL: ns + "actions/f", Body: exec(`{"kind":"sequence","components":["/other/a"]}`), Status: 403, Contains: []string{"'other/a'"}},
		{Name: "component in a missing package", Method: "PUT", URL: ns + "actions/f", Body: exec(`{"kind":"sequence","components":["/_/p/a"]}`), Status: 404},
		{Name: "kept annotations", Method: "PUT", URL: ns + "actions/s?overwrite=true", Body: `{"exec":{"kind":"sequence","components":["/_/a"]},"delAnnotations":["provide-api-key"]}`, Status: 200, Contains: []string{"provide-api-key"}},
		{Name: "back to an action", Method: "PUT", URL: ns + "actions/s?overwrite=true", Body: hello, Status: 200, Contains: []string{`"parameters":[]`}},
	})
}

func TestListsShowTheNewestFirst(t *testing.T) {
	a := newAPI(t)
	for i := range 5 {
		a.put(t, fmt.Sprintf("a%d", i), hello)
	}
	var list []map[string]any
	w := scenario{Method: "GET", URL: ns + "actions?limit=2&skip=1", Status: 200, NotContains: []string{"code", "parameters"}}.check(t, a)
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || len(list) != 2 {
		t.Fatalf("%v: %s", err, w.Body)
	}
	for _, member := range []string{"namespace", "name", "version", "publish", "annotations", "limits", "exec", "updated"} {
		if _, ok := list[0][member]; !ok || len(list[0]) != 8 {
			t.Errorf("member %s: %v", member, list[0])
		}
	}
	run(t, a, []scenario{
		{Name: "count", Method: "GET", URL: ns + "actions?count=true&skip=2&limit=1", Status: 200, Contains: []string{`{"actions":3}`}},
		{Name: "all", Method: "GET", URL: ns + "actions?limit=0", Status: 200, Contains: []string{`"a0"`, `"a4"`}},
		{Name: "missing package", Method: "GET", URL: ns + "actions/p/", Status: 404},
	})
}

func TestNameOfAnotherCollectionIsAConflict(t *testing.T) {
	a := newAPI(t)
	if err := a.putDocument(t, entity.Triggers, "t"); err != nil {
		t.Fatal(err)
	}
	const text = "Resource by this name exists but is not in this collection."
	for _, method := range []string{"GET", "DELETE", "POST"} {
		scenario{Method: method, URL: ns + "actions/t", Status: 409, Contains: []string{text}}.check(t, a)
	}
	scenario{Method: "PUT", URL: ns + "actions/t", Body: hello, Status: 409, Contains: []string{text}}.check(t, a)
	scenario{Method: "GET", URL: ns + "triggers?count=true", Status: 200, Contains: []string{`{"triggers":1}`}}.check(t, a)
}

func TestCorruptedRecordSaysSo(t *testing.T) {
	a := newAPI(t)
	if err := a.putDocument(t, entity.Actions, "broken"); err != nil {
		t.Fatal(err)
	}
	w := scenario{Method: "GET", URL: ns + "actions/broken", Status: 500, Contains: []string{"Resource is corrupted and cannot be read."}}.check(t, a)
	if w.Header().Get("X-Gowhisk-Error") != "GW5204" {
		t.Errorf("headers %v", w.Header())
	}
}

// What explains GW5204 says that the record can be deleted and made again.
func TestCorruptedRecordsAreListedOverwrittenAndDeleted(t *testing.T) {
	a := newAPI(t)
	for _, name := range []string{"overwritten", "deleted", "kept"} {
		if err := a.putDocument(t, entity.Actions, name); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.putDocument(t, entity.Rules, "rule"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"pkg", "full"} {
		if err := a.putDocument(t, entity.Packages, name); err != nil {
			t.Fatal(err)
		}
	}
	const corrupted = "Resource is corrupted and cannot be read."
	run(t, a, []scenario{
		{Name: "list", Method: "GET", URL: ns + "actions", Status: 200, Contains: []string{`"name":"overwritten"`, `"name":"deleted"`, `"name":"kept"`}},
		{Name: "create", Method: "PUT", URL: ns + "actions/overwritten", Body: hello, Status: 500, Contains: []string{corrupted}},
		{Name: "update without code", Method: "PUT", URL: ns + "actions/overwritten?overwrite=true", Body: "{}", Status: 400, Contains: []string{"exec undefined"}},
		{Name: "overwrite", Method: "PUT", URL: ns + "actions/overwritten?overwrite=true", Body: hello, Status: 200, Contains: []string{`"version":"0.0.1"`}},
		{Name: "get", Method: "GET", URL: ns + "actions/overwritten", Status: 200, Contains: []string{"function main"}},
		{Name: "delete as a trigger", Method: "DELETE", URL: ns + "triggers/deleted", Status: 409, Contains: []string{mistaken}},
		{Name: "delete", Method: "DELETE", URL: ns + "actions/deleted", Status: 200, Contains: []string{`"namespace":"guest","name":"deleted"`}},
		{Name: "deleted", Method: "GET", URL: ns + "actions/deleted", Status: 404},
		{Name: "count", Method: "GET", URL: ns + "actions?count=true", Status: 200, Contains: []string{`{"actions":2}`}},
		{Name: "packages", Method: "GET", URL: ns + "packages", Status: 200, Contains: []string{`"name":"pkg"`}},
		{Name: "package", Method: "GET", URL: ns + "packages/pkg", Status: 500, Contains: []string{corrupted}},
		{Name: "overwrite a package", Method: "PUT", URL: ns + "packages/pkg?overwrite=true", Body: "{}", Status: 200},
		{Name: "put into it", Method: "PUT", URL: ns + "actions/pkg/a", Body: hello, Status: 200},
		{Name: "trigger", Method: "PUT", URL: ns + "triggers/t", Body: "{}", Status: 200},
		{Name: "overwrite a rule", Method: "PUT", URL: ns + "rules/rule?overwrite=true", Body: `{"trigger":"/_/t","action":"/_/overwritten"}`, Status: 200, Contains: []string{`"status":"active"`}},
		{Name: "delete a package", Method: "DELETE", URL: ns + "packages/full", Status: 200, Contains: []string{`"name":"full"`}},
	})
	pkg := entity.Name{Namespace: "guest", Package: "pkg", Name: "broken"}
	if _, err := a.db.Entities().Put(t.Context(), store.Document{Name: pkg, Collection: entity.Actions, Body: []byte("?")}, nil); err != nil {
		t.Fatal(err)
	}
	run(t, a, []scenario{
		{Name: "not empty", Method: "DELETE", URL: ns + "packages/pkg", Status: 409, Contains: []string{"contains 2 entities"}},
		{Name: "force", Method: "DELETE", URL: ns + "packages/pkg?force=true", Status: 200},
		{Name: "count", Method: "GET", URL: ns + "actions?count=true", Status: 200, Contains: []string{`{"actions":2}`}},
	})
}

func TestOfConcurrentUpdatesEachWinsOrConflicts(t *testing.T) {
	a := newAPI(t)
	a.put(t, "a", hello)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			w := scenario{Method: "PUT", URL: ns + "actions/a?overwrite=true", Body: `{"publish":true}`}.send(a)
			if w.Code != 200 && (w.Code != 409 || !strings.Contains(w.Body.String(), "Concurrent modification to resource detected.")) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
	wg.Wait()
}

func TestNestingIsBoundedWithoutHarm(t *testing.T) {
	a := newAPI(t)
	nested := func(n int) string {
		return with(`"parameters":[{"key":"deep","value":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}]`)
	}
	run(t, a, []scenario{
		{Name: "100 levels", Method: "PUT", URL: ns + "actions/deep", Body: nested(100), Status: 200},
		{Name: "100,000 levels", Method: "PUT", URL: ns + "actions/deeper", Body: nested(100_000), Status: 400, Contains: []string{"exceeded max depth"}},
		{Name: "payload", Method: "POST", URL: ns + "actions/deep?blocking=true&result=true", Body: `{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, Status: 200},
		{Name: "deep payload", Method: "POST", URL: ns + "actions/deep", Body: `{"a":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`, Status: 400, Contains: []string{"exceeded max depth"}},
	})
}

func FuzzPutAction(f *testing.F) {
	for _, body := range []string{
		hello, with(`"limits":{"timeout":1e3}`), with(`"parameters":[{"key":"\u00e9\"","value":null}]`), exec(`{"kind":"sequence","components":["/_/a"]}`),
		exec(`{"kind":"blackbox","image":"a/b:c"}`), ` { "exec" : { "kind" : "nodejs:20" , "code" : "\\" } , "exec":null } `, `{"a":{"b":[1,"}"]}}`,
	} {
		f.Add(body)
	}
	a := newAPI(f)
	f.Fuzz(func(t *testing.T, body string) {
		w := scenario{Method: "PUT", URL: ns + "actions/fuzzed?overwrite=true", Body: body, Headers: map[string]string{"Content-Type": "application/json"}}.send(a)
		if w.Code != 200 && w.Code != 400 && w.Code != 404 && w.Code != 403 {
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
		if !json.Valid(w.Body.Bytes()) {
			t.Errorf("answer is no JSON: %s", w.Body)
		}
		if w.Code == 200 && !json.Valid([]byte(body)) {
			t.Errorf("accepted what is no JSON: %q", body)
		}
	})
}
