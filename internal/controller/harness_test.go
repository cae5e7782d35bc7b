package controller_test

import (
	"context"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/auth"
	"github.com/gowhisk/gowhisk/internal/catalog"
	"github.com/gowhisk/gowhisk/internal/controller"
	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoke"
	"github.com/gowhisk/gowhisk/internal/manifest"
	"github.com/gowhisk/gowhisk/internal/store"
	"github.com/gowhisk/gowhisk/internal/store/pebble"
	"github.com/gowhisk/gowhisk/internal/trigger"
)

const kinds = `{"runtimes":{
  "nodejs":[{"kind":"nodejs:20","default":true,"image":{"prefix":"openwhisk","name":"nodejs","tag":"1"},"attached":{"attachmentName":"c"}},
            {"kind":"nodejs:12","deprecated":true,"image":{"name":"old"}}],
  "plain":[{"kind":"plain:1","image":{"name":"plain"}}],
  "java":[{"kind":"java:8","image":{"name":"java"},"requireMain":true,"attached":{"attachmentName":"c"}}]}}`

const (
	guestKey = "23bc46b1-71f6-4ed5-8c54-816aa4f8c502:123zO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP"
	otherKey = "789c46b1-71f6-4ed5-8c54-816aa4f8c502:abczO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP"
)

func basic(key string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(key)) }

// api is a REST interface over a real store, with an invoker that tests set.
type api struct {
	*controller.Controller
	db       *pebble.DB
	invoke   func(context.Context, invoke.Request) (invoke.Outcome, error)
	mint     entity.Mint
	accepted []invoke.Accepted // by the last fire
	log      strings.Builder
	mu       sync.Mutex
	observed []string // guarded by mu
	limits   func(*entitlement.Settings)
	states   map[string]string
	webHost  string
	placed   func(*entity.Action) entity.Parameters
	quiet    bool // for benchmarks
}

func (a *api) Invoke(ctx context.Context, req invoke.Request) (invoke.Outcome, error) {
	return a.invoke(ctx, req)
}

// NewID and Accept make it what a trigger.Firer accepts with.
func (a *api) NewID() entity.ActivationID { return a.mint.New(time.Now()) }

func (a *api) Accept(ctx context.Context, requests []invoke.Accepted, cause *entity.Activation, entries ...store.Entry) error {
	for _, r := range requests {
		defer r.Done()
	}
	a.accepted = requests
	return a.db.Queue().Accept(ctx, nil, cause, entries...)
}

