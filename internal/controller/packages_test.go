package controller_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/gowhisk/gowhisk/internal/entity"
)

const (
	others   = "/api/v1/namespaces/other/"
	gone     = `"The requested resource does not exist."`
	mistaken = `"Resource by this name exists but is not in this collection."`
)

func as(key string) map[string]string { return map[string]string{"Authorization": basic(key)} }

// send makes a request that must succeed.
func (a *api) send(t testing.TB, key, method, url, body string) string {
	t.Helper()
	s := scenario{Method: method, URL: url, Body: body, Headers: as(key)}
	w := s.send(a)
	if w.Code != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, url, w.Code, w.Body)
	}
	return w.Body.String()
}

func forbid(name string) []string {
	return []string{"The supplied authentication is not authorized to access '" + name + "'."}
}

func TestPackageIsCreatedReadUpdatedAndDeleted(t *testing.T) {
	a := newAPI(t)
	const p = ns + "packages/p"
	run(t, a, []scenario{
		{Name: "missing", Method: "GET", URL: p, Status: 404, Contains: []string{"The requested resource 'guest/p' does not exist."}},
		{Name: "delete missing", Method: "DELETE", URL: p, Status: 404, Contains: []string{gone}},
		{
			Name: "create", Method: "PUT", URL: p, Body: `{"parameters":[{"key":"a","value":1}],"annotations":[{"key":"d","value":"x"}]}`, Status: 200,
			Contains: []string{`"name":"p","version":"0.0.1","publish":false,"annotations":[{"key":"d","value":"x"}],"parameters":[{"key":"a","value":1}],"binding":{}`},
		},
		{Name: "again", Method: "PUT", URL: p, Body: `{}`, Status: 409, Contains: []string{"resource already exists"}},
		{Name: "no body", Method: "PUT", URL: p, Status: 400, Contains: []string{"Request entity expected but not supplied"}},
		{Name: "get", Method: "GET", URL: p, Status: 200, Contains: []string{`"actions":[],"feeds":[]`, `"parameters":[{"key":"a","value":1}]`}},
		{
			Name: "lists are replaced as a whole", Method: "PUT", URL: p + "?overwrite=true", Body: `{"annotations":[{"key":"e","value":2}],"publish":true}`, Status: 200,
			Contains: []string{`"version":"0.0.2","publish":true,"annotations":[{"key":"e","value":2}],"parameters":[{"key":"a","value":1}]`},
		},
		{Name: "version", Method: "PUT", URL: p + "?overwrite=true", Body: `{"version":"3"}`, Status: 200, Contains: []string{`"version":"3.0.0"`}},
		{Name: "list", Method: "GET", URL: ns + "packages", Status: 200, Contains: []string{`"binding":false`}, NotContains: []string{`"parameters"`}},
		{Name: "count", Method: "GET", URL: ns + "packages?count=true", Status: 200, Contains: []string{`{"packages":1}`}},
		{Name: "as an action", Method: "GET", URL: ns + "actions/p", Status: 409, Contains: []string{mistaken}},
		{Name: "as a new action", Method: "PUT", URL: ns + "actions/p?overwrite=true", Body: hello, Status: 409, Contains: []string{mistaken}},
		{Name: "activate", Method: "POST", URL: p, Body: "{}", Status: 405, Contains: []string{"supported methods: DELETE, GET, HEAD, PUT"}},
		{Name: "delete", Method: "DELETE", URL: p, Status: 200, Contains: []string{`"name":"p"`}},
		{Name: "deleted", Method: "GET", URL: p, Status: 404},
	})
}

