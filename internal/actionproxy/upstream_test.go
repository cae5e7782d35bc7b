package actionproxy_test

import (
	"encoding/json"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
)

// shimmed is the Knative platform in front of a foreign runtime.
type shimmed struct {
	*service
	upstream *actionproxy.Upstream
	out, err *output
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// shim starts the foreign runtime in a mode; action may be nil.
func shim(t testing.TB, mode string, action *actionproxy.Action) *shimmed {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &shimmed{out: &output{}, err: &output{}}
	s.upstream = actionproxy.NewUpstream(actionproxy.UpstreamOptions{
		Shim:    actionproxy.Shim{Command: []string{self, "foreign", mode}, Port: freePort(t), Env: []string{"X=1"}},
		Environ: []string{"__OW_API_HOST=http://api"}, Stdout: s.out, Stderr: s.err, Log: slog.New(slog.DiscardHandler),
	})
	s.service = knative(t, actionproxy.KnativeOptions{Runtime: s.upstream, Action: action, Concurrency: 1, GatewayKey: "k"})
	return s
}

// activation asks as the gateway does.
func (s *shimmed) activation(body string) actionproxy.ActivationAnswer {
	s.t.Helper()
	got := s.send("POST", "/", body, "Accept: "+actionproxy.ActivationMediaType, "Authorization: Bearer k", "X-Whisk-Activation-Id: i1", "X-Whisk-Api-Key: a:b=c")
	var a actionproxy.ActivationAnswer
	if err := json.Unmarshal([]byte(got.body), &a); err != nil {
		s.t.Fatalf("%v: %s", err, got.body)
	}
	return a
}

func (s *shimmed) envelope(body string) reply {
	s.t.Helper()
	return s.send("POST", "/", body, sendsJSON, "Authorization: Bearer k")
}

func TestShimInitializesOnceHoweverManyComeFirst(t *testing.T) {
	s := shim(t, "", baked(t, "word", `"env":{"K":"v"}`))
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { s.want(s.post(`{"a":1}`), 200, `"inits":1`) })
	}
	wg.Wait()
	if !strings.Contains(s.out.String(), "init of hello main false v") {
		t.Errorf("printed %s", s.out)
	}
}

func TestShimPassesTheActivationAndReturnsItsLogs(t *testing.T) {
	s := shim(t, "", baked(t, "word", ""))
	for range 3 {
		a := s.activation(`{"n":1}`)
		var result struct {
			Code, Host string
			Body       map[string]any
		}
		if err := json.Unmarshal(a.Result, &result); err != nil {
			t.Fatal(err)
		}
		if a.Status != 200 || result.Code != "word" || result.Host != "http://api" || result.Body["activation_id"] != "i1" || result.Body["api_key"] != "a:b=c" ||
			result.Body["action_name"] != "/guest/hello" || result.Body["deadline"] == nil {
			t.Errorf("got %d %+v", a.Status, result)
		}
		logs := strings.Join(a.Logs, "\n")
		if !strings.Contains(logs, ` stdout: out "i1"`) || !strings.Contains(logs, " stderr: err without line feed") || strings.Contains(logs, "XXX_") || strings.Count(logs, " stdout: out") != 1 {
			t.Errorf("logs %q", a.Logs)
		}
	}
	if strings.Contains(s.out.String()+s.err.String(), "XXX_") {
		t.Error("sentinels are printed")
	}
}

func TestShimTakesLogsWithoutSentinels(t *testing.T) {
	s := shim(t, "silent", baked(t, "word", ""))
	eventually(t, "logs", func() bool { return strings.Contains(strings.Join(s.activation(`{}`).Logs, "\n"), ` stdout: out "i1"`) })
}

func TestShimIsAStemCellUntilItsInit(t *testing.T) {
	s := shim(t, "", nil)
	eventually(t, "warm", func() bool { return s.send("GET", "/readyz", "").status == 200 })
	s.want(s.post(`{}`), 403, "System not initialized.")
	s.want(s.envelope(`{`+initOf("broken")+`}`), 502, `{"error":"broken"}`)
	s.want(s.envelope(`{`+initOf("good")+`,"activation":{},"value":{"name":"n"}}`), 200, `"value":{"name":"n"}`)
	s.want(s.envelope(`{`+initOf("good")+`}`), 403, "Cannot initialize the action more than once.")
}

func TestShimServesWebActionsAndEvents(t *testing.T) {
	s := shim(t, "", baked(t, "word", exported))
	s.want(s.send("GET", "/hello.json/x?a=1", ""), 200, `"__ow_path":"/x"`)
	s.want(s.send("POST", "/", `{"q":1}`, "Ce-Specversion: 1.0", "Ce-Id: 1", "Ce-Type: t", "Ce-Source: s", sendsJSON), 204, "")
}

func TestShimBringsBackARuntimeThatEndsOrHangs(t *testing.T) {
	s := shim(t, "", baked(t, "word", `"limits":{"timeout":2000}`))
	eventually(t, "ready", func() bool { return s.send("GET", "/readyz", "").status == 200 })
	s.want(s.post(`{"do":"exit"}`), 502, `{"error":"command exited"}`)
	s.want(s.post(`{}`), 200, `"inits":1`)
	s.want(s.post(`{"do":"hang"}`), 502, "exceeded its time limits of 2000 milliseconds.")
	s.want(s.post(`{}`), 200, `"inits":1`)
}

func TestShimPassesSignalsOnAndEndsTheRuntimeGracefully(t *testing.T) {
	s := shim(t, "", baked(t, "word", ""))
	s.want(s.post(`{}`), 200, "")
	s.upstream.Signal(syscall.SIGUSR1)
	eventually(t, "signal", func() bool { return strings.Contains(s.out.String(), "got SIGUSR1") })
	if err := s.upstream.Close(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(s.out.String(), "got SIGTERM") {
		t.Errorf("printed %s", s.out)
	}
}

func TestShimTellsWhyARuntimeDoesNotStart(t *testing.T) {
	s := shim(t, "dead", baked(t, "word", ""))
	s.want(s.post(`{}`), 502, "cannot start action")
	if !strings.Contains(s.err.String(), "no way") {
		t.Errorf("printed %s", s.err)
	}
	eventually(t, "unhealthy", func() bool { return s.send("GET", "/healthz", "").status == 503 })
}

func TestShimPacksTheFolderOfAnImage(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"code/main.txt": "text", "action.json": `{"name":"hello","code":"code"}`} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a, err := actionproxy.ReadAction(filepath.Join(dir, "action.json"))
	if err != nil {
		t.Fatal(err)
	}
	s := shim(t, "", a)
	s.want(s.post(`{}`), 200, `"code":"UEsDB`)
	if !strings.Contains(s.out.String(), "init of hello main true") {
		t.Errorf("printed %s", s.out)
	}
}

func TestShimSpeaksToARuntimeThatOthersStarted(t *testing.T) {
	first := shim(t, "", baked(t, "word", ""))
	first.want(first.post(`{}`), 200, "")
	rt := actionproxy.NewUpstream(actionproxy.UpstreamOptions{Shim: actionproxy.Shim{Port: freePort(t)}, Log: slog.New(slog.DiscardHandler)})
	s := knative(t, actionproxy.KnativeOptions{Runtime: rt, Action: baked(t, "word", `"limits":{"timeout":50}`)})
	begin := time.Now()
	s.want(s.post(`{}`), 502, "exceeded its time limits of 50 milliseconds during initialization.")
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
}