func (a *api) Request(route, method string, status int, _ time.Duration) {
	if a.quiet {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.observed = append(a.observed, method+" "+route+" "+http.StatusText(status))
}

func (a *api) Invokers(context.Context) map[string]string { return a.states }

// newAPI starts an interface whose invoker answers every call with success.
func newAPI(t testing.TB, change ...func(*api)) *api {
	t.Helper()
	a := &api{invoke: echo, states: map[string]string{"invoker0/0": "up"}}
	for _, c := range change {
		c(a)
	}
	db, err := pebble.Open(t.Context(), t.TempDir(), pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	a.db = db
	for name, key := range map[string]string{"guest": guestKey, "other": otherKey} {
		uuid, secret, _ := strings.Cut(key, ":")
		if err := db.Subjects().PutSubject(t.Context(), entity.Subject{
			Name: name, Namespaces: []entity.Namespace{{Name: name, UUID: uuid, Key: secret}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	m, err := manifest.Parse([]byte(kinds))
	if err != nil {
		t.Fatal(err)
	}
	s := entitlement.DefaultSettings()
	s.InvocationsPerMinute = 1 << 30
	if a.limits != nil {
		a.limits(&s)
	}
	names := catalog.New(db.Entities(), time.Now)
	rights := entitlement.New(s, names, time.Now)
	kinds := func(context.Context) (*manifest.Manifest, error) { return m, nil }
	a.Controller, err = controller.New(controller.Config{
		Auth: auth.New(db.Subjects()), Entitlement: rights,
		Catalog: names, Manifest: kinds, Invoker: a, Activations: db.Activations(),
		Firer:  trigger.New(trigger.Config{Catalog: names, Entitlement: rights, Manifest: kinds, Acceptor: a}),
		Health: a, Observer: a, Now: time.Now, Build: controller.Build{Date: "today", Number: "7"}, WebHost: a.webHost, Placement: a.placed,
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "metric 1\n") }),
		Logger:  slog.New(slog.NewTextHandler(&a.log, &slog.HandlerOptions{Level: a.level()})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *api) level() slog.Level {
	if a.quiet {
		return slog.LevelError
	}
	return slog.LevelDebug
}

const someID = "0123456789abcdef0123456789abcdef"

// echo answers with the payload as result.
func echo(_ context.Context, req invoke.Request) (invoke.Outcome, error) {
	defer req.Done()
	if !req.Blocking {
		return invoke.Outcome{ID: someID}, nil
	}
	a := record(entity.Success, "")
	a.Response.Result = req.Payload
	return invoke.Outcome{ID: someID, Activation: a}, nil
}

func record(s entity.Status, result string) *entity.Activation {
	at := time.UnixMilli(1_700_000_000_000)
	return &entity.Activation{
		Namespace: "guest", Name: "hello", Local: "hello", Version: entity.FirstVersion, Subject: "guest", ID: someID,
		Start: at, End: at.Add(12 * time.Millisecond), Duration: 11 * time.Millisecond, Logs: []string{"printed"},
		Response:    entity.Response{Status: s, Result: []byte(result), Size: len(result)},
		Annotations: entity.Parameters{}.Set("path", `"guest/hello"`).Set("kind", `"nodejs:20"`),
	}
}

// scenario is one request and what its answer must look like.
type scenario struct {
	Name        string
	Method, URL string
	Body        string
	Headers     map[string]string // Authorization "" leaves it out; JSON is the default type of a body
	Status      int
	Contains    []string
	NotContains []string
}

const ns = "/api/v1/namespaces/_/"

func run(t *testing.T, h http.Handler, list []scenario) {
	t.Helper()
	for _, s := range list {
		t.Run(s.Name, func(t *testing.T) { s.check(t, h) })
	}
}

func (s scenario) check(t *testing.T, h http.Handler) *httptest.ResponseRecorder {
	t.Helper()
	w := s.send(h)
	body := w.Body.String()
	if w.Code != s.Status {
		t.Errorf("%s %s: status %d, want %d: %.500s", s.Method, s.URL, w.Code, s.Status, body)
	}
	for _, want := range s.Contains {
		if !strings.Contains(body, want) {
			t.Errorf("%s %s: no %q in %.500s", s.Method, s.URL, want, body)
		}
	}
	for _, not := range s.NotContains {
		if strings.Contains(body, not) {
			t.Errorf("%s %s: %q in %.500s", s.Method, s.URL, not, body)
		}
	}
	return w
}

func (s scenario) send(h http.Handler) *httptest.ResponseRecorder { return serve(h, s.request()) }

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func (s scenario) request() *http.Request {
	var body io.Reader
	if s.Body != "" {
		body = strings.NewReader(s.Body)
	}
	r := httptest.NewRequest(s.Method, "http://host"+s.URL, body)
	r.Header.Set("Authorization", basic(guestKey))
	if s.Body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for k, v := range s.Headers {
		r.Header.Set(k, v)
		if v == "" {
			r.Header.Del(k)
		}
	}
	return r
}

// put stores an action and fails the test if it cannot.
func (a *api) put(t testing.TB, name, body string) {
	t.Helper()
	s := scenario{Method: "PUT", URL: ns + "actions/" + name + "?overwrite=true", Body: body}
	if w := s.send(a); w.Code != http.StatusOK {
		t.Fatalf("PUT %s: %d %s", name, w.Code, w.Body)
	}
}

const hello = `{"exec":{"kind":"nodejs:default","code":"function main(a){return a}"}}`

// putDocument stores an entity that the interface cannot make.
func (a *api) putDocument(t testing.TB, of entity.Collection, name string) error {
	t.Helper()
	_, err := a.db.Entities().Put(t.Context(), store.Document{
		Name: entity.Name{Namespace: "guest", Name: name}, Collection: of, Updated: time.UnixMilli(1), Body: []byte("?"),
	}, nil)
	return err
}

// catalog is a second way into the store, for what the interface refuses.
func (a *api) catalog() *catalog.Catalog { return catalog.New(a.db.Entities(), time.Now) }
