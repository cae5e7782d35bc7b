package controller_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// voices are those who may knock, with what they send.
var voices = map[string]map[string]string{
	"owner":     {"Authorization": basic(guestKey)},
	"other":     {"Authorization": basic(otherKey)},
	"anonymous": {"Authorization": ""},
	"forged":    {"Authorization": basic(strings.Replace(guestKey, ":123", ":000", 1))},
	"swapped":   {"Authorization": basic(otherKey[:36] + guestKey[36:])}, // one's UUID with another's key
}

// door is one route below a namespace. A caller of another namespace gets the
// status foreign, and learns nothing; its owner gets something else.
type door struct {
	method, path, body string
	foreign            int
	named              string // the resource in the text of a 403, without the namespace
}

// doors are every route and verb of the interface, for an entity that is
// there, one that is not, and one in a package that is not.
func doors() (all []door) {
	for _, verb := range []string{"GET", "PUT", "DELETE", "POST"} {
		body := map[string]string{"PUT": hello, "POST": `{"a":1}`}[verb]
		for _, name := range []string{"hello", "secret", "nothing"} {
			all = append(all, door{verb, "actions/" + name, body, 403, "/" + name})
			all = append(all, door{verb, "actions/" + name + "?overwrite=true&blocking=true&result=true", body, 403, "/" + name})
		}
		all = append(all, door{verb, "actions/pkg/hello", body, 403, "/pkg"})
		for _, of := range []string{"triggers", "rules", "packages"} {
			if of == "packages" && verb == "POST" {
				all = append(all, door{verb, of + "/hello", body, 405, ""})
				continue
			}
			all = append(all, door{verb, of + "/hello", body, 403, "/hello"}, door{verb, of + "/nothing", body, 403, "/nothing"})
		}
	}
	for _, list := range []string{"actions", "actions/", "actions?count=true", "triggers", "rules", "activations", "activations?docs=true", "activations?name=hello&count=true", "limits", "limits/"} {
		all = append(all, door{"GET", list, "", 403, ""})
	}
	for _, id := range []string{someID, strings.Repeat("a", 32)} {
		for _, part := range []string{"", "/", "/result", "/logs"} {
			all = append(all, door{"GET", "activations/" + id + part, "", 403, "/" + id})
		}
	}
	return append(all, door{"GET", "actions/pkg/", "", 403, "/pkg"}, door{"GET", "packages", "", 200, ""})
}

func TestNobodyButTheOwnerGetsAnythingOfANamespace(t *testing.T) {
	a := newAPI(t)
	a.put(t, "hello", hello)
	a.put(t, "secret", `{"exec":{"kind":"nodejs:default","code":"PRIVATE"},"parameters":[{"key":"k","value":"PRIVATE"}]}`)
	a.store(t, record(0, `{"said":"PRIVATE"}`))
	cases := 0
	for _, d := range doors() {
		for name, headers := range voices {
			if name == "owner" {
				continue
			}
			for _, namespace := range []string{"guest", "unknown"} {
				s := scenario{Method: d.method, URL: "/api/v1/namespaces/" + namespace + "/" + d.path, Body: d.body, Headers: headers, NotContains: []string{"PRIVATE"}}
				s.expect(d, name, namespace)
				s.check(t, a)
				cases++
			}
		}
	}
	// What is there is as it was.
	headers := voices["owner"]
	scenario{Method: "GET", URL: ns + "actions/secret", Headers: headers, Status: 200, Contains: []string{"PRIVATE", `"version":"0.0.1"`}}.check(t, a)
	scenario{Method: "GET", URL: ns + "activations/" + someID, Headers: headers, Status: 200, Contains: []string{"PRIVATE"}}.check(t, a)
	scenario{Method: "GET", URL: ns + "actions?count=true", Headers: headers, Status: 200, Contains: []string{`{"actions":2}`}}.check(t, a)
	t.Logf("%d cases", cases)
}

// expect sets what the voice must hear at the door.
func (s *scenario) expect(d door, voice, namespace string) {
	switch voice {
	case "anonymous":
		s.Status, s.Contains = 401, []string{"The resource requires authentication"}
	case "forged", "swapped":
		s.Status, s.Contains = 401, []string{"The supplied authentication is invalid"}
	default:
		s.Status = d.foreign
		if d.foreign == 403 {
			s.Contains = []string{fmt.Sprintf("not authorized to access '%s%s'.", namespace, d.named)}
		}
		if d.foreign == 200 {
			s.Contains = []string{"[]"}
		}
	}
}

func TestARecordIsFoundByItsOwnerAlone(t *testing.T) {
	a := newAPI(t)
	// Also under one's own path.
	a.store(t, record(0, `{}`))
	for _, part := range []string{"", "/logs", "/result"} {
		scenario{Method: "GET", URL: ns + "activations/" + someID + part, Headers: voices["other"], Status: 404, Contains: []string{"The requested resource does not exist."}}.check(t, a)
		scenario{Method: "GET", URL: ns + "activations/" + someID + part, Headers: voices["owner"], Status: 200}.check(t, a)
	}
}

// store puts a record where the interface finds it.
func (a *api) store(t testing.TB, r *entity.Activation) {
	t.Helper()
	if err := a.db.Activations().Put(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}
