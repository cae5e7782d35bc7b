package builtin

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// Log is what a Function says to whoever reads the activation's logs. It is
// safe for concurrent use. Lines over the action's log limit are dropped.
type Log struct {
	limit int64 // bytes; 0 keeps nothing
	now   func() time.Time

	mu    sync.Mutex
	lines []string // guarded by mu
	size  int64    // guarded by mu
	cut   bool     // guarded by mu
}

// Printf adds lines to the activation's stdout.
func (l *Log) Printf(format string, args ...any) { l.add("stdout", fmt.Sprintf(format, args...)) }

// Errorf adds lines to the activation's stderr.
func (l *Log) Errorf(format string, args ...any) { l.add("stderr", fmt.Sprintf(format, args...)) }

// add writes one line of the log for each line of text. OpenWhisk 1.11.5.
func (l *Log) add(stream, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(strings.ToValidUTF8(text, "\ufffd")) {
		line = strings.TrimRight(line, "\r\n")
		if l.size += int64(len(line)) + 1; l.size > l.limit {
			l.cut = l.limit > 0
			return
		}
		l.lines = append(l.lines, l.line(stream, line))
	}
}

func (l *Log) line(stream, text string) string {
	return fmt.Sprintf("%s %s: %s", l.now().UTC().Format(stamp), stream, text)
}

// stamp is RFC 3339 with nanoseconds, always 30 characters.
const stamp = "2006-01-02T15:04:05.000000000Z"

// take returns the lines and whether some are missing. OpenWhisk 2.11.9.
func (l *Log) take() (lines []string, cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		l.lines = append(l.lines, l.line("stderr",
			fmt.Sprintf("Logs were truncated because the total bytes size exceeds the limit of %d bytes.", l.limit)))
	}
	return l.lines, l.cut
}
