package controller_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/entity"
)

var anyone = map[string]string{"Authorization": ""}

func TestCredentialsAreAskedForBeforeAnythingElse(t *testing.T) {
	const missing = "The resource requires authentication, which was not supplied with the request"
	const invalid = "The supplied authentication is invalid"
	wrong := func(v string) map[string]string { return map[string]string{"Authorization": v} }
	a := newAPI(t)
	for _, url := range []string{
		"/api/v1/namespaces", "/api/v1/namespaces/_/actions/x", "/api/v1/namespaces/_/nothing", "/api/v1/nothing",
		"/api/v1/web/ns/pkg", "/api/v1/docs/dummy", "/api/v1/namespaces/_/actions//x",
	} {
		w := scenario{Method: "GET", URL: url, Headers: anyone, Status: 401, Contains: []string{missing}}.check(t, a)
		if got := w.Header().Get("WWW-Authenticate"); got != `Basic realm="OpenWhisk secure realm"` {
			t.Errorf("challenge %q", got)
		}
	}
	run(t, a, []scenario{
		{Name: "unknown key", Method: "GET", URL: "/api/v1/namespaces", Headers: wrong(basic(strings.Replace(guestKey, "23", "99", 1))), Status: 401, Contains: []string{invalid}},
		{Name: "bearer", Method: "GET", URL: "/api/v1/namespaces", Headers: wrong("Bearer x"), Status: 401, Contains: []string{invalid}},
		{Name: "namespaces", Method: "GET", URL: "/api/v1/namespaces", Status: 200, Contains: []string{`["guest"]`}},
		{Name: "namespaces with slash", Method: "GET", URL: "/api/v1/namespaces/", Status: 200, Contains: []string{`["guest"]`}},
	})
}

func TestUnroutablePathsAreNotFoundAndNeverRedirected(t *testing.T) {
	const text = `{"error":"The requested resource could not be found.","code":"t1"}`
	a := newAPI(t)
	for _, r := range []string{
		"GET /api/v1/nothing", "GET /api/v1/namespaces/_", "GET /api/v1/namespaces/_/nothing", "GET " + ns + "actions/a/b/c",
		"GET " + ns + "actions//x", "GET " + ns + "actions/../nothing", "GET /api/v1//namespaces", "GET " + ns + "actions/a/./b",
		"PUT " + ns + "actions/", "POST " + ns + "actions/", "DELETE " + ns + "triggers/", "GET " + ns + "triggers/t/x", "PUT " + ns + "packages/p/",
		"GET " + ns + "activations/" + someID + "/nothing", "GET " + ns + "activations/" + someID + "/result/",
		"GET " + ns + "activations/" + someID + "/logs/", "GET /api/v1/docs/dummy", "GET /api/v1/web/guest/pkg",
	} {
		method, url, _ := strings.Cut(r, " ")
		w := scenario{Method: method, URL: url, Headers: map[string]string{"X-Request-ID": "t1"}, Status: 404}.check(t, a)
		if got := w.Body.String(); got != text {
			t.Errorf("%s: %s", r, got)
		}
		if ct := w.Header().Get("Content-Type"); ct != "application/json" {
			t.Errorf("%s: content type %s", r, ct)
		}
	}
}

// wskdeploy export asks for a feed's action by such a path.
func TestDotSegmentsAreResolvedBelowTheNamespaces(t *testing.T) {
	a := newAPI(t)
	for _, row := range []struct {
		url    string
		status int
	}{
		{ns + "actions/../actions", 200}, {ns + "actions/../../guest/actions?limit=1", 200}, {ns + "actions/../../other/actions/x", 403},
		{ns + "actions/../../../namespaces/_/actions", 200}, {ns + "../../docs/../namespaces", 404}, {ns + "../../../../ping", 404},
		{ns + "../../web/guest/default/x.json", 404}, {ns + "actions/..//actions", 404}, {ns + "actions/..", 404}, {ns + "../nothing/actions/..", 404},
	} {
		scenario{Method: "GET", URL: row.url, Status: row.status}.check(t, a)
	}
}

