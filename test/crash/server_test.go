package crash

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// server is a live gowhisk in a process of its own.
type server struct {
	cmd       *exec.Cmd
	url       string
	key       [2]string
	client    *http.Client
	transport *http.Transport
}

// start runs a server on the data directory and waits until it answers.
func start(t *testing.T, dir string) *server {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := &exec.Cmd{
		Path: self, Env: append(os.Environ(), "HOME="+t.TempDir()), Stderr: &log,
		Args: []string{"gowhisk", "serve", "--json", "--listen", "127.0.0.1:0", "--data-dir", dir,
			"--invocations-per-minute", "100000000", "--concurrent-invocations", "100000"},
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	var ready struct {
		URL  string `json:"url"`
		Auth string `json:"auth"`
	}
	if err == nil {
		err = json.Unmarshal(line, &ready)
	}
	if err != nil {
		_ = cmd.Wait()
		t.Fatalf("the server did not start: %v\n%s", err, log.String())
	}
	user, password, _ := strings.Cut(ready.Auth, ":")
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	return &server{
		cmd: cmd, url: ready.URL, key: [2]string{user, password},
		client: &http.Client{Transport: transport}, transport: transport,
	}
}

// kill ends the server as a crash does; a second call does nothing.
func (s *server) kill() {
	if s.cmd.ProcessState != nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait() // it tells only that it was killed
	s.transport.CloseIdleConnections()
}

// do sends one request to the API as guest.
func (s *server) do(method, path string, body []byte) ([]byte, int, error) {
	req, err := http.NewRequest(method, s.url+"/api/v1/namespaces/_/"+path, bytes.NewReader(body))
	if err != nil {
		return nil, 0, err
	}
	req.SetBasicAuth(s.key[0], s.key[1])
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return answer, resp.StatusCode, err
}

// create makes a Node.js action.
func (s *server) create(t *testing.T, name, code string) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not on this host")
	}
	body, err := json.Marshal(map[string]any{"exec": map[string]any{"kind": "nodejs:default", "code": code}})
	if err != nil {
		t.Fatal(err)
	}
	answer, status, err := s.do(http.MethodPut, "actions/"+name, body)
	if err != nil || status != http.StatusOK {
		t.Fatal(fmt.Errorf("create %s: %d %s: %w", name, status, answer, err))
	}
}
