package actionproxy

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// endTime is how long a server may take to end after SIGTERM.
const endTime = 5 * time.Second

// server is the process of an Upstream, or what others started: then it has no process, and never
// ends here.
type server struct {
	cmd     *exec.Cmd
	output  *sentinelLog
	exited  chan struct{}
	readers sync.WaitGroup
}

func startServer(opts UpstreamOptions) (*server, error) {
	s := &server{output: newSentinelLog(opts), exited: make(chan struct{})}
	if len(opts.Command) == 0 {
		return s, nil
	}
	port := strconv.Itoa(opts.Port)
	// Its owner ends it.
	s.cmd = exec.CommandContext(context.Background(), opts.Command[0], opts.Command[1:]...)
	s.cmd.Env = slices.Concat(opts.Environ, opts.Env, []string{"PORT=" + port, "FLASK_PROXY_PORT=" + port})
	s.cmd.Dir = opts.Dir
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var ours, theirs []*os.File
	for range 2 {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll(append(ours, theirs...))
			return nil, fmt.Errorf("open pipes: %w", err)
		}
		ours, theirs = append(ours, r), append(theirs, w)
	}
	s.cmd.Stdout, s.cmd.Stderr = theirs[0], theirs[1]
	err := s.cmd.Start()
	closeAll(theirs)
	if err != nil {
		closeAll(ours)
		return nil, fmt.Errorf("start the runtime: %w", err)
	}
	for i, f := range ours {
		s.readers.Go(func() { s.output.follow(streams[i], f) })
	}
	go s.wait(ours)
	return s, nil
}

// wait reaps the server, ends what it left behind, and closes the pipes once they are read.
func (s *server) wait(pipes []*os.File) {
	_ = s.cmd.Wait() // how it ended is in its logs
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	close(s.exited)
	s.readers.Wait()
	closeAll(pipes)
}

func (s *server) ended() bool {
	select {
	case <-s.exited:
		return true
	default:
		return false
	}
}

func (s *server) signal(sig os.Signal) {
	if number, ok := sig.(syscall.Signal); ok && s.cmd != nil && !s.ended() {
		_ = syscall.Kill(-s.cmd.Process.Pid, number) // it may end at this moment
	}
}

// kill ends the server at once, and waits for it.
func (s *server) kill() {
	if s.cmd == nil {
		return
	}
	s.signal(syscall.SIGKILL)
	<-s.exited
	s.readers.Wait()
}

// end asks first.
func (s *server) end() error {
	if s.cmd == nil {
		return nil
	}
	s.signal(syscall.SIGTERM)
	timer := time.NewTimer(endTime)
	defer timer.Stop()
	select {
	case <-s.exited:
		s.readers.Wait()
		return nil
	case <-timer.C:
		s.kill()
		return errors.New("the runtime did not end when it was asked to")
	}
}

// zipped is a folder as the base64 of a zip.
func zipped(folder string) (string, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	if err := errors.Join(w.AddFS(os.DirFS(folder)), w.Close()); err != nil {
		return "", fmt.Errorf("pack the code of the action: %w", err)
	}
	return encodeBase64(b.Bytes()), nil
}