func TestBadPackagesAreRefusedInOpenWhisksWords(t *testing.T) {
	a := newAPI(t)
	a.put(t, "hello", hello)
	run(t, a, []scenario{
		{Name: "reserved", Method: "PUT", URL: ns + "packages/default", Body: "no JSON", Status: 400, Contains: []string{"Package name 'default' is reserved."}},
		{Name: "illegal name", Method: "PUT", URL: ns + "packages/$", Body: "{}", Status: 400, Contains: []string{"The name of the entity contains illegal characters."}},
		{Name: "parameters", Method: "PUT", URL: ns + "packages/p", Body: `{"parameters":{}}`, Status: 400, Contains: []string{"parameters malformed!"}},
		{Name: "version", Method: "PUT", URL: ns + "packages/p", Body: `{"version":"0.0.0"}`, Status: 400, Contains: []string{"semantic version malformed"}},
		{Name: "binding", Method: "PUT", URL: ns + "packages/p", Body: `{"binding":7}`, Status: 400, Contains: []string{"JSON object expected"}},
		{Name: "half a binding", Method: "PUT", URL: ns + "packages/p", Body: `{"binding":{"name":"x"}}`, Status: 400, Contains: []string{"'namespace'"}},
		{Name: "name of an action", Method: "PUT", URL: ns + "packages/hello?overwrite=true", Body: "{}", Status: 409, Contains: []string{mistaken}},
		{Name: "get by name of an action", Method: "GET", URL: ns + "packages/hello", Status: 409, Contains: []string{mistaken}},
		{Name: "delete by name of an action", Method: "DELETE", URL: ns + "packages/hello", Status: 409, Contains: []string{mistaken}},
		{Name: "foreign", Method: "GET", URL: others + "packages/p", Status: 403, Contains: forbid("other/p")},
		{Name: "foreign create", Method: "PUT", URL: others + "packages/p", Body: "{}", Status: 403, Contains: forbid("other/p")},
		{Name: "overwrite", Method: "PUT", URL: ns + "packages/p?overwrite=maybe", Body: "{}", Status: 400, Contains: []string{"'maybe' is not a valid Boolean value"}},
	})
}

func TestActionsLiveInPackages(t *testing.T) {
	a := newAPI(t)
	run(t, a, []scenario{
		{Name: "no package", Method: "PUT", URL: ns + "actions/p/x", Body: hello, Status: 404, Contains: []string{gone}},
	})
	a.send(t, guestKey, "PUT", ns+"packages/p", `{"parameters":[{"key":"a","value":1},{"key":"b","value":1}]}`)
	a.put(t, "p/x", `{"exec":{"kind":"nodejs:20","code":"c"},"parameters":[{"key":"b","value":2}]}`)
	a.put(t, "p/f", `{"exec":{"kind":"nodejs:20","code":"c"},"annotations":[{"key":"feed","value":false}]}`)
	run(t, a, []scenario{
		{Name: "get", Method: "GET", URL: ns + "actions/p/x", Status: 200, Contains: []string{`"namespace":"guest/p"`, `"parameters":[{"key":"a","value":1},{"key":"b","value":2}]`}},
		{Name: "list", Method: "GET", URL: ns + "actions/p/", Status: 200, Contains: []string{`"name":"x"`, `"name":"f"`}},
		{Name: "list without slash", Method: "GET", URL: ns + "actions/p", Status: 409, Contains: []string{mistaken}},
		{Name: "list of nothing", Method: "GET", URL: ns + "actions/q/", Status: 404, Contains: []string{gone}},
		{Name: "invoke", Method: "POST", URL: ns + "actions/p/x?blocking=true&result=true", Body: `{"c":3}`, Status: 200},
		{Name: "package", Method: "GET", URL: ns + "packages/p", Status: 200, Contains: []string{`"actions":[{"name":"x","version":"0.0.1"`, `"feeds":[{"name":"f"`}},
		{Name: "delete", Method: "DELETE", URL: ns + "packages/p", Status: 409, Contains: []string{"Package not empty (contains 2 entities). Set force param or delete package contents."}},
		{Name: "delete one", Method: "DELETE", URL: ns + "actions/p/f", Status: 200},
		{Name: "delete", Method: "DELETE", URL: ns + "packages/p", Status: 409, Contains: []string{"(contains 1 entity)"}},
		{Name: "force", Method: "DELETE", URL: ns + "packages/p?force=true", Status: 200},
		{Name: "the action is gone", Method: "GET", URL: ns + "actions?count=true", Status: 200, Contains: []string{`{"actions":0}`}},
	})
}

