package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/admin"
	"github.com/gowhisk/gowhisk/internal/backend/local"
	"github.com/gowhisk/gowhisk/internal/config"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/sandbox"
	"github.com/gowhisk/gowhisk/internal/server"
)

// TestMain lets the sandboxes of these servers start.
func TestMain(m *testing.M) {
	sandbox.Init()
	local.Init()
	os.Exit(m.Run())
}

// running is a server of this process.
type running struct {
	server.Summary
	stop func() error // ends it in order and returns what Run returned
}

func settings(t *testing.T) config.Config {
	t.Helper()
	c := config.Defaults(4<<30, func(string) string { return "" })
	c.Listen = "127.0.0.1:0"
	c.DataDir = filepath.Join(t.TempDir(), "data")
	return c
}

// start returns when the server answers; it is stopped at the end of the
// test at the latest.
func start(t *testing.T, c config.Config) running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ready, ended := make(chan server.Summary, 1), make(chan error, 1)
	go func() {
		ended <- server.Run(ctx, c, server.Options{
			Version: "test", Log: slog.New(slog.DiscardHandler), Path: os.Getenv("PATH"),
			Ready: func(s server.Summary) error { ready <- s; return nil },
		})
	}()
	stopped := false
	stop := func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	select {
	case s := <-ready:
		return running{s, stop}
	case err := <-ended:
		stopped = true
		t.Fatalf("the server did not start: %v", err)
		return running{}
	}
}

// call sends one request as guest and returns status and body.
func (r running) call(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	user, password, _ := strings.Cut(admin.PublicGuestKey, ":")
	req.SetBasicAuth(user, password)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

// createAction puts JavaScript code under a name.
func (r running) createAction(t *testing.T, name, code string) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not on this host")
	}
	body, err := json.Marshal(map[string]any{"exec": map[string]string{"kind": "nodejs:default", "code": code}})
	if err != nil {
		t.Fatal(err)
	}
	if status, text := r.call(t, http.MethodPut, "/api/v1/namespaces/_/actions/"+name, string(body)); status != http.StatusOK {
		t.Fatalf("create %s: %d %s", name, status, text)
	}
}

func TestServerAnswersUntilItIsStoppedAndLeavesNothing(t *testing.T) {
	c := settings(t)
	s := start(t, c)
	if status, text := s.call(t, http.MethodGet, "/ping", ""); status != http.StatusOK || text != "pong" {
		t.Errorf("ping: %d %q", status, text)
	}
	if status, text := s.call(t, http.MethodGet, "/metrics", ""); status != http.StatusOK || !strings.Contains(text, "gowhisk_pool_containers") {
		t.Errorf("metrics: %d", status)
	}
	if status, text := s.call(t, http.MethodGet, "/invokers", ""); status != http.StatusOK || text != `{"invoker0/0":"up"}` {
		t.Errorf("invokers: %d %s", status, text)
	}
	if status, text := s.call(t, http.MethodGet, "/invokers/ready", ""); status != http.StatusOK || text != `{"healthy":"1/1"}` {
		t.Errorf("ready: %d %s", status, text)
	}
	if address, err := os.ReadFile(filepath.Join(c.DataDir, "address")); err != nil || string(address) != s.URL+"\n" {
		t.Errorf("address file: %q, %v", address, err)
	}
	if info, err := os.Stat(c.DataDir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("data directory: %v, %v", info.Mode(), err)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"address", "admin.sock"} {
		if _, err := os.Stat(filepath.Join(c.DataDir, name)); err == nil {
			t.Errorf("%s is left", name)
		}
	}
}

func TestRelativeDataDirectoryRunsActions(t *testing.T) {
	t.Chdir(t.TempDir())
	c := settings(t)
	c.DataDir = "data"
	s := start(t, c)
	s.createAction(t, "hello", "function main() { return {hello: true}; }")
	status, text := s.call(t, http.MethodPost, "/api/v1/namespaces/_/actions/hello?blocking=true&result=true", "{}")
	if status != http.StatusOK || text != `{"hello":true}` {
		t.Errorf("got %d %s", status, text)
	}
	if !filepath.IsAbs(s.DataDir) {
		t.Errorf("the summary names %s", s.DataDir)
	}
}

func TestStoppingServerLetsARunInFlightEnd(t *testing.T) {
	s := start(t, settings(t))
	s.createAction(t, "slow", "function main() { return new Promise(done => setTimeout(() => done({late: true}), 700)); }")
	type answer struct {
		status int
		text   string
	}
	answered := make(chan answer, 1)
	go func() {
		status, text := s.call(t, http.MethodPost, "/api/v1/namespaces/_/actions/slow?blocking=true&result=true", "{}")
		answered <- answer{status, text}
	}()
	waitFor(t, func() bool { return inFlight(t, s) })
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if a := <-answered; a.status != http.StatusOK || !strings.Contains(a.text, `"late":true`) {
		t.Errorf("got %+v", a)
	}
}

