package controller_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoke"
)

const web = "/api/v1/web/guest/default/"

// annotated is an action that is exported, with more annotations.
func annotated(more ...string) string {
	list := `{"key":"web-export","value":true}`
	for _, m := range more {
		key, value, _ := strings.Cut(m, "=")
		list += `,{"key":"` + key + `","value":` + value + `}`
	}
	return with(`"annotations":[` + list + `]`)
}

// visitor is somebody without credentials.
func visitor(more ...string) map[string]string {
	h := map[string]string{"Authorization": ""}
	for i := 0; i < len(more); i += 2 {
		h[more[i]] = more[i+1]
	}
	return h
}

// webAPI has the web action `hello`; every call of it lands in the request
// that is returned, and is answered by a.
func webAPI(t testing.TB, a *entity.Activation, change ...func(*api)) (*api, *invoke.Request) {
	t.Helper()
	got := &invoke.Request{}
	out := newAPI(t, append(change, func(x *api) {
		x.invoke = func(_ context.Context, req invoke.Request) (invoke.Outcome, error) {
			*got = req
			req.Done()
			return invoke.Outcome{ID: someID, Activation: a}, nil
		}
	})...)
	out.put(t, "hello", annotated())
	return out, got
}

const (
	absent     = "{\n  \"error\": \"The requested resource does not exist.\",\n  \"code\": \"t\"\n}"
	unroutable = `{"error":"The requested resource could not be found.","code":"t"}`
)

func TestOnlyExportedActionsAreReachedOnTheWeb(t *testing.T) {
	a, got := webAPI(t, record(entity.Success, `{}`))
	a.put(t, "plain", hello)
	a.put(t, "hidden", with(`"annotations":[{"key":"web-export","value":"true"},{"key":"require-whisk-auth","value":"s"}]`))
	a.put(t, "dotted.xml", annotated())
	if err := a.putDocument(t, entity.Triggers, "trigger"); err != nil {
		t.Fatal(err)
	}
	if err := a.putDocument(t, entity.Actions, "corrupt"); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		url  string
		want string // the action that is called, or the body of the refusal
	}{
		{web + "hello", "guest/hello"}, {web + "hello.json/a", "guest/hello"}, {web + "hello/", "guest/hello"}, {web + "%68ello", "guest/hello"},
		{web + "hello/..//./x", "guest/hello"}, {web + "dotted.xml.http", "guest/dotted.xml"}, {web + "dotted.xml", "guest/dotted.xml"},
		{web + "hello.xml", absent}, {web + "hello.xml/a", absent}, {web + "hello.json.json", absent}, {web + ".json", absent},
		{web + "plain", absent}, {web + "hidden", absent}, {web + "trigger", absent}, {web + "corrupt", absent}, {web + "no%2Fname", absent},
		{"/api/v1/web/guest/nothing/hello", absent}, {"/api/v1/web/nobody/default/hello", absent}, {"/api/v1/web/_/default/hello", absent},
		{"/api/v1/web/other/default/hello", absent}, {"/api/v1/web/guest/%zz/hello", absent},
		{"/api/v1/web/guest/default/", unroutable}, {"/api/v1/web/guest/default", unroutable}, {"/api/v1/web/guest", unroutable},
		{"/api/v1/web//default/hello", unroutable}, {"/api/v1/web/", unroutable}, {"/api/v1/web", unroutable},
	} {
		*got = invoke.Request{}
		r := scenario{Method: "GET", URL: "/x", Headers: map[string]string{"X-Request-ID": "t"}}.request()
		r.URL.Path, r.URL.RawPath = row.url, ""
		if u, err := r.URL.Parse("http://host" + row.url); err == nil && !strings.Contains(row.url, "..") {
			r.URL = u
		}
		w := serve(a, r)
		if called := got.Action; called != nil {
			if called.Name.String() != row.want {
				t.Errorf("%s: called %s", row.url, called.Name)
			}
			continue
		}
		if w.Code != http.StatusNotFound || w.Body.String() != row.want {
			t.Errorf("%s: got %d %s", row.url, w.Code, w.Body)
		}
		r.Header.Del("Authorization")
		if w := serve(a, r); row.want == unroutable && w.Code != http.StatusUnauthorized || row.want == absent && w.Body.String() != absent {
			t.Errorf("%s without credentials: got %d %s", row.url, w.Code, w.Body)
		}
	}
}