func TestBindingsShowAndServeWhatTheyAreBoundTo(t *testing.T) {
	a := newAPI(t)
	a.send(t, otherKey, "PUT", ns+"packages/tools", `{"publish":true,"parameters":[{"key":"a","value":"p"},{"key":"b","value":"p"},{"key":"c","value":"p"}]}`)
	a.send(t, otherKey, "PUT", ns+"actions/tools/run", `{"exec":{"kind":"nodejs:20","code":"c"},"parameters":[{"key":"c","value":"a"}]}`)
	const b = ns + "packages/b"
	run(t, a, []scenario{
		{
			Name: "bind", Method: "PUT", URL: b, Body: `{"binding":{"namespace":"other","name":"tools"},"parameters":[{"key":"b","value":"b"},{"key":"d","value":"b"}]}`, Status: 200,
			Contains: []string{`"binding":{"name":"tools","namespace":"other"}`, `{"key":"binding","value":{"name":"tools","namespace":"other"}}`},
		},
		{
			Name: "get", Method: "GET", URL: b, Status: 200, Contains: []string{
				`"parameters":[{"key":"a","value":"p"},{"key":"b","value":"b"},{"key":"c","value":"p"},{"key":"d","value":"b"}]`,
				`"actions":[{"name":"run"`, `"binding":{"name":"tools","namespace":"other"}`,
			},
		},
		{Name: "list", Method: "GET", URL: ns + "packages", Status: 200, Contains: []string{`"binding":{"name":"tools","namespace":"other"}`}},
		{
			Name: "action", Method: "GET", URL: ns + "actions/b/run", Status: 200, Contains: []string{
				`"namespace":"other/tools"`, `{"key":"a","value":"p"},{"key":"b","value":"b"},{"key":"c","value":"a"},{"key":"d","value":"b"}`,
			},
		},
		{Name: "actions", Method: "GET", URL: ns + "actions/b/", Status: 200, Contains: []string{`"namespace":"other/tools","name":"run"`}},
		{Name: "count", Method: "GET", URL: ns + "actions/b/?count=true", Status: 200, Contains: []string{`{"actions":1}`}},
		{Name: "put into it", Method: "PUT", URL: ns + "actions/b/mine", Body: hello, Status: 400, Contains: []string{"Operation not permitted on package binding."}},
		{Name: "delete from it", Method: "DELETE", URL: ns + "actions/b/run", Status: 400, Contains: []string{"Operation not permitted on package binding."}},
		{Name: "annotations", Method: "PUT", URL: b + "?overwrite=true", Body: `{"annotations":[]}`, Status: 200, Contains: []string{`"annotations":[{"key":"binding"`, `"version":"0.0.2"`}},
		{Name: "no package again", Method: "PUT", URL: b + "?overwrite=true", Body: `{"binding":{}}`, Status: 200, Contains: []string{`"binding":{"name":"tools"`}},
		{Name: "foreign eyes", Method: "GET", URL: "/api/v1/namespaces/guest/packages/b", Headers: as(otherKey), Status: 403, Contains: forbid("guest/b")},
		{Name: "foreign list", Method: "GET", URL: others + "packages", Status: 200, Contains: []string{`"name":"tools"`, `"binding":false`}},
		{Name: "foreign count", Method: "GET", URL: others + "packages?count=true", Status: 200, Contains: []string{`{"packages":1}`}},
		{Name: "list of nobody", Method: "GET", URL: "/api/v1/namespaces/nobody/packages", Status: 200, Contains: []string{`[]`}},
		{Name: "the owner's list", Method: "GET", URL: "/api/v1/namespaces/guest/packages", Headers: as(otherKey), Status: 200, Contains: []string{`[]`}},
		{Name: "foreign package", Method: "GET", URL: others + "packages/tools", Status: 200, Contains: []string{`"name":"run"`}},
		{Name: "foreign actions", Method: "GET", URL: others + "actions/tools/", Status: 200, Contains: []string{`"name":"run"`}},
		{Name: "foreign delete", Method: "DELETE", URL: others + "packages/tools?force=true", Status: 403, Contains: forbid("other/tools")},
		{Name: "make private", Method: "PUT", URL: ns + "packages/tools?overwrite=true", Body: `{"publish":false}`, Headers: as(otherKey), Status: 200},
		{Name: "get of private", Method: "GET", URL: b, Status: 403, Contains: forbid("other/tools")},
		{Name: "action of private", Method: "GET", URL: ns + "actions/b/run", Status: 403, Contains: forbid("other/tools")},
		{Name: "invoke private", Method: "POST", URL: ns + "actions/b/run", Status: 403, Contains: forbid("other/tools")},
		{Name: "list still shows it", Method: "GET", URL: ns + "packages", Status: 200, Contains: []string{`"name":"b"`}},
		{Name: "drop the provider", Method: "DELETE", URL: ns + "packages/tools?force=true", Headers: as(otherKey), Status: 200},
		{Name: "get of nothing abroad", Method: "GET", URL: b, Status: 403, Contains: forbid("other/tools")},
		{Name: "put into nothing", Method: "PUT", URL: ns + "actions/b/mine", Body: hello, Status: 400, Contains: []string{"Operation not permitted on package binding."}},
		{Name: "delete", Method: "DELETE", URL: b, Status: 200, Contains: []string{`"name":"b"`}},
	})
}

