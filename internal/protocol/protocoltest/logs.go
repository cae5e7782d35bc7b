package protocoltest

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gowhisk/gowhisk/internal/protocol"
)

// maxLogs bounds what is kept of one stream, in bytes.
const maxLogs = 8 << 20

// Logs are the two streams of a container so far.
type Logs struct {
	mu      sync.Mutex
	streams [2]bytes.Buffer // guarded by mu
	grown   chan struct{}   // guarded by mu; closed when a stream grows
}

// NewLogs returns empty logs.
func NewLogs() *Logs { return &Logs{grown: make(chan struct{})} }

// stream writes to one of the two.
type stream struct {
	*Logs
	i int
}

// Write never fails.
func (s stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := &s.streams[s.i]
	b.Write(p[:min(len(p), maxLogs-b.Len())])
	close(s.grown)
	s.grown = make(chan struct{})
	return len(p), nil
}

// text returns both streams and a channel that says when there is more.
func (l *Logs) text() (stdout, stderr string, grown <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.streams[0].String(), l.streams[1].String(), l.grown
}

// await waits until the logs are as wanted, or patience ends; it returns what they are then.
func (s *session) await(as func(stdout, stderr string) bool) (stdout, stderr string, ok bool) {
	ctx, cancel := context.WithTimeout(s.ctx, min(s.patience, 5*time.Second))
	defer cancel()
	for {
		stdout, stderr, grown := s.logs.text()
		if as(stdout, stderr) {
			return stdout, stderr, true
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return stdout, stderr, false
		}
	}
}

// printed is what a run that prints leaves in each stream.
func printed(stream string) string { return "hello " + stream + "\n" + protocol.LogSentinel + "\n" }

// print runs the sample that prints, and waits for its lines and the sentinels behind them.
func (s *session) print() error {
	r, err := s.run(`{"do":"print"}`)
	if err != nil {
		return err
	}
	if err := r.want(http.StatusOK, `{"do":"print"}`); err != nil || s.logs == nil {
		return err
	}
	s.prints++
	out, errs, ok := s.await(func(stdout, stderr string) bool {
		return strings.Count(stdout, printed("stdout")) >= s.prints && strings.Count(stderr, printed("stderr")) >= s.prints
	})
	if !ok {
		return fmt.Errorf("the streams do not have the printed line and then a line %s: stdout ends in %q, stderr in %q", protocol.LogSentinel, tail(out), tail(errs))
	}
	return nil
}

// before is what stdout had between the last two runs that printed.
func (s *session) before() string {
	out, _, _ := s.logs.text()
	parts := strings.Split(out, printed("stdout"))
	if len(parts) < 2 {
		return ""
	}
	return parts[len(parts)-2]
}

func tail(text string) string { return text[max(0, len(text)-200):] }

// needLogs is the reason why a clause about logs says nothing.
func (s *session) needLogs() error {
	if s.logs == nil {
		return notApplicable("logs are seen with --launch")
	}
	return nil
}
