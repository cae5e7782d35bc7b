package overload

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/test/live"
)

var (
	seconds = flag.Int("seconds", 2, "how long a flood lasts")
	actions = flag.Int("actions", 40, "how many distinct actions are invoked")
	stalled = flag.Int("stalled", 225, "how many connections stall at once")
)

// TestMain makes the test binary the server, too.
func TestMain(m *testing.M) {
	live.Main()
	flag.Parse()
	os.Exit(m.Run())
}

// server is a live gowhisk in a process of its own.
type server struct {
	*testing.T
	cmd     *exec.Cmd
	url     string
	address string // host:port
	guest   tenant
	log     *bytes.Buffer // complete once the process has ended
}

// tenant is one namespace as its clients see it.
type tenant struct {
	server *server
	key    string // UUID:KEY
	client *http.Client
}

// serve starts a server and waits until it answers; it is stopped in order
// at the end of the test, which fails if that fails.
func serve(t *testing.T, args ...string) *server {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not on this host")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &server{T: t, log: new(bytes.Buffer)}
	args = append([]string{"gowhisk", "serve", "--json", "--listen", "127.0.0.1:0", "--data-dir", t.TempDir() + "/data", "--log-level", "error"}, args...)
	s.cmd = &exec.Cmd{Path: self, Args: args, Env: append(os.Environ(), "HOME="+t.TempDir()), Stderr: s.log}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	var ready struct{ URL, Auth string }
	if err == nil {
		err = json.Unmarshal(line, &ready)
	}
	if err != nil {
		t.Fatalf("the server did not start: %v, %v\n%s", err, s.cmd.Wait(), s.log)
	}
	t.Cleanup(s.stop)
	s.url, s.address = ready.URL, strings.TrimPrefix(ready.URL, "http://")
	s.guest = s.tenant(ready.Auth)
	return s
}

func (s *server) stop() {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.Error(err)
	}
	if err := s.cmd.Wait(); err != nil {
		s.Errorf("the server ended with %v\n%s", err, s.log)
	}
}

func (s *server) tenant(key string) tenant {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	s.Cleanup(transport.CloseIdleConnections)
	return tenant{s, key, &http.Client{Transport: transport, Timeout: time.Minute}}
}

// neighbour makes a second namespace.
func (s *server) neighbour() tenant {
	s.Helper()
	return s.tenant(strings.TrimSpace(s.admin("user", "create", "neighbour")))
}

// admin runs a command of the operator and returns what it printed.
func (s *server) admin(words ...string) string {
	s.Helper()
	dir := s.cmd.Args[6]
	cmd := &exec.Cmd{Path: s.cmd.Path, Args: append([]string{"gowhisk", "admin", "--data-dir", dir}, words...), Env: s.cmd.Env}
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.Fatalf("admin %v: %v\n%s", words, err, out)
	}
	return string(out)
}

// memory is what the server has in memory, in bytes.
func (s *server) memory() int64 {
	s.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		s.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		s.Fatal(err)
	}
	return kb << 10
}

// do sends one request below the tenant's namespace. A status of 0 is a
// request that was not answered.
func (t tenant) do(method, path, body string) (int, string) {
	req, err := http.NewRequest(method, t.server.url+"/api/v1/namespaces/_/"+path, strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	user, password, _ := strings.Cut(t.key, ":")
	req.SetBasicAuth(user, password)
	req.Header.Set("Content-Type", "application/json")
	resp, err := t.client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(text)
}

// create makes a Node.js action.
func (t tenant) create(name, code string) {
	t.server.Helper()
	body, err := json.Marshal(map[string]any{"exec": map[string]string{"kind": "nodejs:default", "code": code}})
	if err != nil {
		t.server.Fatal(err)
	}
	if status, text := t.do(http.MethodPut, "actions/"+name, string(body)); status != http.StatusOK {
		t.server.Fatalf("create %s: %d %s", name, status, text)
	}
}

// invoke waits for the result.
func (t tenant) invoke(name, args string) (int, string) {
	return t.do(http.MethodPost, "actions/"+name+"?blocking=true&result=true", args)
}
