package apigateway_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/apigateway"
)

// swagger is the argument that uploads a document; each line of paths is
// "path verb target".
func swagger(t *testing.T, base, paths string) string {
	t.Helper()
	items, cases := map[string]map[string]any{}, []any{}
	for line := range strings.SplitSeq(paths, "\n") {
		path, verb, target := "", "", ""
		if n, _ := fmt.Sscan(line, &path, &verb, &target); n != 3 {
			t.Fatalf("line is %q", line)
		}
		id := verb + path
		if items[path] == nil {
			items[path] = map[string]any{}
		}
		operation := map[string]any{"operationId": id}
		if strings.Contains(path, "/{") {
			operation["parameters"] = []any{map[string]any{"name": "id"}}
		}
		items[path][verb] = operation
		cases = append(cases, map[string]any{"operations": []any{id}, "execute": []any{
			map[string]any{"invoke": map[string]any{"target-url": target, "verb": "keep"}},
		}})
	}
	doc := map[string]any{
		"swagger": "2.0", "basePath": base, "info": map[string]any{"title": "t"}, "paths": items,
		"x-ibm-configuration": map[string]any{"cors": map[string]any{"enabled": true}, "assembly": map[string]any{
			"execute": []any{map[string]any{"operation-switch": map[string]any{"case": cases}}},
		}},
	}
	out, err := json.Marshal(map[string]any{"apidoc": map[string]any{"namespace": "_", "swagger": doc}})
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// web is the URL of a web action.
func web(action string) string { return server + "/api/v1/web/guest/default/" + action }

const (
	notFound   = `404 {"status":404,"message":"Error: Not found."}` + "\n"
	noVerb     = `404 {"status":404,"message":"Error: Whoops. Verb not supported."}` + "\n"
	badGateway = `502 {"status":502,"message":"Error: The backend of this path is not a web action of this server."}` + "\n"
)

func TestRequestsFindTheirAction(t *testing.T) {
	w := newWorld(t)
	root := "/api/" + apigateway.TenantOf("guest")
	full := "$(request.path)"
	created(t, w.as("guest", w.g.CreateAPI, swagger(t, "/", "/ get "+web("root.json")+"\n/only get "+web("only.json"))))
	created(t, w.as("guest", w.g.CreateAPI, swagger(t, "/shop", strings.Join([]string{
		"/{id} get " + web("item.http") + full, "/{id} delete " + web("item.http") + full, "/new get " + web("new.json"),
		"/{id}/parts get " + web("parts.http") + full, "/{id}.xml get " + web("xml.http") + full,
		"/action%20name get " + server + "/api/v1/web/guest/p/a-c@t%20ion.json",
	}, "\n"))))
	created(t, w.as("guest", w.g.CreateAPI, swagger(t, "/shop/new", "/ post "+web("post.json")+"\n/deep get "+web("deep.json")+"/fixed")))
	for path, want := range map[string]string{
		"":                      "GET /api/v1/web/guest/default/root.json",
		"/":                     "GET /api/v1/web/guest/default/root.json",
		"/?a=1&b=%20":           "GET /api/v1/web/guest/default/root.json?a=1&b=%20",
		"/only":                 "GET /api/v1/web/guest/default/only.json",
		"/only/":                "GET /api/v1/web/guest/default/only.json",
		"/only/behind/it%2Fx":   "GET /api/v1/web/guest/default/only.json/behind/it%2Fx",
		"/shop/7":               "GET /api/v1/web/guest/default/item.http/shop/7",
		"/shop/a%20b?q":         "GET /api/v1/web/guest/default/item.http/shop/a%20b?q",
		"/shop/7/parts":         "GET /api/v1/web/guest/default/parts.http/shop/7/parts",
		"/shop/7/other":         "GET /api/v1/web/guest/default/item.http/shop/7/other",
		"/shop/7.xml":           "GET /api/v1/web/guest/default/xml.http/shop/7.xml",
		"/shop/new/parts":       "GET /api/v1/web/guest/default/parts.http/shop/new/parts",
		"/shop/new/deep":        "GET /api/v1/web/guest/default/deep.json/fixed",
		"/shop/new/deep/er":     "GET /api/v1/web/guest/default/deep.json/fixed/er",
		"/shop/action%2520name": "GET /api/v1/web/guest/p/a-c@t%20ion.json",
		"/shop/../only":         notFound,
		"/shop/%2e%2E/only":     notFound,
		"//only":                notFound,
		"/shop//7":              notFound,
		"/shop/%zz":             "",
	} {
		if path == "/shop/%zz" {
			continue // no client of net/http can send it
		}
		got := w.get("GET", root+path)
		if want, _ := strings.CutSuffix(want, "\n"); !strings.Contains(strings.SplitAfter(got, "\n")[0], want+"\n") {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	for request, want := range map[string]string{
		"DELETE " + root + "/shop/7":               "200 DELETE /api/v1/web/guest/default/item.http/shop/7",
		"POST " + root + "/shop/new":               "200 POST /api/v1/web/guest/default/post.json",
		"GET " + root + "/shop/new":                noVerb,
		"PUT " + root + "/only":                    noVerb,
		"GET /api/none/only":                       notFound,
		"GET /api/" + apigateway.TenantOf("other"): notFound,
	} {
		method, path, _ := strings.Cut(request, " ")
		if got := w.get(method, path); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", request, got, want)
		}
	}
}

func TestOnlyWebActionsOfThisServerAreCalled(t *testing.T) {
	w := newWorld(t)
	root := "/api/" + apigateway.TenantOf("guest") + "/a"
	for target, want := range map[string]string{
		web("x.json"): "200 GET /api/v1/web/guest/default/x.json",
		"http://gw.example:8080/api/v1/web/guest/default/x.json":         "200 GET /api/v1/web/guest/default/x.json", // as the client named the server
		"https://http://gw.example:8080/api/v1/web/guest/default/x.json": "200 GET /api/v1/web/guest/default/x.json", // as wskdeploy writes it
		"https://http://evil.example/api/v1/web/guest/default/x.json":    badGateway,
		"https://10.0.0.1/api/v1/web/guest/default/x.json":               badGateway,
		"http://127.0.0.1:9999/api/v1/web/guest/default/x.json":          badGateway,
		"http://169.254.169.254/latest/meta-data":                        badGateway,
		"file:///etc/passwd":                                                  badGateway,
		server + "/api/v1/namespaces/_/actions":                               badGateway,
		server + "/api/v1/web/../namespaces/_/actions/x":                      badGateway,
		server + "/api/v1/web/guest/../../namespaces":                         badGateway,
		server + "/api/v1/web/guest/%2e%2e/x.json":                            badGateway,
		server + "/api/v1/web/guest/default/x.json/../../../../v1/namespaces": badGateway,
		server + "@evil.example/api/v1/web/guest/default/x.json":              badGateway,
		"http://evil.example/?" + server + "/api/v1/web/guest/default/x.json": badGateway,
	} {
		created(t, w.as("guest", w.g.CreateAPI, swagger(t, "/a", "/b get "+target)))
		if got := w.get("GET", root+"/b"); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
	if log := w.logs.String(); !strings.Contains(log, "http://169.254.169.254/latest/meta-data is not a web action of this server") {
		t.Errorf("the author is not told:\n%s", log)
	}
}

func TestSecretOfTheActionIsAddedAndHeadersOfTheConnectionDropped(t *testing.T) {
	w := newWorld(t)
	args := strings.Replace(endpoint("/a", "/b", "GET", "x"), `"authkey"`, `"secureKey":"s3cret","authkey"`, 1)
	path := created(t, w.as("guest", w.g.CreateAPI, args)) + "/b"
	got := w.get("GET", path+"?x=1", "X-Require-Whisk-Auth", "guessed", "Connection", "upgrade, X-Drop", "Upgrade", "h2c", "X-Drop", "1")
	want := fmt.Sprintf("200 GET /api/v1/web/guest/default/x.json?x=1\nsecret \"s3cret\"\nforwarded \"http://example.com%s?x=1\"\nupgrade \"\"\n", path)
	if got != want {
		t.Errorf("the action was asked\n%s\nwant\n%s", got, want)
	}
}

func TestGatewayAnswersForCORS(t *testing.T) {
	w := newWorld(t)
	document := swagger(t, "/a", "/b get "+web("x.json"))
	path := "/api/" + apigateway.TenantOf("guest") + "/a/b"
	const origin = "https://app.example"
	for setting, want := range map[string]struct{ preflight, origin string }{
		`"cors":{"enabled":true}`:  {"200", origin},
		`"cors":{"enabled":false}`: {"404", ""},
		`"cors":{}`:                {"404", "of the action"},
	} {
		created(t, w.as("guest", w.g.CreateAPI, strings.Replace(document, `"cors":{"enabled":true}`, setting, 1)))
		r := w.request("GET", path, "Origin", origin)
		if got := r.Header.Get("Access-Control-Allow-Origin"); got != want.origin {
			t.Errorf("%s: origin is %q, want %q", setting, got, want.origin)
		}
		r = w.request("OPTIONS", path, "Origin", origin, "Access-Control-Request-Headers", "X-Mine")
		if got := fmt.Sprint(r.StatusCode); got != want.preflight {
			t.Errorf("%s: preflight is answered %s, want %s", setting, got, want.preflight)
		}
		if want.preflight == "200" && (r.Header.Get("Access-Control-Allow-Headers") != "X-Mine" || r.Header.Get("Access-Control-Allow-Methods") != "GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS") {
			t.Errorf("%s: headers are %v", setting, r.Header)
		}
	}
	if r := w.request("OPTIONS", path+"none"); r.StatusCode != http.StatusNotFound {
		t.Errorf("a path that is not there answers %d", r.StatusCode)
	}
}

func TestAPIsSurviveARestart(t *testing.T) {
	w := newWorld(t)
	args := strings.Replace(endpoint("/a", "/b", "GET", "x"), server, "http://gw.example:8080", 1)
	path := created(t, w.as("guest", w.g.CreateAPI, args)) + "/b"
	before, list := w.get("GET", path), w.as("guest", w.g.GetAPI, `{}`)
	w.restart()
	if got := w.get("GET", path); got != before || !strings.HasPrefix(got, "200 ") {
		t.Errorf("after the restart %s, before %s", got, before)
	}
	same(t, "list", w.as("guest", w.g.GetAPI, `{}`), list)
}

// A document that was exported, and whose API was deleted, names the server as
// its author did: also if something between them changes the name.
func TestServerIsKnownByTheNamesThatAuthorsUsed(t *testing.T) {
	w := newWorld(t)
	args := strings.Replace(endpoint("/a", "/b", "GET", "x"), server, "https://front.example", 1)
	path := created(t, w.as("guest", w.g.CreateAPI, args)) + "/b"
	w.as("guest", w.g.DeleteAPI, `{"basepath":"/a"}`)
	w.restart()
	elsewhere := swagger(t, "/a", "/b get https://front.example/api/v1/web/guest/default/x.json")
	created(t, w.as("guest", w.g.CreateAPI, elsewhere))
	if got := w.get("GET", path); !strings.HasPrefix(got, "200 ") {
		t.Errorf("its author's document is not served: %s", got)
	}
	created(t, w.as("other", w.g.CreateAPI, elsewhere))
	if got := w.get("GET", "/api/"+apigateway.TenantOf("other")+"/a/b"); got != badGateway {
		t.Errorf("the document of another namespace is served: %s", got)
	}
}

func TestGatewayServesTenantsAndNothingElse(t *testing.T) {
	for path, want := range map[string]bool{
		"/api/" + apigateway.TenantOf("guest"): true, "/api/" + apigateway.TenantOf("guest") + "/a/b": true,
		"/api/v1": false, "/api/v1/web/guest/default/x": false, "/api": false, "/api/": false, "/": false, "/api-docs": false,
	} {
		if got := apigateway.Serves(path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}
