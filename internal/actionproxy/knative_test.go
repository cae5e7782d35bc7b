package actionproxy_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
)

// service is the Knative platform with what it prints.
type service struct {
	t       testing.TB
	k       *actionproxy.Knative
	http    *httptest.Server
	printed *output
}

// output is written by the proxy and read by the test.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// supervised is a launcher for the platform.
func supervised(t testing.TB, family string, concurrent bool) *actionproxy.Supervisor {
	t.Helper()
	h, dir := host(t, family), t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	local := actionproxy.Local{Host: h, Launchers: launchers(t), Self: []string{self, "launch", family}, Collect: true,
		Environ: []string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp", "__OW_API_HOST=http://api", "NAME=Bob"}, Dir: dir}
	s, err := actionproxy.NewSupervisor(actionproxy.SupervisorOptions{Family: h.Family, Start: local.Start,
		Build: sharedCache(t, local).Build, Dir: filepath.Join(dir, "action"), Concurrent: concurrent, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func knative(t testing.TB, opts actionproxy.KnativeOptions) *service {
	t.Helper()
	s := &service{t: t, printed: &output{}}
	opts.Log = slog.New(slog.NewTextHandler(s.printed, nil))
	s.k = actionproxy.NewKnative(opts)
	s.http = httptest.NewServer(s.k)
	t.Cleanup(func() {
		s.http.Close()
		if err := s.k.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// stem is a service that an init makes an action's.
func stem(t testing.TB, family string) *service {
	t.Helper()
	return knative(t, actionproxy.KnativeOptions{Runtime: supervised(t, family, false), Concurrency: 1, Node: family == "nodejs"})
}

// dedicated is a service whose image has the action; members are those of its file beside the code.
func dedicated(t testing.TB, code, members string) *service {
	t.Helper()
	return knative(t, actionproxy.KnativeOptions{Runtime: supervised(t, "nodejs", false), Action: baked(t, code, members), Concurrency: 1, Node: true})
}

func baked(t testing.TB, code, members string) *actionproxy.Action {
	t.Helper()
	dir := t.TempDir()
	if members != "" {
		members = "," + members
	}
	files := map[string]string{"code.js": code, "action.json": `{"namespace":"guest","name":"hello","code":"code.js"` + members + `}`}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a, err := actionproxy.ReadAction(filepath.Join(dir, "action.json"))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// reply is an answer.
type reply struct {
	status int
	header http.Header
	body   string
}

// send makes a request; headers are "Name: value".
func (s *service) send(method, path, body string, headers ...string) reply {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.http.URL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(text)}
}

const sendsJSON = "Content-Type: application/json"

func (s *service) post(body string) reply {
	s.t.Helper()
	return s.send("POST", "/", body, sendsJSON)
}

func (s *service) want(got reply, status int, body string) {
	s.t.Helper()
	text := got.body
	var b bytes.Buffer
	if json.Compact(&b, []byte(text)) == nil {
		text = b.String()
	}
	if got.status != status || !strings.Contains(text, body) {
		s.t.Errorf("got %d %.400s, want %d %s", got.status, got.body, status, body)
	}
}

const (
	echo     = `function main(a) { return a; }`
	exported = `"annotations":[{"key":"web-export","value":true}]`
)

func initOf(code string) string {
	return `"init":{"name":"hello","main":"main","code":` + quote(code) + `}`
}

func TestStemCellIsInitializedAndRunThroughOneEntryPoint(t *testing.T) {
	s := stem(t, "nodejs")
	s.want(s.post(`{"activation":{},"value":{}}`), 403, `{"error":"System not initialized."}`)
	s.want(s.send("GET", "/", ""), 403, "System not initialized.")
	s.want(s.post(`{`+initOf(echo)+`}`), 200, `{"OK":true}`)
	s.want(s.post(`{"activation":{},"value":{"a":1}}`), 200, `{"a":1}`)
	s.want(s.post(`{"a":2}`), 200, `{"a":2}`)
	s.want(s.post(`{`+initOf(echo)+`}`), 403, `{"error":"Cannot initialize the action more than once."}`)
	s.want(s.post(`{"activation":{},"value":[1]}`), 200, `[1]`)
	s.want(s.send("GET", "/", ""), 405, "HTTP method not allowed, supported methods: POST")
}

func TestInitAndRunInOneRequest(t *testing.T) {
	for kind, code := range map[string]string{"nodejs": echo, "bash": "cat"} {
		s := stem(t, kind)
		s.want(s.post(`{`+initOf(code)+`,"activation":{"activation_id":"a1"},"value":{"a":1}}`), 200, `{"a":1}`)
	}
}

func TestDedicatedImageNeedsNoInitAndTakesNone(t *testing.T) {
	s := dedicated(t, echo, `"parameters":[{"key":"p","value":1},{"key":"q","value":{"r":2}},{"key":"s","value":"x","init":true}]`)
	s.want(s.post(`{"value":{"a":1},"activation":{}}`), 200, `{"p":1,"q":{"r":2},"a":1}`)
	s.want(s.post(`{`+initOf(`function main() { return {other: 1}; }`)+`}`), 403, "dedicated to one action")
	s.want(s.post(`{"q":2}`), 200, `{"p":1,"q":2}`)
	s.want(s.post(``), 200, `{"p":1,"q":{"r":2}}`)
	s.want(s.send("POST", "/?p=z&a=b", `a=c`, "Content-Type: application/x-www-form-urlencoded"), 200, `{"q":{"r":2},"a":"c","p":"z"}`)
}

func TestActivationBecomesTheEnvironmentOfTheRun(t *testing.T) {
	const env = `function main() { const e = process.env; return {n: e.__OW_ACTION_NAME, i: e.__OW_ACTIVATION_ID, k: e.__OW_API_KEY, s: e.__OW_NAMESPACE, h: e.__OW_API_HOST, d: Number(e.__OW_DEADLINE) > Date.now(), x: e.__OW_X, t: e.__OW_TRACEPARENT, name: e.NAME}; }`
	s := dedicated(t, env, "")
	for _, activation := range []string{`{"action_name":"","activation_id":"i2"}`, `{"activation_id":"i2"}`, `{"action_name":null,"activation_id":"i2"}`} {
		got := s.post(`{"activation":` + activation + `,"value":{}}`)
		s.want(got, 200, `{"n":"/guest/hello","i":"i2","s":"guest","h":"http://api","d":true,"name":"Bob"}`)
		if id := got.header.Get("X-Openwhisk-Activation-Id"); id != "i2" {
			t.Errorf("activation id %q", id)
		}
	}
	s.want(s.send("POST", "/", `{"activation":{"action_name":"/a/b","activation_id":"i1","x":"y"},"value":{}}`, "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), 200, `"t":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"`)
	s.want(s.post(`{"activation":{"action_name":"/a/b","activation_id":"i1","api_key":"k=1=2","namespace":"ns","x":"a=b","y":{"z":1}},"value":{}}`), 200,
		`{"n":"/a/b","i":"i1","k":"k=1=2","s":"ns","h":"http://api","d":true,"x":"a=b","name":"Bob"}`)
}

func TestUnknownRoutesAndBadBodiesAreAnsweredInJSON(t *testing.T) {
	s := dedicated(t, echo, "")
	s.want(s.send("POST", "/bad", "{}", sendsJSON), 404, `{"error":"The requested resource could not be found."`)
	s.want(s.send("POST", "/init", "{}", sendsJSON), 404, `{"error":"The requested resource could not be found."`)
	for body, want := range map[string]string{`{"a":`: "Error unmarshaling request: ", `3`: "did not receive a dictionary or array", `{"activation":3}`: "Error unmarshaling request: "} {
		got := s.post(body)
		s.want(got, 400, want)
		if got.header.Get("Content-Type") != "application/json" || !json.Valid([]byte(got.body)) {
			t.Errorf("%s: got %v %s", body, got.header, got.body)
		}
	}
}

func TestResultsThatAreNoneAndErrorsAreFailures(t *testing.T) {
	s := dedicated(t, `function main(a) { if (a.text) return 'text'; if (a.throw) throw new Error('x'); return {error: a.e}; }`, "")
	s.want(s.post(`{"e":"no"}`), 502, `{"error":"no"}`)
	s.want(s.post(`{"text":1}`), 502, `The action did not return a dictionary`)
	s.want(s.post(`{"throw":1}`), 502, `An error has occurred: Error: x`)
	s.want(s.post(`{"e":{"m":1}}`), 502, `{"error":{"m":1}}`) // the action is there again
}

// eventually asks until the answer is as wanted.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick, late := time.NewTicker(5*time.Millisecond), time.After(30*time.Second)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s: not within 30 s", what)
		}
	}
}

func TestProbesTellWhetherTheActionCanRun(t *testing.T) {
	good := dedicated(t, `function main(a) { if (a.exit) process.exit(1); return {}; }`, "")
	eventually(t, "ready", func() bool { return good.send("GET", "/readyz", "").status == 200 })
	good.want(good.post(`{"exit":1}`), 502, "exited unexpectedly")
	eventually(t, "ready again without a request", func() bool { return good.send("GET", "/readyz", "").status == 200 })
	good.want(good.send("GET", "/healthz", ""), 200, `{"ok":true}`)
	good.k.Drain()
	good.want(good.send("GET", "/readyz", ""), 503, "about to end")
	good.want(good.post(`{}`), 200, `{}`)

	broken := dedicated(t, `function other() {}`, "")
	eventually(t, "unhealthy", func() bool { return broken.send("GET", "/healthz", "").status == 503 })
	broken.want(broken.send("GET", "/readyz", ""), 503, "is not a function")

	cell := stem(t, "nodejs")
	eventually(t, "warm", func() bool { return cell.send("GET", "/readyz", "").status == 200 })
	cell.want(cell.post(`{`+initOf(`not js(`)+`}`), 502, "Initialization has failed due to")
	cell.want(cell.send("GET", "/healthz", ""), 200, "")
}

func TestDeadlinesEndTheRunAndTheActionComesBack(t *testing.T) {
	s := dedicated(t, `function main(a) { while (a.spin); return {}; }`, `"limits":{"timeout":400}`)
	eventually(t, "ready", func() bool { return s.send("GET", "/readyz", "").status == 200 })
	s.want(s.post(`{"spin":true}`), 502, `{"error":"The action exceeded its time limits of 400 milliseconds."}`)
	eventually(t, "back", func() bool { return s.post(`{}`).status == 200 })
}

func TestConcurrencyOfTheContainerIsHonoured(t *testing.T) {
	const gauge = `let n = 0, most = 0; async function main(a) { most = Math.max(most, ++n); await new Promise(r => setTimeout(r, 30)); n--; return {most}; }`
	for _, limit := range []int{1, 3} {
		s := knative(t, actionproxy.KnativeOptions{Runtime: supervised(t, "nodejs", limit != 1), Action: baked(t, gauge, ""), Concurrency: limit, Node: true})
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if got := s.post(`{}`); got.status != 200 {
					t.Errorf("got %d %s", got.status, got.body)
				}
			})
		}
		wg.Wait()
		if got := s.post(`{}`).body; got != map[int]string{1: `{"most":1}`, 3: `{"most":3}`}[limit] {
			t.Errorf("limit %d: got %s", limit, got)
		}
	}
}

func TestGatewayGetsResultLogsAndTimes(t *testing.T) {
	const code = `const first = process.env.__OW_ACTIVATION_ID; function main(a) { console.log('out', a.n); console.error('err'); if (a.fail) return {error: 'x'}; if (a.trace) return {p: process.env.__OW_TRACEPARENT, s: process.env.__OW_TRACESTATE}; return {id: process.env.__OW_ACTIVATION_ID, h: process.env.__OW_API_HOST, first, e: process.env.E}; }`
	s := knative(t, actionproxy.KnativeOptions{Runtime: supervised(t, "nodejs", false), Action: baked(t, code, exported), GatewayKey: "k", Node: true})
	ask := func(body string, headers ...string) (int, actionproxy.ActivationAnswer) {
		got := s.send("POST", "/", body, append(headers, "Accept: "+actionproxy.ActivationMediaType)...)
		var a actionproxy.ActivationAnswer
		if err := json.Unmarshal([]byte(got.body), &a); err != nil {
			t.Fatalf("%v: %s", err, got.body)
		}
		return got.status, a
	}
	if status, _ := ask(`{}`); status != 401 {
		t.Errorf("without the key: %d", status)
	}
	s.want(s.post(`{"activation":{},"value":{}}`), 401, "Authentication is possible")
	status, a := ask(`{"n":5}`, "Authorization: Bearer k", "X-Whisk-Activation-Id: i7", "X-Whisk-Api-Host: http://other", "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", actionproxy.InitEnvHeader+`: {"E":"given","__OW_ACTIVATION_ID":"forged"}`)
	if status != 200 || a.Status != 200 || a.ActivationID != "i7" || string(a.Result) != `{"id":"i7","h":"http://other","first":"i7","e":"given"}` || a.End < a.Start || a.TimedOut {
		t.Errorf("got %d %+v", status, a)
	}
	logs := strings.Join(a.Logs, "\n")
	if len(a.Logs) != 2 || !strings.Contains(logs, " stdout: out 5") || !strings.Contains(logs, " stderr: err") {
		t.Errorf("logs %q", a.Logs)
	}
	if _, a := ask(`{"trace":1}`, "Authorization: Bearer k", "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "tracestate: a=1"); string(a.Result) != `{"p":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01","s":"a=1"}` {
		t.Errorf("got %+v", a)
	}
	if _, a := ask(`{"trace":1}`, "Authorization: Bearer k"); string(a.Result) != `{}` {
		t.Errorf("without a trace: %+v", a)
	}
	if _, a := ask(`{"fail":1}`, "Authorization: Bearer k"); a.Status != 200 || string(a.Result) != `{"error":"x"}` || len(a.ActivationID) != 32 || a.InitTime != 0 || a.InitFailed {
		t.Errorf("got %+v", a)
	}
	s.want(s.send("POST", "/", "3", "Authorization: Bearer k", "Accept: "+actionproxy.ActivationMediaType), 400, "did not receive")
}

func TestGatewayIsToldWhatTheActionHasNotSeen(t *testing.T) {
	s := knative(t, actionproxy.KnativeOptions{Runtime: supervised(t, "nodejs", false), Action: baked(t, `function main() { return {} }`, exported), GatewayKey: "k"})
	for name, row := range map[string]struct {
		body, key string
		refused   bool
	}{
		"another's key":    {`{}`, "j", true},
		"no arguments":     {`3`, "k", true},
		"what it has seen": {`{}`, "k", false},
	} {
		got := s.send("POST", "/", row.body, "Authorization: Bearer "+row.key, "Accept: "+actionproxy.ActivationMediaType)
		if refused := got.header.Get(actionproxy.RefusedHeader) != ""; refused != row.refused {
			t.Errorf("%s: %d with %v", name, got.status, got.header)
		}
	}
}

func TestTracingTellsOfRequestsAndNotOfArguments(t *testing.T) {
	log := &output{}
	logger := slog.New(slog.NewTextHandler(log, nil))
	rt := actionproxy.TraceRuntime(supervised(t, "nodejs", false), logger)
	k := actionproxy.NewKnative(actionproxy.KnativeOptions{Runtime: rt, Action: baked(t, echo, ""), Node: true, Log: logger})
	defer func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	}()
	w := httptest.NewRecorder()
	actionproxy.Trace(k, logger).ServeHTTP(w, httptest.NewRequest("POST", "/", strings.NewReader(`{"secret":"s3cret"}`)))
	if w.Code != 200 || !strings.Contains(w.Body.String(), "s3cret") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	for _, want := range []string{"msg=request", "msg=init", "msg=run", "msg=answer", "status=200"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %s in\n%s", want, log)
		}
	}
	if strings.Contains(log.String(), "s3cret") {
		t.Errorf("an argument is in\n%s", log)
	}
}