func TestOnlyTheOwnerLearnsThatAnActionIsNotExported(t *testing.T) {
	a, _ := webAPI(t, record(entity.Success, `{}`))
	a.put(t, "plain", hello)
	for key, want := range map[string]string{guestKey: "GW1302", otherKey: "GW1301", "": "GW1301"} {
		h := visitor()
		if key != "" {
			h = as(key)
		}
		w := scenario{Method: "GET", URL: web + "plain", Headers: h, Status: 404}.check(t, a)
		if got := w.Header().Get("X-Gowhisk-Error"); got != want {
			t.Errorf("%q: got %s, want %s", key, got, want)
		}
	}
}

func TestWebActionRunsAsTheNamespaceOfItsURL(t *testing.T) {
	a, got := webAPI(t, record(entity.Success, `{}`))
	for key, user := range map[string]string{guestKey: "guest", otherKey: "other", "": "", "nobody:" + guestKey[37:]: ""} {
		h := map[string]string{"Content-Type": "application/json", "X-Request-ID": "t", "Authorization": ""}
		if key != "" {
			h["Authorization"] = basic(key)
		}
		scenario{Method: "POST", URL: web + "hello.json/x%20y?a=1&b=2", Body: `{"b":{"c":1.50}}`, Headers: h, Status: 200}.check(t, a)
		if got.Identity.Namespace.Name != "guest" || !got.Blocking || got.Wait != invoke.MaxWait || got.Transaction != "t" || got.Accepted.IsZero() {
			t.Errorf("got %+v", got)
		}
		var in map[string]any
		if err := json.Unmarshal(got.Payload, &in); err != nil {
			t.Fatal(err)
		}
		headers, _ := in["__ow_headers"].(map[string]any)
		want := map[string]any{
			"content-type": "application/json", "host": "host", "x-request-id": "t", "x-forwarded-for": "192.0.2.1",
			"x-real-ip": "192.0.2.1", "x-forwarded-proto": "http",
		}
		if key != "" {
			want["authorization"] = basic(key)
		}
		if diff := cmp.Diff(want, headers); diff != "" {
			t.Error(diff)
		}
		delete(in, "__ow_headers")
		want = map[string]any{"__ow_method": "post", "__ow_path": "/x%20y", "a": "1", "b": map[string]any{"c": 1.5}}
		if user != "" {
			want["__ow_user"] = user
		}
		if diff := cmp.Diff(want, in); diff != "" {
			t.Error(diff)
		}
	}
}

