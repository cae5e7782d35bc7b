package apigateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/apigateway"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store/pebble"
)

const server = "http://127.0.0.1:3233"

// world is a gateway over a real store; web actions answer with what they
// were asked.
type world struct {
	t    *testing.T
	dir  string
	db   *pebble.DB
	g    *apigateway.Gateway
	logs bytes.Buffer
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, dir: t.TempDir()}
	w.open()
	t.Cleanup(func() { _ = w.db.Close() })
	return w
}

func (w *world) open() {
	w.t.Helper()
	db, err := pebble.Open(w.t.Context(), w.dir, pebble.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.db = db
	w.g = apigateway.New(apigateway.Options{Registry: db.Registry(), Web: http.HandlerFunc(echo), URL: server})
}

// restart closes the store and opens it again.
func (w *world) restart() {
	w.t.Helper()
	if err := w.db.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.open()
}

// echo answers with the request as it arrived.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Access-Control-Allow-Origin", "of the action")
	fmt.Fprintf(w, "%s %s\nsecret %q\nforwarded %q\nupgrade %q\n%s", r.Method, r.RequestURI,
		r.Header.Get("X-Require-Whisk-Auth"), r.Header.Get("X-Forwarded-Url"), r.Header.Get("Upgrade"), body)
}

func (w *world) Printf(format string, args ...any) { fmt.Fprintf(&w.logs, format+"\n", args...) }
func (w *world) Errorf(format string, args ...any) { fmt.Fprintf(&w.logs, format+"\n", args...) }

type function func(context.Context, apigateway.Call) (json.RawMessage, error)

// as calls an action of apimgmt as a web action on behalf of a namespace.
func (w *world) as(user string, f function, args string) string {
	w.t.Helper()
	if user != "" {
		args = strings.Replace(args, "{", `{"__ow_user":"`+user+`",`, 1)
	}
	args = strings.Replace(args, "{", `{"__ow_method":"post","__ow_headers":{"host":"gw.example:8080"},`, 1)
	return w.call("whisk.system", f, strings.Replace(args, ",}", "}", 1))
}

// call calls it in a namespace.
func (w *world) call(namespace string, f function, args string) string {
	w.t.Helper()
	if !json.Valid([]byte(args)) {
		w.t.Fatalf("arguments are no JSON: %s", args)
	}
	id := &entity.Identity{Namespace: entity.Namespace{Name: namespace}}
	out, err := f(w.t.Context(), apigateway.Call{Identity: id, Args: json.RawMessage(args), Log: w})
	if err != nil {
		return "error: " + err.Error()
	}
	return string(out)
}

// endpoint is the argument that adds one to an API.
func endpoint(base, path, verb, action string) string {
	return fmt.Sprintf(`{"responsetype":"json","apidoc":%s}`, apidoc(base, path, verb, action))
}

func apidoc(base, path, verb, action string) string {
	return fmt.Sprintf(`{"namespace":"_","gatewayBasePath":%q,"gatewayPath":%q,"gatewayMethod":%q,"action":{"name":%q,"namespace":"_",`+
		`"backendMethod":%q,"backendUrl":"%s/api/v1/web/_/default/%s.http","authkey":"a:b"}}`, base, path, verb, action, verb, server, action)
}

// created asserts that the API was created and returns its URL below the
// server.
func created(t *testing.T, result string) string {
	t.Helper()
	var r struct {
		StatusCode int
		Body       struct{ GwAPIURL string }
	}
	if err := json.Unmarshal([]byte(result), &r); err != nil || r.StatusCode != 200 {
		t.Fatalf("result is %s", result)
	}
	return strings.TrimPrefix(r.Body.GwAPIURL, server)
}

func (w *world) request(method, path string, headers ...string) *http.Response {
	w.t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	out := httptest.NewRecorder()
	w.g.ServeHTTP(out, r)
	return out.Result()
}

// get returns status and body.
func (w *world) get(method, path string, headers ...string) string {
	w.t.Helper()
	r := w.request(method, path, headers...)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return fmt.Sprintf("%d %s", r.StatusCode, body)
}