func TestBadBindingsAreRefusedInOpenWhisksWords(t *testing.T) {
	a := newAPI(t)
	a.put(t, "hello", hello)
	a.send(t, guestKey, "PUT", ns+"packages/p", `{}`)
	a.send(t, guestKey, "PUT", ns+"packages/q", `{}`)
	a.send(t, guestKey, "PUT", ns+"packages/b", `{"binding":{"namespace":"_","name":"p"}}`)
	a.send(t, otherKey, "PUT", ns+"packages/private", `{}`)
	bind := func(name, target, namespace string, status int, text ...string) scenario {
		return scenario{
			Name: name + " to " + namespace + " " + target, Method: "PUT", URL: ns + "packages/" + name + "?overwrite=true",
			Body: `{"binding":{"namespace":"` + namespace + `","name":"` + target + `"}}`, Status: status, Contains: text,
		}
	}
	run(t, a, []scenario{
		bind("n", "none", "_", 400, "Binding references a package that does not exist."),
		bind("n", "n", "_", 400, "Binding references a package that does not exist."),
		bind("n", "private", "other", 403, forbid("other/private")...),
		bind("n", "none", "other", 403, forbid("other/none")...),
		bind("n", "b", "guest", 400, "Cannot bind to another package binding."),
		bind("b", "b", "guest", 400, "Cannot bind to another package binding."),
		bind("n", "hello", "guest", 409, "Cannot bind to a resource that is not a package."),
		bind("q", "p", "guest", 409, "Resource is a package and cannot be converted into a binding."),
		bind("b", "q", "_", 200, `"binding":{"name":"q","namespace":"guest"}`, `{"key":"binding","value":{"name":"q","namespace":"guest"}}`),
		bind("n", "$", "_", 400, "The name of the entity contains illegal characters."),
		{Name: "drop the provider", Method: "DELETE", URL: ns + "packages/q", Status: 200},
		{Name: "dangling", Method: "GET", URL: ns + "packages/b", Status: 404, Contains: []string{"The requested resource 'guest/b' does not exist."}},
		{Name: "action of dangling", Method: "GET", URL: ns + "actions/b/x", Status: 404, Contains: []string{gone}},
		{Name: "invoke dangling", Method: "POST", URL: ns + "actions/b/x", Status: 404, Contains: []string{gone}},
		{Name: "update dangling", Method: "PUT", URL: ns + "packages/b?overwrite=true", Body: `{"parameters":[]}`, Status: 400, Contains: []string{"Binding references a package that does not exist."}},
	})
	self := entity.Name{Namespace: "guest", Name: "self"}
	if _, err := a.catalog().PutPackage(t.Context(), &entity.Package{Name: self, Version: entity.FirstVersion, Binding: self}); err != nil {
		t.Fatal(err)
	}
	run(t, a, []scenario{
		{Name: "itself", Method: "GET", URL: ns + "packages/self", Status: 422, Contains: []string{"Package binding 'guest/self' contains a circular reference."}},
		{Name: "invoke itself", Method: "POST", URL: ns + "actions/self/x", Status: 422, Contains: []string{"Package binding 'guest/self' contains a circular reference."}},
		{Name: "delete itself", Method: "DELETE", URL: ns + "packages/self", Status: 200},
	})
}

