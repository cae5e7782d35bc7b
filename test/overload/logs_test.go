package overload

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestAFloodOfLogsTakesLittleOfTheServer prints far more than is kept. What
// the server needs beside the ten MB that it keeps is bounded: 50 MB in all.
func TestAFloodOfLogsTakesLittleOfTheServer(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector multiplies memory")
	}
	const bound = 50 << 20
	for name, write := range map[string]string{
		"one line":    "'x'.repeat(1 << 20)",
		"short lines": "'xy\\n'.repeat(350000)",
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t)
			s.guest.create("hello", hello)
			s.guest.create("flood", "function main() { const fs = require('fs'), text = "+write+`;
				for (let i = 0; i < `+size()+`; i++) for (let at = 0; at < text.length;) try { at += fs.writeSync(1, text.slice(at)) } catch (e) { if (e.code !== 'EAGAIN') throw e }
				return {} }`)
			s.guest.steady("hello")
			before := s.memory()
			most := s.most(func() {
				if status, text := s.guest.do(http.MethodPost, "actions/flood?blocking=true", "{}"); status != http.StatusOK {
					t.Errorf("flood: %d %s", status, text)
				}
			})
			t.Logf("%d MB before, at most %d MB more", before>>20, (most-before)>>20)
			if most-before > bound {
				t.Errorf("memory grew by %d MB", (most-before)>>20)
			}
			if _, text := s.guest.do(http.MethodGet, "activations?name=flood&docs=true&limit=1", ""); !strings.Contains(text, "Logs were truncated") || len(text) > 12<<20 {
				t.Errorf("the record has %d bytes", len(text))
			}
			s.guest.steady("hello")
		})
	}
}

// size is how many MB are printed.
func size() string {
	if *seconds > 10 {
		return "1000"
	}
	return "200"
}

// most is what the server had in memory while f ran, at most.
func (s *server) most(f func()) (most int64) {
	s.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return max(most, s.memory())
		case <-tick.C:
			most = max(most, s.memory())
		}
	}
}
