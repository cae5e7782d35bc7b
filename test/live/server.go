package live

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Server is a live gowhisk.
type Server struct {
	URL string
	Key string // UUID:KEY of guest

	cmd   *exec.Cmd
	log   *Log
	ended chan struct{}
}

// Start serves on the data directory and returns when the server answers, on
// a free port of the loopback address unless a flag says otherwise. It is
// stopped in order at the end of the test.
func Start(t testing.TB, dir string, flags ...string) *Server {
	t.Helper()
	cmd := Gowhisk(t, append([]string{"serve", "--json", "--listen", "127.0.0.1:0", "--data-dir", dir}, flags...)...)
	s := &Server{cmd: cmd, log: &Log{}, ended: make(chan struct{})}
	cmd.Stderr = s.log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	var ready struct{ URL, Auth string }
	if err == nil {
		err = json.Unmarshal(line, &ready)
	}
	if err != nil {
		t.Fatalf("the server did not start: %v, %v\n%s", err, cmd.Wait(), s.log)
	}
	s.URL, s.Key = ready.URL, ready.Auth
	go func() {
		_ = cmd.Wait() // ProcessState tells how
		close(s.ended)
	}()
	t.Cleanup(func() { s.Stop(t) })
	return s
}

// Stop ends a server that runs in order; one that has ended stays so.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	select {
	case <-s.ended:
		return
	default:
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may just have ended
	select {
	case <-s.ended:
	case <-time.After(30 * time.Second):
		s.Kill()
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the server ended with exit status %d\n%s", code, s.log)
	}
	if t.Failed() {
		t.Logf("the server said\n%s", s.log)
	}
}

// Kill ends the server as a crash does.
func (s *Server) Kill() {
	_ = s.cmd.Process.Signal(syscall.SIGKILL)
	<-s.ended
}

// Log is what a process wrote so far.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
