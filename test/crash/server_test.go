package crash

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/test/live"
)

// server is a live gowhisk in a process of its own.
type server struct {
	cmd       *exec.Cmd
	url       string
	key       [2]string
	client    *http.Client
	transport *http.Transport
	log       *live.Log
	took      time.Duration // until it was ready
	ended     chan struct{}
}

// serve is the command that serves on the data directory. Its address is a
// loopback address that nobody else uses, so that no port is taken.
func serve(t *testing.T, dir string, args ...string) (cmd *exec.Cmd, url string) {
	t.Helper()
	address := fmt.Sprintf("127.%d.%d.%d:3233", 1+rand.IntN(250), rand.IntN(250), 1+rand.IntN(250))
	return live.Gowhisk(t, append([]string{
		"serve", "--json", "--listen", address, "--data-dir", dir,
		"--invocations-per-minute", "100000000", "--concurrent-invocations", "100000",
	}, args...)...), "http://" + address
}

// start runs a server on the data directory and waits until it answers.
func start(t *testing.T, dir string, args ...string) *server {
	t.Helper()
	cmd, url := serve(t, dir, args...)
	s := &server{cmd: cmd, url: url, log: &live.Log{}, ended: make(chan struct{})}
	cmd.Stderr = s.log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	s.took = time.Since(began)
	var ready struct {
		Auth string `json:"auth"`
	}
	if err == nil {
		err = json.Unmarshal(line, &ready)
	}
	if err != nil {
		_ = cmd.Wait() // the log tells more
		t.Fatalf("the server did not start: %v\n%s", err, s.log)
	}
	s.key[0], s.key[1], _ = strings.Cut(ready.Auth, ":")
	s.transport = &http.Transport{MaxIdleConnsPerHost: 16}
	s.client = &http.Client{Transport: s.transport}
	go func() {
		_ = cmd.Wait() // ProcessState tells how
		close(s.ended)
	}()
	t.Cleanup(s.end)
	return s
}

// end stops a server that is still there in order, so that it leaves nothing
// on the host, or kills it.
func (s *server) end() {
	s.signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(5 * time.Second):
	}
	s.kill()
}

// signal sends sig; the process may be gone.
func (s *server) signal(sig syscall.Signal) { _ = s.cmd.Process.Signal(sig) }

// kill ends the server as a crash does; a second call does nothing.
func (s *server) kill() {
	s.signal(syscall.SIGKILL)
	<-s.ended
	s.transport.CloseIdleConnections()
}

// exits waits for the end of the server and returns its exit status.
func (s *server) exits(t *testing.T, within time.Duration) int {
	t.Helper()
	select {
	case <-s.ended:
	case <-time.After(within):
		t.Fatalf("the server has not ended after %s\n%s", within, s.log)
	}
	s.transport.CloseIdleConnections()
	return s.cmd.ProcessState.ExitCode()
}

// answer is what the API said.
type answer struct {
	status int
	code   string // stable code of the failure
	body   []byte
}

// do sends one request to the API as guest.
func (s *server) do(method, path string, body []byte) (answer, error) {
	req, err := http.NewRequest(method, s.url+"/api/v1/namespaces/_/"+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.SetBasicAuth(s.key[0], s.key[1])
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header.Get("X-Gowhisk-Error"), text}, err
}

// must fails the test unless the API does it.
func (s *server) must(t *testing.T, method, path string, body []byte) answer {
	t.Helper()
	got, err := s.do(method, path, body)
	if err != nil || got.status/100 != 2 {
		t.Fatalf("%s %s: %d %s %v", method, path, got.status, got.body, err)
	}
	return got
}

// create makes a Node.js action with parameters.
func (s *server) create(t *testing.T, name, code string, parameters ...map[string]any) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not on this host")
	}
	body, err := json.Marshal(map[string]any{
		"exec": map[string]any{"kind": "nodejs:default", "code": code}, "parameters": parameters,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.must(t, http.MethodPut, "actions/"+name, body)
}

// invoke returns the id that was acknowledged, "" if none was.
func (s *server) invoke(action, query string, n int) (id string, got answer, err error) {
	got, err = s.do(http.MethodPost, "actions/"+action+query, fmt.Appendf(nil, `{"n":%d}`, n))
	if err != nil || got.status != http.StatusOK && got.status != http.StatusAccepted {
		return "", got, err
	}
	var body struct {
		ID string `json:"activationId"`
	}
	return body.ID, got, json.Unmarshal(got.body, &body)
}

// outcome polls for the final status of an activation, "" if there is none
// after a long while.
func (s *server) outcome(t *testing.T, id string) string {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); ; <-tick.C {
		got, err := s.do(http.MethodGet, "activations/"+id, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got.status == http.StatusOK {
			var record struct {
				Response struct {
					Status string `json:"status"`
				} `json:"response"`
			}
			if err := json.Unmarshal(got.body, &record); err != nil {
				t.Fatal(err)
			}
			return record.Response.Status
		}
		if time.Now().After(deadline) {
			return ""
		}
	}
}