func TestStoppingServerCutsARunWhenTheDrainTimeIsOver(t *testing.T) {
	c := settings(t)
	c.Drain = config.Duration(300 * time.Millisecond)
	s := start(t, c)
	s.createAction(t, "endless", "function main() { return new Promise(() => setInterval(() => {}, 1000)); }")
	if status, text := s.call(t, http.MethodPost, "/api/v1/namespaces/_/actions/endless", "{}"); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, text)
	}
	began := time.Now()
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 30*time.Second { // the action may run for a minute
		t.Errorf("stopping took %s", took)
	}
}

func TestServerOfAnotherAddressHasRandomKeys(t *testing.T) {
	c := settings(t)
	c.Listen = "0.0.0.0:0"
	s := start(t, c)
	if s.Auth != "" || len(s.Notes) == 0 {
		t.Errorf("got %+v", s.Summary)
	}
	if status, _ := s.call(t, http.MethodGet, "/api/v1/namespaces", ""); status != http.StatusUnauthorized {
		t.Errorf("the public key answers %d", status)
	}
	var out, talk bytes.Buffer
	if code, err := admin.Send(t.Context(), c.DataDir, []string{"user", "get", "guest"}, &out, &talk); err != nil || code != 0 || len(out.String()) != 102 {
		t.Errorf("got %d, %v, %q", code, err, &out)
	}
}

func TestPublicKeysAreWarnedOfWhereOthersCanReachTheServer(t *testing.T) {
	c := settings(t)
	first := start(t, c)
	if first.Auth != admin.PublicGuestKey || len(first.Notes) != 0 {
		t.Errorf("on loopback: %+v", first.Summary)
	}
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	c.Listen = "0.0.0.0:0"
	if s := start(t, c); len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "everybody knows the key of guest and whisk.system") {
		t.Errorf("on every address: %+v", s.Summary)
	}
}

func TestSecondServerOfADirectoryIsRefusedAndLeavesTheFirstAlone(t *testing.T) {
	c := settings(t)
	s := start(t, c)
	s.createAction(t, "slow", "function main({ms}) { return new Promise(done => setTimeout(() => done({slept: ms}), ms)); }")
	const path = "/api/v1/namespaces/_/actions/slow?blocking=true&result=true"
	answered := make(chan string, 1)
	go func() {
		status, text := s.call(t, http.MethodPost, path, `{"ms":1500}`)
		answered <- fmt.Sprint(status, text)
	}()
	waitFor(t, func() bool { return inFlight(t, s) })
	err := server.Run(t.Context(), c, server.Options{Log: slog.New(slog.DiscardHandler), Path: os.Getenv("PATH")})
	if fault.CodeOf(err) != fault.StoreLocked || !strings.Contains(err.Error(), fmt.Sprintf("kill %d", os.Getpid())) {
		t.Errorf("got %v", err)
	}
	if got := <-answered; got != `200{"slept":1500}` {
		t.Errorf("the run in flight was answered with %s", got)
	}
	s.createAction(t, "new", "function main() { return {}; }")
	if status, text := s.call(t, http.MethodPost, strings.Replace(path, "slow", "new", 1), "{}"); status != http.StatusOK {
		t.Errorf("a new container: %d %s", status, text)
	}
}

func TestProfilesHaveTheirOwnListener(t *testing.T) {
	c := settings(t)
	c.Pprof = "127.0.0.1:0"
	s := start(t, c)
	if status, _ := s.call(t, http.MethodGet, "/debug/pprof/", ""); status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
		t.Errorf("the API serves profiles: %d", status)
	}
}

func TestBrokenManifestIsReported(t *testing.T) {
	c := settings(t)
	c.Runtimes = filepath.Join(t.TempDir(), "runtimes.json")
	if err := os.WriteFile(c.Runtimes, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := server.Run(t.Context(), c, server.Options{Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "runtimes manifest") || fault.CodeOf(err) != "" {
		t.Errorf("got %v", err)
	}
}

// inFlight reports whether a container is busy.
func inFlight(t *testing.T, s running) bool {
	t.Helper()
	_, text := s.call(t, http.MethodGet, "/metrics", "")
	var containers, idle, cells int
	for line := range strings.Lines(text) {
		fmt.Sscanf(line, "gowhisk_pool_containers %d", &containers)
		fmt.Sscanf(line, "gowhisk_pool_idle %d", &idle)
		fmt.Sscanf(line, "gowhisk_pool_stem_cells %d", &cells)
	}
	return containers > idle+cells
}

// waitFor polls until done, for at most ten seconds.
func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); <-again.C {
		if done() {
			return
		}
	}
	t.Fatal("it did not happen within ten seconds")
}
