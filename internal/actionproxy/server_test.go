package actionproxy_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/protocol"
)

// container is a server with files for its two log streams.
type container struct {
	t              testing.TB
	server         *actionproxy.Server
	http           *httptest.Server
	stdout, stderr *os.File
}

func serveKind(t testing.TB, family string, change func(*actionproxy.ServerOptions)) *container {
	t.Helper()
	h := host(t, family)
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &container{t: t, stdout: appended(t, dir, "stdout"), stderr: appended(t, dir, "stderr")}
	local := actionproxy.Local{Host: h, Launchers: launchers(t), Self: []string{self, "launch", family},
		Environ: []string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp", "__OW_API_HOST=http://api"}, Dir: dir, Stdout: c.stdout, Stderr: c.stderr}
	opts := actionproxy.ServerOptions{Family: h.Family, Start: local.Start, Build: sharedCache(t, local).Build, Dir: filepath.Join(dir, "action"),
		Stdout: c.stdout, Stderr: c.stderr, LogInitError: true, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&opts)
	}
	if c.server, err = actionproxy.NewServer(opts); err != nil {
		t.Fatal(err)
	}
	c.http = httptest.NewServer(c.server)
	t.Cleanup(func() {
		c.http.Close()
		if err := c.server.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// sharedCache spares the tests to compile the standard library again and again.
func sharedCache(t testing.TB, l actionproxy.Local) actionproxy.Local {
	l.Dir = filepath.Dir(launchers(t))
	return l
}

func appended(t testing.TB, dir, name string) *os.File {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func (c *container) post(path, body string) (int, string) {
	c.t.Helper()
	res, err := http.Post(c.http.URL+path, "application/json", strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.ContentLength != int64(len(text)) {
		c.t.Errorf("%s: Content-Length %d, body of %d, %v", path, res.ContentLength, len(text), err)
	}
	return res.StatusCode, string(text)
}

func (c *container) init(in protocol.Init) (int, string) {
	c.t.Helper()
	body, err := json.Marshal(protocol.InitRequest{Value: in})
	if err != nil {
		c.t.Fatal(err)
	}
	return c.post("/init", string(body))
}

func (c *container) mustInit(in protocol.Init) {
	c.t.Helper()
	if status, body := c.init(in); status != 200 {
		out, err := c.logs()
		c.t.Fatalf("init: %d %s\n%s\n%s", status, body, out, err)
	}
}

func (c *container) run(value string) (int, string) {
	c.t.Helper()
	return c.post("/run", string(request(value).Append(nil)))
}

// logs are the two streams since the start.
func (c *container) logs() (stdout, stderr string) {
	c.t.Helper()
	var all [2]string
	for i, f := range []*os.File{c.stdout, c.stderr} {
		text, err := os.ReadFile(f.Name())
		if err != nil {
			c.t.Fatal(err)
		}
		all[i] = string(text)
	}
	return all[0], all[1]
}

func (c *container) wantRun(value string, status int, body string) {
	c.t.Helper()
	if got, text := c.run(value); got != status || compact([]byte(text)) != compact([]byte(body)) {
		c.t.Errorf("got %d %.300s, want %d %.300s", got, text, status, body)
	}
}

func zipped(t testing.TB, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range files {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

const echoLoop = "#!/bin/bash\nwhile read -r l; do echo '{\"ok\":1}' >&3; done"

func TestServerRefusesASecondInit(t *testing.T) {
	c := serveKind(t, "python", nil)
	in := protocol.Init{Main: "main", Code: "def main(a):\n  return {}"}
	c.mustInit(in)
	status, body := c.init(in)
	if status != 403 || body != `{"error":"Cannot initialize the action more than once."}` {
		t.Errorf("got %d %s", status, body)
	}
	if out, _ := c.logs(); !strings.Contains(out, "Cannot initialize the action more than once.") {
		t.Errorf("not logged: %q", out)
	}
	c.wantRun(`{}`, 200, `{}`)
}

func TestServerReinitReplacesTheActionWherePermitted(t *testing.T) {
	c := serveKind(t, "bash", func(o *actionproxy.ServerOptions) { o.Reinit = true })
	for _, n := range []string{"1", "2"} {
		c.mustInit(protocol.Init{Code: `echo '{"n":` + n + `}'`})
		c.wantRun(`{}`, 200, `{"n":`+n+`}`)
	}
}

func TestServerInitRefusals(t *testing.T) {
	for _, tc := range []struct {
		family, body string
		status       int
		want         string
	}{
		{"python", `{"value":{"main":"main","code":""}}`, 403, "Missing main/no code to execute."},
		{"python", `{}`, 403, "Missing main/no code to execute."},
		{"python", `not json`, 400, "Error unmarshaling request: invalid character 'o' in literal null (expecting 'u')"},
		{"python", `{"value":{"main":"main","code":"!","binary":true}}`, 400, "cannot decode the action's code: illegal base64 data at input byte 0"},
		{"python", `{"value":{"main":"main","code":"` + base64.StdEncoding.EncodeToString([]byte("PK\x03\x04broken")) + `","binary":true}}`, 502,
			"The action failed to generate or locate a binary. See logs for details."},
		{"nodejs", `{"value":{"code":"x"}}`, 403, "Missing main/no code to execute."},
		{"nodejs", `{"value":{"main":"main"}}`, 403, "Missing main/no code to execute."},
		{"nodejs", `not json`, 500, "Bad request."},
		{"blackbox", `{}`, 404, "The action did not receive a dictionary or array as an argument."},
	} {
		t.Run(tc.family+" "+tc.want, func(t *testing.T) {
			c := serveKind(t, tc.family, nil)
			status, body := c.post("/init", tc.body)
			if status != tc.status || body != `{"error":`+quote(tc.want)+`}` {
				t.Errorf("got %d %s", status, body)
			}
			good := map[string]string{"python": "def main(a):\n  return {'ok': 1}", "nodejs": "function main() { return {ok: 1}; }", "blackbox": "#!/bin/sh\necho '{\"ok\":1}'"}
			c.mustInit(protocol.Init{Main: "main", Code: good[tc.family]})
			c.wantRun(`{}`, 200, `{"ok":1}`)
		})
	}
}

func TestServerInitAnswersAsTheRuntimesDo(t *testing.T) {
	for family, want := range map[string]string{"nodejs": `{"OK":true}`, "python": `{"ok":true}`, "blackbox": `OK`} {
		c := serveKind(t, family, nil)
		code := map[string]string{"nodejs": "exports.main = () => {}", "python": "def main(a): pass", "blackbox": ""}[family]
		if status, body := c.init(protocol.Init{Main: "main", Code: code}); status != 200 || body != want {
			t.Errorf("%s: got %d %s", family, status, body)
		}
	}
}

func TestServerRunsBeforeInit(t *testing.T) {
	for _, tc := range []struct {
		family string
		status int
		want   string
	}{
		{"python", 500, "no action defined yet"}, {"nodejs", 403, "System not initialized."},
		{"blackbox", 200, "This is a stub action. Replace it with custom logic."},
	} {
		c := serveKind(t, tc.family, nil)
		c.wantRun(`{}`, tc.status, `{"error":`+quote(tc.want)+`}`)
		if tc.family == "blackbox" {
			c.mustInit(protocol.Init{Code: "#!/bin/sh\necho '{\"ok\":1}'"})
			c.wantRun(`{}`, 200, `{"ok":1}`)
		}
	}
}

func TestServerBadRunBodies(t *testing.T) {
	for family, status := range map[string]int{"python": 400, "nodejs": 500} {
		c := serveKind(t, family, nil)
		for _, body := range []string{"", "x", "[1]", `{"value":`, "null"} {
			if got, text := c.post("/run", body); got != status {
				t.Errorf("%s %q: got %d %s", family, body, got, text)
			}
		}
	}
}

func TestServerEndsEveryRunWithSentinels(t *testing.T) {
	c := serveKind(t, "python", nil)
	c.mustInit(protocol.Init{Code: "import sys\ndef main(a):\n  print('out')\n  print('err', file=sys.stderr)\n  return a.get('r')"})
	c.wantRun(`{"r":{}}`, 200, `{}`)
	c.wantRun(`{}`, 502, noResult)
	out, err := c.logs()
	if want := strings.Repeat("out\n"+protocol.LogSentinel+"\n", 2); out != want {
		t.Errorf("stdout: %q", out)
	}
	if want := strings.Repeat("err\n"+protocol.LogSentinel+"\n", 2); err != want {
		t.Errorf("stderr: %q", err)
	}
}

func TestServerAnswersWhenTheActionDies(t *testing.T) {
	for _, tc := range []struct {
		family, code  string
		status, later int
		want, after   string
	}{
		{"python", "import os\ndef main(a):\n  os._exit(1)", 400, 500, "command exited", "no action defined yet"},
		{"python", "import os\ndef main(a):\n  os.close(3)\n  return {}", 400, 500, "command exited", "no action defined yet"},
		{"go", "#!/bin/bash\nread l; exit 0", 400, 500, "command exited", "no action defined yet"},
		{"nodejs", "exports.main = () => process.exit(1)", 502, 403,
			"The action did not produce a valid response and exited unexpectedly.", "System not ready, status is stopped."},
	} {
		t.Run(tc.family, func(t *testing.T) {
			c := serveKind(t, tc.family, nil)
			c.mustInit(protocol.Init{Main: "main", Code: tc.code})
			c.wantRun(`{}`, tc.status, `{"error":`+quote(tc.want)+`}`)
			c.wantRun(`{}`, tc.later, `{"error":`+quote(tc.after)+`}`)
			if out, err := c.logs(); !strings.HasSuffix(out, protocol.LogSentinel+"\n") || !strings.HasSuffix(err, protocol.LogSentinel+"\n") {
				t.Errorf("no sentinels: %q %q", out, err)
			}
		})
	}
}

func TestServerAnswersAtOnceWhenTheActionDiedBetweenRuns(t *testing.T) {
	c := serveKind(t, "go", nil)
	c.mustInit(protocol.Init{Code: "#!/bin/bash\nread l; echo '{\"pid\":'$$'}' >&3; exit 0"})
	status, body := c.run(`{}`)
	if status != 200 {
		t.Fatalf("got %d %s", status, body)
	}
	// The exit may be noticed before the next run is sent, or by it.
	if status, body = c.run(`{}`); status != 500 && status != 400 || body != `{"error":"command exited"}` {
		t.Errorf("got %d %s", status, body)
	}
}

func TestServerReportsAnActionThatDoesNotStart(t *testing.T) {
	for _, tc := range []struct {
		family, code, want, log string
	}{
		{"python", "raise Exception('boom')", "Cannot start action. Check logs for details.", "Exception: boom"},
		{"python", "import os; os._exit(1)", "Cannot start action. Check logs for details.", protocol.ExitedDuringInit},
		{"nodejs", "process.exit(1)", "The action did not initialize and exited unexpectedly.", ""},
	} {
		c := serveKind(t, tc.family, nil)
		status, body := c.init(protocol.Init{Main: "main", Code: tc.code})
		if status != 502 || compact([]byte(body)) != `{"error":`+quote(tc.want)+`}` {
			t.Errorf("%s: got %d %s", tc.code, status, body)
		}
		out, err := c.logs()
		if !strings.Contains(err, tc.log) || !strings.HasSuffix(out, protocol.LogSentinel+"\n") || !strings.HasSuffix(err, protocol.LogSentinel+"\n") {
			t.Errorf("%s: logs %q %q", tc.code, out, err)
		}
	}
}

func TestServerRoutes(t *testing.T) {
	c := serveKind(t, "bash", nil)
	for _, tc := range []struct {
		method, path string
		status       int
	}{{"GET", "/", 404}, {"POST", "/", 404}, {"POST", "/stop", 404}, {"POST", "/init/", 404}, {"GET", "/init", 405}, {"PUT", "/run", 405}} {
		req, err := http.NewRequestWithContext(t.Context(), tc.method, c.http.URL+tc.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var body struct{ Error string }
		err = json.NewDecoder(res.Body).Decode(&body)
		if res.StatusCode != tc.status || err != nil || body.Error == "" || res.Body.Close() != nil {
			t.Errorf("%s %s: got %d %+v %v", tc.method, tc.path, res.StatusCode, body, err)
		}
	}
}

func TestServerBoundsBodies(t *testing.T) {
	c := serveKind(t, "bash", nil)
	for _, path := range []string{"/init", "/run"} {
		if status, body := c.post(path, `{"a":"`+strings.Repeat("x", actionproxy.MaxBody)+`"}`); status != 413 {
			t.Errorf("%s: got %d %s", path, status, body)
		}
	}
}

func TestServerSerializesRuns(t *testing.T) {
	c := serveKind(t, "nodejs", nil)
	c.mustInit(protocol.Init{Main: "main", Code: `let busy = 0; async function main(p) { if (busy++) throw 1; await new Promise((ok) => setTimeout(ok, 1)); busy--; return p; }`})
	answers := make(chan string)
	for n := range 10 {
		go func() {
			value := fmt.Sprintf(`{"n":%d}`, n)
			status, body := c.run(value)
			answers <- strings.TrimSuffix(fmt.Sprint(status, body), value)
		}()
	}
	for range 10 {
		if got := <-answers; got != "200" {
			t.Errorf("got %s", got)
		}
	}
}

func TestServerPipelinesRunsWhereAllowed(t *testing.T) {
	c := serveKind(t, "nodejs", func(o *actionproxy.ServerOptions) { o.Concurrent = true })
	c.mustInit(protocol.Init{Main: "main", Code: `let first; function main(p) { return new Promise((ok) => { if (first) { first(p); ok(p); } else first = ok; }); }`})
	answers := make(chan int)
	for _, id := range []string{"i1", "i2"} {
		go func() {
			status, _ := c.post("/run", `{"value":{},"activation_id":"`+id+`"}`)
			answers <- status
		}()
	}
	if a, b := <-answers, <-answers; a != 200 || b != 200 {
		t.Errorf("got %d and %d", a, b)
	}
}

func TestServerRunsArchives(t *testing.T) {
	for _, tc := range []struct {
		family string
		files  map[string]string
	}{
		{"nodejs", map[string]string{"package.json": `{"main":"a.js"}`, "a.js": "exports.main = () => ({ok: 1})"}},
		{"python", map[string]string{"__main__.py": "from m import f\ndef main(a):\n  return f()", "m.py": "def f(): return {'ok': 1}"}},
		{"blackbox", map[string]string{"exec": "#!/bin/sh\ncat data", "data": `{"ok":1}`}},
		{"bash", map[string]string{"exec": "cat data", "data": `{"ok":1}`}},
		{"go", map[string]string{"exec": echoLoop}},
		{"php", map[string]string{"index.php": "<?php require 'm.php'; function main(array $a) : array { return f(); }", "m.php": "<?php function f() { return ['ok' => 1]; }"}},
		{"ruby", map[string]string{"main.rb": "require 'm'\ndef main(a) f end", "m.rb": "def f() {'ok' => 1} end"}},
	} {
		t.Run(tc.family, func(t *testing.T) {
			c := serveKind(t, tc.family, nil)
			c.mustInit(protocol.Init{Main: "main", Code: zipped(t, tc.files), Binary: true})
			c.wantRun(`{}`, 200, `{"ok":1}`)
			c.wantRun(`{}`, 200, `{"ok":1}`)
		})
	}
}

func TestServerRefusesArchivesThatLeaveTheirFolder(t *testing.T) {
	for _, name := range []string{"../evil", "/etc/evil", "a/../../evil", `..\evil`} {
		c := serveKind(t, "bash", nil)
		status, body := c.init(protocol.Init{Main: "main", Binary: true, Code: zipped(t, map[string]string{name: "x", "exec": "echo {}"})})
		if status != 502 {
			t.Errorf("%s: got %d %s", name, status, body)
		}
	}
}

func TestServerGivesTheContainersEnvironmentToTheAction(t *testing.T) {
	c := serveKind(t, "python", nil)
	c.mustInit(protocol.Init{Code: "import os\ndef main(a):\n  return {k: os.environ.get(k) for k in ['__OW_API_HOST', 'K', '__OW_ACTION_NAME']}", Env: protocol.Env{"K": "a=b=c"}})
	c.wantRun(`{}`, 200, `{"__OW_API_HOST":"http://api","K":"a=b=c","__OW_ACTION_NAME":"/guest/a"}`)
}