func TestWrongMethodsNameTheRightOnes(t *testing.T) {
	a := newAPI(t)
	for r, allow := range map[string]string{
		"PUT " + ns + "activations":            "GET, HEAD",
		"POST " + ns + "activations/" + someID: "GET, HEAD",
		"DELETE " + ns + "limits":              "GET, HEAD",
		"POST /api/v1/namespaces":              "GET, HEAD",
		"PATCH " + ns + "actions/a":            "DELETE, GET, HEAD, POST, PUT",
		"TRACE " + ns + "actions":              "GET, HEAD",
		"POST " + ns + "packages":              "GET, HEAD",
	} {
		method, url, _ := strings.Cut(r, " ")
		w := scenario{
			Method: method, URL: url, Status: 405,
			Contains: []string{`{"error":"HTTP method not allowed, supported methods: ` + allow + `","code":"`},
		}.check(t, a)
		if got := w.Header().Get("Allow"); got != allow {
			t.Errorf("%s: Allow %q, want %q", r, got, allow)
		}
	}
}

func TestEveryAnswerBelowTheAPIAllowsOtherOrigins(t *testing.T) {
	a := newAPI(t)
	a.put(t, "hello", hello)
	for _, s := range []scenario{
		{Method: "OPTIONS", URL: ns + "actions", Headers: anyone, Status: 200, Contains: []string{"OK"}},
		{Method: "OPTIONS", URL: "/api/v1/namespaces/barfoo/rules/x", Headers: anyone, Status: 200},
		{Method: "OPTIONS", URL: "/api/v1/nothing//at/all", Headers: anyone, Status: 200},
		{Method: "GET", URL: ns + "actions/hello", Status: 200},
		{Method: "GET", URL: ns + "actions/gone", Status: 404},
		{Method: "GET", URL: "/api/v1/nothing", Status: 404},
		{Method: "GET", URL: ns + "actions", Headers: anyone, Status: 401},
	} {
		h := s.check(t, a).Header()
		if h.Get("Access-Control-Allow-Origin") != "*" ||
			h.Get("Access-Control-Allow-Headers") != "Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent" ||
			h.Get("Access-Control-Allow-Methods") != "GET, DELETE, POST, PUT, HEAD" {
			t.Errorf("%s %s: %v", s.Method, s.URL, h)
		}
	}
	w := scenario{Method: "OPTIONS", URL: "/invokers", Headers: anyone, Status: 200}.check(t, a)
	if got := w.Header().Get("Access-Control-Allow-Methods"); got != "OPTIONS, GET, POST" {
		t.Errorf("outside the API: %q", got)
	}
}

func TestTransactionIDIsTheClientsUnlessItIsTheSystems(t *testing.T) {
	a := newAPI(t)
	get := func(id string) (header, body string) {
		w := scenario{Method: "GET", URL: ns + "actions/gone", Headers: map[string]string{"X-Request-ID": id}}.send(a)
		return w.Header().Get("X-Request-ID"), w.Body.String()
	}
	if id, body := get("mine"); id != "mine" || body != `{"error":"The requested resource does not exist.","code":"mine"}` {
		t.Errorf("got %q, %s", id, body)
	}
	random := regexp.MustCompile(`^[A-Za-z0-9]{32}$`)
	for _, sent := range []string{"", "sid_invoker", strings.Repeat("x", 1000)} {
		if id, body := get(sent); !random.MatchString(id) || !strings.Contains(body, `"code":"`+id+`"`) {
			t.Errorf("sent %.10q: got %q, %s", sent, id, body)
		}
	}
}

func TestOverlongURLIsRefused(t *testing.T) {
	scenario{
		Method: "GET", URL: ns + "actions?x=" + strings.Repeat("a", 8200), Status: 414,
		Contains: []string{"URI length exceeds the configured limit of 8192 characters", `"code":`},
	}.check(t, newAPI(t))
}

func TestAcceptIsHeededBySuccessesOnly(t *testing.T) {
	a := newAPI(t)
	accept := func(v string) map[string]string { return map[string]string{"Accept": v} }
	const text = `Resource representation is only available with these types:\napplication/json`
	run(t, a, []scenario{
		{Name: "text only", Method: "GET", URL: ns + "actions", Headers: accept("text/html"), Status: 406, Contains: []string{text}},
		{Name: "json refused", Method: "GET", URL: ns + "actions", Headers: accept("application/json;q=0, text/html"), Status: 406},
		{Name: "docs", Method: "GET", URL: ns + "activations?docs=true", Headers: accept("image/png"), Status: 406, Contains: []string{text}},
		{Name: "anything", Method: "GET", URL: ns + "actions", Headers: accept("text/html, */*;q=0.1"), Status: 200},
		{Name: "family", Method: "GET", URL: ns + "actions", Headers: accept("application/*"), Status: 200},
		{Name: "error", Method: "GET", URL: ns + "actions/gone", Headers: accept("text/html"), Status: 404, Contains: []string{"does not exist"}},
	})
}