func TestFinalProtectsTheParametersOfPackageAndBinding(t *testing.T) {
	a := newAPI(t)
	a.send(t, guestKey, "PUT", ns+"packages/p", `{"parameters":[{"key":"a","value":1},{"key":"open","value":null}]}`)
	a.put(t, "p/x", `{"exec":{"kind":"nodejs:20","code":"c"},"annotations":[{"key":"final","value":true}]}`)
	a.send(t, guestKey, "PUT", ns+"packages/b", `{"binding":{"namespace":"_","name":"p"},"parameters":[{"key":"b","value":1}]}`)
	const reserved = "Request defines parameters that are not allowed (e.g., reserved properties)."
	run(t, a, []scenario{
		{Name: "of the package", Method: "POST", URL: ns + "actions/p/x", Body: `{"a":2}`, Status: 400, Contains: []string{reserved}},
		{Name: "of the package through the binding", Method: "POST", URL: ns + "actions/b/x", Body: `{"a":2}`, Status: 400, Contains: []string{reserved}},
		{Name: "of the binding", Method: "POST", URL: ns + "actions/b/x", Body: `{"b":2}`, Status: 400, Contains: []string{reserved}},
		{Name: "of the binding, without it", Method: "POST", URL: ns + "actions/p/x", Body: `{"b":2}`, Status: 202},
		{Name: "null", Method: "POST", URL: ns + "actions/b/x", Body: `{"open":2}`, Status: 202},
	})
}

func TestSequencesNameComponentsThroughBindings(t *testing.T) {
	a := newAPI(t)
	a.send(t, otherKey, "PUT", ns+"packages/tools", `{"publish":true}`)
	a.send(t, otherKey, "PUT", ns+"actions/tools/run", hello)
	a.send(t, guestKey, "PUT", ns+"packages/b", `{"binding":{"namespace":"other","name":"tools"}}`)
	a.send(t, guestKey, "PUT", ns+"packages/p", `{}`)
	a.send(t, guestKey, "PUT", ns+"packages/own", `{"binding":{"namespace":"_","name":"p"}}`)
	sequence := func(component string) string {
		return `{"exec":{"kind":"sequence","components":["` + component + `"]}}`
	}
	a.put(t, "p/s", sequence("/_/b/run"))
	run(t, a, []scenario{
		{Name: "bound", Method: "PUT", URL: ns + "actions/s", Body: sequence("/_/b/run"), Status: 200, Contains: []string{`"/guest/b/run"`}},
		{Name: "no such action", Method: "PUT", URL: ns + "actions/t", Body: sequence("/_/b/none"), Status: 400, Contains: []string{"Sequence component does not exist."}},
		{Name: "no such package", Method: "PUT", URL: ns + "actions/t", Body: sequence("/_/q/none"), Status: 404, Contains: []string{gone}},
		{Name: "itself", Method: "PUT", URL: ns + "actions/p/s?overwrite=true", Body: sequence("/_/own/s"), Status: 400, Contains: []string{"Sequence may not refer to itself."}},
		{Name: "make private", Method: "PUT", URL: ns + "packages/tools?overwrite=true", Body: `{"publish":false}`, Headers: as(otherKey), Status: 200},
		{Name: "private", Method: "PUT", URL: ns + "actions/t", Body: sequence("/_/b/run"), Status: 403, Contains: forbid("other/tools")},
		{Name: "private since", Method: "POST", URL: ns + "actions/s", Body: "{}", Status: 403, Contains: forbid("other/tools")},
	})
}

func FuzzPutPackage(f *testing.F) {
	for _, body := range []string{
		`{}`, `{"binding":{}}`, `{"binding":{"namespace":"_","name":"p"}}`, `{"binding":{"name":"p","namespace":"other"},"parameters":[]}`,
		`{"publish":true,"version":"1.2","annotations":[{"key":"binding","value":0}]}`, `{"binding":null,"parameters":[{"key":"a","value":{}}]}`,
	} {
		f.Add(body)
	}
	a := newAPI(f)
	a.send(f, guestKey, "PUT", ns+"packages/p", `{}`)
	f.Fuzz(func(t *testing.T, body string) {
		for _, name := range []string{"p", "b"} {
			w := scenario{Method: "PUT", URL: ns + "packages/" + name + "?overwrite=true", Body: body, Headers: map[string]string{"Content-Type": "application/json"}}.send(a)
			if w.Code != 200 && w.Code != 400 && w.Code != 403 && w.Code != 409 {
				t.Errorf("status %d: %s", w.Code, w.Body)
			}
			if !json.Valid(w.Body.Bytes()) {
				t.Errorf("answer is no JSON: %s", w.Body)
			}
		}
		get := scenario{Method: "GET", URL: ns + "packages/b"}.send(a)
		if get.Code != 200 && get.Code != 404 {
			t.Errorf("the binding cannot be read: %d %s", get.Code, get.Body)
		}
	})
}