func TestProxiesInFrontAreKept(t *testing.T) {
	a, got := webAPI(t, record(entity.Success, `{}`))
	r := scenario{Method: "GET", URL: web + "hello", Headers: visitor("X-Forwarded-For", "1.2.3.4", "X-Forwarded-Proto", "https", "X-Real-Ip", "9.9.9.9")}.request()
	serve(a, r)
	for _, want := range []string{`"x-forwarded-for":"1.2.3.4, 192.0.2.1"`, `"x-forwarded-proto":"https"`, `"x-real-ip":"192.0.2.1"`} {
		if !strings.Contains(string(got.Payload), want) {
			t.Errorf("no %s in %s", want, got.Payload)
		}
	}
	r.RemoteAddr, *got = "", invoke.Request{} // as a handler inside the server calls
	if w := serve(a, r); w.Code != http.StatusNoContent || got.Action == nil {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestRawActionsGetTheBodyAsItCame(t *testing.T) {
	a, got := webAPI(t, record(entity.Success, `{}`))
	a.put(t, "raw", annotated("raw-http=true", "final=true"))
	scenario{Method: "POST", URL: web + "raw?__ow_user=me", Body: `{"a":1}`, Headers: visitor(), Status: 204}.check(t, a)
	if s := string(got.Payload); !strings.Contains(s, `"__ow_query":"__ow_user=me","__ow_body":"eyJhIjoxfQ=="}`) {
		t.Error(s)
	}
}

func TestRequestsOfTheWebAreRefusedBeforeTheActionRuns(t *testing.T) {
	a, got := webAPI(t, record(entity.Success, `{}`))
	a.put(t, "final", with(`"parameters":[{"key":"fixed","value":1},{"key":"open","value":null}],"annotations":[{"key":"final","value":true},{"key":"web-export","value":true}]`))
	const reserved = "{\n  \"error\": \"Request defines parameters that are not allowed (e.g., reserved properties).\",\n"
	const malformed = `{"error":"The request content was malformed:\n`
	deep := `{"a":` + strings.Repeat("[", 9_900) + strings.Repeat("]", 9_900) + "}"
	run(t, a, []scenario{
		{Name: "reserved in query", Method: "GET", URL: web + "hello?__ow_user=root", Status: 400, Contains: []string{reserved}},
		{Name: "reserved in body", Method: "POST", URL: web + "hello", Body: `{"__ow_body":1}`, Status: 400, Contains: []string{reserved}},
		{Name: "fixed", Method: "GET", URL: web + "final?fixed=2", Status: 400, Contains: []string{reserved}},
		{Name: "open", Method: "GET", URL: web + "final?open=2", Status: 204},
		{Name: "malformed", Method: "POST", URL: web + "hello", Body: `{"a":`, Status: 400, Contains: []string{malformed}},
		{Name: "deep", Method: "POST", URL: web + "hello", Body: deep, Status: 400, Contains: []string{malformed}},
		{
			Name: "large", Method: "POST", URL: web + "hello", Body: `"` + strings.Repeat("x", 1<<20) + `"`, Status: 413,
			Contains: []string{"{\n  \"error\": \"Request larger than allowed: 1048578 > 1048576 bytes.\","},
		},
		{Name: "large and not exported", Method: "POST", URL: web + "none", Body: `"` + strings.Repeat("x", 1<<20) + `"`, Status: 404},
		{Name: "long URL", Method: "GET", URL: web + "hello?a=" + strings.Repeat("x", 8000), Status: 204},
		{Name: "longer URL", Method: "GET", URL: web + "hello?a=" + strings.Repeat("x", 8200), Status: 414},
		{Name: "method", Method: "TRACE", URL: web + "hello", Status: 405, Contains: []string{`{"error":"HTTP method not allowed, supported methods: OPTIONS, GET, DELETE, POST, PUT, HEAD, PATCH"`}},
	})
	for _, method := range []string{"GET", "DELETE", "POST", "PUT", "PATCH", "HEAD"} {
		*got = invoke.Request{}
		scenario{Method: method, URL: web + "hello", Status: 204}.check(t, a)
		if !strings.Contains(string(got.Payload), `{"__ow_method":"`+strings.ToLower(method)+`"`) {
			t.Errorf("%s: got %s", method, got.Payload)
		}
	}
}

func TestProtectedActionsAskForTheirSecret(t *testing.T) {
	a, got := webAPI(t, record(entity.Success, `{}`))
	a.put(t, "secret", annotated(`require-whisk-auth="abc"`))
	a.put(t, "number", annotated(`require-whisk-auth=4711`))
	a.put(t, "known", annotated(`require-whisk-auth=true`))
	a.put(t, "open", annotated(`require-whisk-auth=false`))
	const text = "{\n  \"error\": \"Authentication is possible but has failed or not yet been provided.\",\n"
	for _, row := range []struct {
		action  string
		headers map[string]string
		status  int
	}{
		{"secret", visitor(), 401}, {"secret", as(guestKey), 401}, {"secret", visitor("X-Require-Whisk-Auth", "abd"), 401},
		{"secret", visitor("X-Require-Whisk-Auth", "abc"), 204}, {"number", visitor("x-require-whisk-auth", "4711"), 204}, {"number", visitor(), 401},
		{"known", visitor(), 401}, {"known", as(otherKey), 204}, {"known", as("forged:" + otherKey), 401}, {"open", visitor(), 204},
	} {
		*got = invoke.Request{}
		w := scenario{Method: "GET", URL: web + row.action, Headers: row.headers}.send(a)
		if w.Code != row.status || (row.status == 401) != (got.Action == nil) {
			t.Errorf("%s with %v: got %d %s", row.action, row.headers, w.Code, w.Body)
		}
		if row.status == 401 && (!strings.Contains(w.Body.String(), text) || w.Header().Get("X-Gowhisk-Error") != "GW1305" || w.Header().Get("Www-Authenticate") != "") {
			t.Errorf("got %s %v", w.Body, w.Header())
		}
	}
	if w := (scenario{Method: "OPTIONS", URL: web + "secret", Headers: visitor()}).send(a); w.Code != http.StatusOK {
		t.Errorf("OPTIONS: got %d %s", w.Code, w.Body)
	}
}

func TestWebActionsCountOnTheQuotaOfTheirNamespace(t *testing.T) {
	a, _ := webAPI(t, record(entity.Success, `{}`), func(a *api) {
		a.limits = func(s *entitlement.Settings) { s.InvocationsPerMinute, s.MaxPayloadSize = 2, 10 }
	})
	scenario{Method: "POST", URL: web + "hello", Headers: as(otherKey), Body: `"23456789"`, Status: 204}.check(t, a)
	scenario{Method: "POST", URL: web + "hello", Headers: as(otherKey), Body: `"234567890"`, Status: 413, Contains: []string{"Request larger than allowed: 11 > 10 bytes."}}.check(t, a)
	const text = "Too many requests in the last minute (count: 3, allowed: 2)."
	w := scenario{Method: "GET", URL: web + "hello", Headers: as(otherKey), Status: 429, Contains: []string{text}}.check(t, a)
	if w.Header().Get("X-Openwhisk-Activation-Id") != "" || w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Retry-After") == "" {
		t.Errorf("headers %v", w.Header())
	}
	scenario{Method: "GET", URL: web + "nothing", Headers: as(otherKey), Status: 404}.check(t, a)
	scenario{Method: "POST", URL: ns + "actions/hello", Headers: as(otherKey), Status: 404}.check(t, a)
}

func TestPackagesAndBindingsAreMergedIntoWebActions(t *testing.T) {
	a, got := webAPI(t, record(entity.Success, `{}`))
	a.send(t, otherKey, "PUT", others+"packages/shared", `{"publish":true,"parameters":[{"key":"p","value":1},{"key":"q","value":1}]}`)
	a.send(t, otherKey, "PUT", others+"actions/shared/hello", annotated("final=true"))
	a.send(t, guestKey, "PUT", ns+"packages/bound", `{"binding":{"namespace":"other","name":"shared"},"parameters":[{"key":"q","value":2}]}`)
	const url = "/api/v1/web/guest/bound/hello"
	scenario{Method: "GET", URL: url, Headers: visitor(), Status: 204}.check(t, a)
	if got.Identity.Namespace.Name != "guest" || got.Action.Name.String() != "other/shared/hello" || got.Binding.String() != "guest/bound" ||
		string(got.Action.Parameters.Get("p")) != "1" || string(got.Action.Parameters.Get("q")) != "2" {
		t.Errorf("got %+v %+v", got, got.Action)
	}
	scenario{Method: "GET", URL: url + "?p=3", Headers: visitor(), Status: 400, Contains: []string{"not allowed"}}.check(t, a)
	a.send(t, otherKey, "PUT", others+"packages/shared?overwrite=true", `{"publish":false}`)
	scenario{Method: "GET", URL: url, Headers: visitor(), Status: 403, Contains: []string{"not authorized to access 'other/shared'"}}.check(t, a)
	scenario{Method: "GET", URL: "/api/v1/web/other/shared/hello", Headers: visitor(), Status: 204}.check(t, a)
}

func TestDeprecatedKindsAreNotCalledOnTheWeb(t *testing.T) {
	a, _ := webAPI(t, record(entity.Success, `{}`))
	if _, err := a.catalog().PutAction(t.Context(), &entity.Action{
		Name: entity.Name{Namespace: "guest", Name: "old"}, Version: entity.FirstVersion, Exec: entity.Exec{Kind: "nodejs:12", Code: "x"},
		Annotations: entity.Parameters{}.Set("web-export", "true"),
	}); err != nil {
		t.Fatal(err)
	}
	scenario{Method: "GET", URL: web + "old", Status: 400, Contains: []string{"The 'nodejs:12' runtime is no longer supported."}}.check(t, a)
}

func TestVanityHostsServeTheWebActionsOfOneNamespace(t *testing.T) {
	a, got := webAPI(t, record(entity.Success, `{"html":"x"}`), func(a *api) { a.webHost = "whisk.example" })
	a.send(t, guestKey, "PUT", ns+"packages/public", `{}`)
	a.send(t, guestKey, "PUT", ns+"actions/public/index", annotated())
	for _, row := range []struct {
		host, url string
		status    int
		called    string
	}{
		{"guest.whisk.example", "/", 200, "guest/public/index"}, {"guest.whisk.example:8443", "/?a=1", 200, "guest/public/index"},
		{"guest.WHISK.example.", "/default/hello.html/x", 200, "guest/hello"}, {"guest.whisk.example", "/public/index", 204, "guest/public/index"},
		{"other.whisk.example", "/default/hello", 404, ""}, {"guest.whisk.example", "/ping", 401, ""}, {"guest.whisk.example", "/api/v1/namespaces", 404, ""},
		{"whisk.example", "/ping", 200, ""}, {"a.guest.whisk.example", "/ping", 200, ""}, {"guestwhisk.example", "/ping", 200, ""}, {".whisk.example", "/ping", 200, ""},
	} {
		*got = invoke.Request{}
		r := httptest.NewRequest(http.MethodGet, "http://"+row.host+row.url, nil)
		w := serve(a, r)
		called := ""
		if got.Action != nil {
			called = got.Action.Name.String()
		}
		if w.Code != row.status || called != row.called {
			t.Errorf("%s%s: got %d %s, called %q", row.host, row.url, w.Code, w.Body, called)
		}
	}
}