func TestNamesAreCheckedBeforeRights(t *testing.T) {
	long := strings.Repeat("n", 257)
	const illegal, illegalNS = "The name of the entity contains illegal characters.", "The namespace contains illegal characters."
	run(t, newAPI(t), []scenario{
		{Name: "illegal name", Method: "GET", URL: ns + "actions/a$b", Status: 400, Contains: []string{illegal}},
		{Name: "blank name", Method: "PUT", URL: ns + "actions/%20", Body: hello, Status: 400, Contains: []string{illegal}},
		{Name: "slash in a name", Method: "GET", URL: ns + "actions/a%2Fb", Status: 400, Contains: []string{illegal}},
		{Name: "illegal package", Method: "GET", URL: ns + "actions/p$/", Status: 400, Contains: []string{illegal}},
		{Name: "illegal namespace", Method: "GET", URL: "/api/v1/namespaces/n$/actions", Status: 400, Contains: []string{illegalNS}},
		{Name: "long name", Method: "GET", URL: ns + "actions/" + long, Status: 400, Contains: []string{"Name segement longer than allowed: 257 > 256."}},
		{Name: "long namespace", Method: "GET", URL: "/api/v1/namespaces/" + long + "/rules", Status: 400, Contains: []string{"Namespace longer than allowed: 257 > 256."}},
	})
}

func TestForeignNamespacesAreForbiddenWhetherOrNotTheyExist(t *testing.T) {
	const no = "The supplied authentication is not authorized to access '"
	for _, other := range []string{"other", "unheard"} {
		base := "/api/v1/namespaces/" + other + "/"
		run(t, newAPI(t), []scenario{
			{Name: "actions", Method: "GET", URL: base + "actions", Status: 403, Contains: []string{no + other + "'."}},
			{Name: "triggers", Method: "GET", URL: base + "triggers", Status: 403, Contains: []string{no + other + "'."}},
			{Name: "rules", Method: "GET", URL: base + "rules", Status: 403},
			{Name: "activations", Method: "GET", URL: base + "activations", Status: 403},
			{Name: "one activation", Method: "GET", URL: base + "activations/" + someID, Status: 403},
			{Name: "limits", Method: "GET", URL: base + "limits", Status: 403, Contains: []string{no + other + "'."}},
			{Name: "an action", Method: "GET", URL: base + "actions/a", Status: 403, Contains: []string{no + other + "/a'."}},
			{Name: "in a package", Method: "POST", URL: base + "actions/p/a", Status: 403, Contains: []string{no + other + "/p'."}},
			{Name: "write", Method: "PUT", URL: base + "actions/a", Body: hello, Status: 403},
			{Name: "packages", Method: "GET", URL: base + "packages", Status: 200, Contains: []string{"[]"}},
		})
	}
}

func TestEmptyCollectionsAreListedAndCounted(t *testing.T) {
	a := newAPI(t)
	for _, of := range []string{"packages", "triggers", "rules", "actions", "activations"} {
		run(t, a, []scenario{
			{Name: of, Method: "GET", URL: ns + of, Status: 200, Contains: []string{"[]"}},
			{Name: of + " with slash", Method: "GET", URL: ns + of + "/", Status: 200, Contains: []string{"[]"}},
			{Name: of + " by name", Method: "GET", URL: "/api/v1/namespaces/guest/" + of, Status: 200, Contains: []string{"[]"}},
			{Name: of + " count", Method: "GET", URL: ns + of + "?count=true&skip=5", Status: 200, Contains: []string{fmt.Sprintf(`{%q:0}`, of)}},
			{Name: of + " limit", Method: "GET", URL: ns + of + "?limit=201", Status: 400, Contains: []string{
				`The query parameter 'limit' was malformed:\nThe value '201' is not in the range of 0 to 200 for ` + of + `.`,
			}},
			{Name: of + " negative limit", Method: "GET", URL: ns + of + "?limit=-1", Status: 400, Contains: []string{"The value '-1' is not in the range of 0 to 200 for " + of + "."}},
			{Name: of + " skip", Method: "GET", URL: ns + of + "?skip=-1", Status: 400, Contains: []string{
				`The query parameter 'skip' was malformed:\nThe value '-1' is not greater than or equal to 0 for ` + of + `.`,
			}},
			{Name: of + " no number", Method: "GET", URL: ns + of + "?limit=ten", Status: 400, Contains: []string{"The value 'ten' is not an integer for " + of + "."}},
			{Name: of + " no boolean", Method: "GET", URL: ns + of + "?count=Maybe", Status: 400, Contains: []string{
				`The query parameter 'count' was malformed:\n'maybe' is not a valid Boolean value`,
			}},
			{Name: of + " zero limit", Method: "GET", URL: ns + of + "?limit=0&skip=&count=no", Status: 200},
		})
	}
}

