package controller_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// field is one place of the interface where a caller names an action of any
// namespace: its {path} is /{namespace}/{rest}.
type field struct {
	method, url, body string
	missing           int // the status where 404 would be usual
}

// actionFields are a sequence's components, a rule's action, and paths.
var actionFields = []field{
	{"PUT", ns + "actions/sequence?overwrite=true", `{"exec":{"kind":"sequence","components":["{path}"]}}`, 400},
	{"PUT", ns + "actions/sequence?overwrite=true", `{"exec":{"kind":"sequence","components":["/other/mine","{path}"]}}`, 400},
	{"PUT", ns + "rules/rule?overwrite=true", `{"trigger":"/other/fired","action":"{path}"}`, 400},
	{"GET", "/api/v1/namespaces/{namespace}/actions/{rest}", ``, 0},
	{"POST", "/api/v1/namespaces/{namespace}/actions/{rest}?blocking=true", `{}`, 0},
}

// actionTargets are what another caller may find behind such a name.
var actionTargets = []struct {
	path   string
	status int
}{
	{"/other/mine", 200},
	{"/other/box/mine", 200},
	{"/guest/open/hello", 200}, // shared
	{"/other/nothing", 404},
	{"/other/box/nothing", 404},
	{"/guest/open/nothing", 404},
	{"/guest/secret", 403},
	{"/guest/nothing", 403},
	{"/guest/closed/secret", 403},
	{"/guest/closed/nothing", 403},
	{"/guest/nothing/secret", 403},
	{"/guest/lent/secret", 403}, // a private binding of his
	{"/unknown/secret", 403},
	{"/unknown/closed/secret", 403},
}

// furnished is an interface with entities of both namespaces.
func furnished(t *testing.T) *api {
	t.Helper()
	a := newAPI(t)
	const private = `{"exec":{"kind":"nodejs:default","code":"PRIVATE"},"parameters":[{"key":"k","value":"PRIVATE"}]}`
	for _, e := range []struct{ voice, path, body string }{
		{"owner", "packages/open", `{"publish":true}`},
		{"owner", "packages/closed", `{"parameters":[{"key":"k","value":"PRIVATE"}]}`},
		{"owner", "packages/lent", `{"binding":{"namespace":"guest","name":"closed"}}`},
		{"owner", "actions/secret", private},
		{"owner", "actions/closed/secret", private},
		{"owner", "actions/open/hello", hello},
		{"owner", "triggers/sprung", `{"parameters":[{"key":"k","value":"PRIVATE"}]}`},
		{"owner", "rules/joined", `{"trigger":"/guest/sprung","action":"/guest/secret"}`},
		{"other", "packages/box", `{}`},
		{"other", "actions/mine", hello},
		{"other", "actions/box/mine", hello},
		{"other", "triggers/fired", `{}`},
	} {
		s := scenario{Method: "PUT", URL: ns + e.path, Body: e.body, Headers: voices[e.voice]}
		if w := s.send(a); w.Code != http.StatusOK {
			t.Fatalf("PUT %s: %d %s", e.path, w.Code, w.Body)
		}
	}
	return a
}

// reference is a case: what the other one hears when he names something.
type reference struct {
	method, url, body string
	status            int
	resource          string // in the text of a 403
}

// references are all cases: each member and path that names another entity,
// with what is his own, shared, private or not there.
func references() (all []reference) {
	for _, f := range actionFields {
		for _, to := range actionTargets {
			namespace, rest, _ := strings.Cut(to.path[1:], "/")
			first, _, _ := strings.Cut(rest, "/") // the package, if there is one
			all = append(all, reference{f.method, f.fill(f.url, to.path), f.fill(f.body, to.path), f.status(to.status), namespace + "/" + first})
		}
	}
	for of, members := range map[string]map[string]int{
		"packages": {"other/box": 200, "guest/open": 200, "other/nothing": 404, "guest/closed": 403, "guest/nothing": 403, "guest/lent": 403, "unknown/closed": 403},
		"triggers": {"other/fired": 200, "other/nothing": 404, "guest/sprung": 403, "guest/nothing": 403, "unknown/sprung": 403},
		"rules":    {"other/nothing": 404, "guest/joined": 403, "guest/nothing": 403, "unknown/joined": 403},
	} {
		for path, status := range members {
			namespace, name, _ := strings.Cut(path, "/")
			all = append(all, reference{"GET", "/api/v1/namespaces/" + namespace + "/" + of + "/" + name, "", status, path})
			if status == 404 {
				status = 400
			}
			switch of {
			case "packages":
				all = append(all, reference{"PUT", ns + "packages/bound?overwrite=true", fmt.Sprintf(`{"binding":{"namespace":%q,"name":%q}}`, namespace, name), status, path})
			case "triggers":
				all = append(all, reference{"PUT", ns + "rules/rule?overwrite=true", fmt.Sprintf(`{"trigger":"/%s","action":"/other/mine"}`, path), status, path})
			}
		}
	}
	for _, path := range []string{"guest/default/secret", "guest/default/nothing", "guest/closed/secret", "guest/closed/nothing", "guest/nothing/secret", "unknown/default/secret"} {
		all = append(all, reference{"GET", "/api/v1/web/" + path + ".json", "", 404, ""})
	}
	return all
}

// fill puts an action's path into a text.
func (f field) fill(text, path string) string {
	namespace, rest, _ := strings.Cut(path[1:], "/")
	return strings.NewReplacer("{path}", path, "{namespace}", namespace, "{rest}", rest).Replace(text)
}

// status is what the field says to one of the target. OpenWhisk 2.8.1.
func (f field) status(of int) int {
	if of == 404 && f.missing != 0 {
		return f.missing
	}
	return of
}

// TestEveryReferenceToAForeignEntityIsRefused asks through each member that
// names another entity. What is private answers as what does not exist.
func TestEveryReferenceToAForeignEntityIsRefused(t *testing.T) {
	a := furnished(t)
	all := references()
	for _, r := range all {
		s := scenario{Method: r.method, URL: r.url, Body: r.body, Headers: voices["other"], Status: r.status, NotContains: []string{"PRIVATE"}}
		if r.status == 403 {
			s.Contains = []string{"The supplied authentication is not authorized to access '" + r.resource + "'."}
		}
		if s.check(t, a); t.Failed() {
			t.Fatalf("%+v", r)
		}
	}
	t.Logf("%d cases", len(all))
}
