// Package live runs gowhisk as a process of its own for the suites that meet
// it from outside. The test binary is the program, too: started under the
// name gowhisk it is gowhisk, race detector included.
package live

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/backend/local"
	"github.com/gowhisk/gowhisk/internal/cli"
	"github.com/gowhisk/gowhisk/internal/sandbox"
)

// Main is the body of TestMain: it is the product if that is asked for, and
// returns otherwise.
func Main() {
	sandbox.Init()
	local.Init()
	if os.Args[0] != "gowhisk" {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	code := cli.Main(ctx, cli.Env{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		LookupEnv: os.LookupEnv, Version: "test",
	})
	stop()
	os.Exit(code)
}

// Server is a live gowhisk.
type Server struct {
	URL string
	Key string // UUID:KEY of guest

	cmd   *exec.Cmd
	log   *logText
	ended chan struct{}
}

// logText is what a process wrote so far.
type logText struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Gowhisk is a command of the product.
func Gowhisk(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &exec.Cmd{Path: self, Args: append([]string{"gowhisk"}, args...), Env: append(os.Environ(), "HOME="+t.TempDir())}
}

// Start serves on the data directory and returns when the server answers, on
// a free port of the loopback address unless a flag says otherwise. It is
// stopped in order at the end of the test.
func Start(t testing.TB, dir string, flags ...string) *Server {
	t.Helper()
	cmd := Gowhisk(t, append([]string{"serve", "--json", "--listen", "127.0.0.1:0", "--data-dir", dir}, flags...)...)
	s := &Server{cmd: cmd, log: &logText{}, ended: make(chan struct{})}
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

// Tool returns a public program as `make` builds it from tools/NAME: bin/NAME
// of the repository, which root leads to.
func Tool(t testing.TB, root, name, pkg string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, "bin", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		return path
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-C", filepath.Join(root, "tools", name), "-o", path, pkg)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, out)
	}
	return path
}