func TestLimitsShowWhatApplies(t *testing.T) {
	run(t, newAPI(t), []scenario{
		{Name: "limits", Method: "GET", URL: ns + "limits", Status: 200, Contains: []string{`"concurrentInvocations":30`, `"maxParameterSize":"1048576 B"`}},
		{Name: "with slash", Method: "GET", URL: ns + "limits/", Status: 200, Contains: []string{`"firesPerMinute":60`}},
		{Name: "inner", Method: "GET", URL: ns + "limits/x", Status: 400, Contains: []string{"Inner entity level routes for limits are not yet implemented."}},
	})
}

func TestDocumentationServesItself(t *testing.T) {
	a := newAPI(t)
	run(t, a, []scenario{
		{Name: "document", Method: "GET", URL: "/api/v1/api-docs", Headers: anyone, Status: 200, Contains: []string{
			`"swagger":`, `"ActionMeta"`, `"ActionExecMeta"`, `"RuleMeta"`, `"TriggerMeta"`,
			`"#/definitions/ActionMeta"`, `"#/definitions/ActionExecMeta"`, `"#/definitions/RuleMeta"`, `"#/definitions/TriggerMeta"`,
		}},
		{Name: "page", Method: "GET", URL: "/api/v1/docs/index.html?url=/api/v1/api-docs", Headers: anyone, Status: 200, Contains: []string{"<title>Swagger UI</title>"}},
		{Name: "script", Method: "GET", URL: "/api/v1/docs/docs.js", Headers: anyone, Status: 200, NotContains: []string{"innerHTML", "http://", "https://"}},
		{Name: "style", Method: "GET", URL: "/api/v1/docs/docs.css", Headers: anyone, Status: 200},
		{Name: "dummy", Method: "GET", URL: "/api/v1/docs/dummy", Status: 404},
	})
	w := scenario{Method: "GET", URL: "/api/v1/docs", Headers: anyone, Status: 308}.check(t, a)
	if got := w.Header().Get("Location"); got != "docs/index.html?url=/api/v1/api-docs" {
		t.Errorf("Location %q", got)
	}
}

func TestObserverSeesFewRoutes(t *testing.T) {
	a := newAPI(t)
	scenario{Method: "GET", URL: ns + "actions/gone"}.send(a)
	scenario{Method: "GET", URL: "/any/where"}.send(a)
	want := []string{"GET GET /api/v1/namespaces/{ns}/actions/{name} " + http.StatusText(404), "GET  " + http.StatusText(404)}
	if got := fmt.Sprint(a.observed); got != fmt.Sprint(want) {
		t.Errorf("got %s, want %s", got, want)
	}
	if !strings.Contains(a.log.String(), "level=DEBUG msg=request transaction=") || strings.Contains(a.log.String(), entity.FirstVersion.String()) {
		t.Errorf("log %s", a.log.String())
	}
}

func TestHeadIsGetWithoutABody(t *testing.T) {
	a := newAPI(t)
	w := scenario{Method: "HEAD", URL: ns + "actions/", Status: 200}.check(t, a)
	if w.Header().Get("Content-Length") != "2" || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("headers %v", w.Header())
	}
}

func TestErrorsWithoutACodeOfTheirOwnHaveThatOfTheirKind(t *testing.T) {
	a := newAPI(t)
	for url, want := range map[string]string{
		ns + "actions/gone": "GW1301", ns + "actions?limit=x": "GW1201", "/api/v1/namespaces/other/rules": "GW1304", "/api/v1/nothing": "",
	} {
		if got := (scenario{Method: "GET", URL: url}).send(a).Header().Get("X-Gowhisk-Error"); got != want {
			t.Errorf("%s: %q, want %q", url, got, want)
		}
	}
}
