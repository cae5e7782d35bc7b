package script

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gowhisk/gowhisk/test/live"
)

// serverKey finds a script's server among its values.
type serverKey struct{}

// instance is the server of one script; the zero value does not run.
type instance struct {
	namespace string // of Kubernetes, with a cluster
	installed bool   // there, with onChart; the rest but for watch is not used then

	cmd   *exec.Cmd
	log   *live.Log
	done  chan error
	watch *watcher // nil if what the voices say is not looked at
}

// serve FLAG… starts the server on a free port and waits until it answers.
// APIHOST is where the voices reach it, through a watcher unless it speaks
// TLS; SERVER is the server itself. The second user exists from the first
// start on.
func (b *backend) serve(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value(serverKey{}).(*instance)
	if s.cmd != nil || s.installed {
		ts.Fatalf("the server runs already")
	}
	if b.name == onChart {
		b.install(ts, s)
		return
	}
	flags, err := b.flags(s.namespace)
	ts.Check(err)
	self, err := os.Executable()
	ts.Check(err)
	s.log, s.done = &live.Log{}, make(chan error, 1)
	s.cmd = &exec.Cmd{
		Path: self, Args: slices.Concat([]string{"gowhisk", "serve", "--json"}, flags, args),
		Dir: ts.MkAbs("."), Stderr: s.log,
		Env: append(os.Environ(), "GOWHISK_DATA_DIR="+ts.Getenv("GOWHISK_DATA_DIR"), "HOME="+b.home(ts)),
	}
	out, err := s.cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(s.cmd.Start())
	line, err := bufio.NewReader(out).ReadBytes('\n')
	go func() { s.done <- s.cmd.Wait() }()
	var ready struct {
		URL string `json:"url"`
	}
	if err == nil {
		err = json.Unmarshal(line, &ready)
	}
	if err != nil {
		<-s.done
		s.cmd = nil
		if neg {
			return
		}
		ts.Fatalf("the server did not start: %v\n%s", err, s.log)
	}
	if neg {
		ts.Fatalf("the server started")
	}
	ts.Setenv("SERVER", ready.URL)
	b.face(ts, s, ready.URL)
	if err := ts.Exec("gowhisk", "admin", "user", "get", userName); err != nil {
		ts.Check(ts.Exec("gowhisk", "admin", "user", "create", userName, "-u", userKey))
	}
}

// face is where the voices speak to the server at url.
func (b *backend) face(ts *testscript.TestScript, s *instance, url string) {
	ts.Setenv("APIHOST", url)
	if !strings.HasPrefix(url, "http://") {
		return
	}
	doc, err := documentOf(url)
	ts.Check(err)
	s.watch, err = watch(url, doc)
	ts.Check(err)
	ts.Setenv("APIHOST", s.watch.url)
}

// stop ends the server in order, as a service manager does; a release ends with its namespace.
func stop(ts *testscript.TestScript, _ bool, _ []string) {
	s := ts.Value(serverKey{}).(*instance)
	if s.installed {
		return
	}
	if s.cmd == nil {
		ts.Fatalf("no server runs")
	}
	ts.Check(s.cmd.Process.Signal(syscall.SIGTERM))
	ts.Check(s.wait())
}

// crash kills the server as a power cut does.
func crash(ts *testscript.TestScript, _ bool, _ []string) {
	s := ts.Value(serverKey{}).(*instance)
	if s.cmd == nil {
		ts.Fatalf("no server runs")
	}
	s.kill()
}

// wait returns how the server ended, and its log if not in order.
func (s *instance) wait() error {
	defer s.forget()
	select {
	case err := <-s.done:
		if err != nil {
			return fmt.Errorf("the server ended with %w\n%s", err, s.log)
		}
		return nil
	case <-time.After(patience):
		s.kill()
		return fmt.Errorf("the server did not stop\n%s", s.log)
	}
}

// kill ends a server that runs and waits for it.
func (s *instance) kill() {
	if s.cmd == nil {
		return
	}
	if err := s.cmd.Process.Kill(); err == nil {
		<-s.done
	}
	s.forget()
}

// forget makes room for another server.
func (s *instance) forget() {
	s.watch.close()
	s.cmd, s.watch = nil, nil
}
