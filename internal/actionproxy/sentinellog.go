package actionproxy

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/gowhisk/gowhisk/internal/protocol"
)

// sentinelWait bounds how long output is waited for after an answer. OpenWhisk 3.4.2.
const sentinelWait = 2 * time.Second

// Output of a runtime that has never ended that of a run with sentinels: how long it is waited for
// after its first run, and after every later one. OpenWhisk 3.4.3.
const (
	firstWait    = 250 * time.Millisecond
	unmarkedWait = 2 * time.Millisecond
)

var streams = [...]protocol.Stream{protocol.Stdout, protocol.Stderr}

// sentinelLog is the output of a server, cut into that of its runs by the sentinels.
type sentinelLog struct {
	copies  [protocol.Stderr + 1]io.Writer
	limit   int
	changed chan struct{} // one element

	mu       sync.Mutex
	buffer   logBuffer                // guarded by mu
	ends     [protocol.Stderr + 1]int // sentinels that no run has taken; guarded by mu
	marked   bool                     // there was a sentinel; guarded by mu
	unmarked bool                     // a run had none; guarded by mu
}

func newSentinelLog(opts UpstreamOptions) *sentinelLog {
	l := &sentinelLog{limit: limitOr(opts.LogLimit, DefaultLogLimit), changed: make(chan struct{}, 1)}
	l.copies[protocol.Stdout], l.copies[protocol.Stderr] = opts.Stdout, opts.Stderr
	return l
}

// follow reads a stream to its end.
func (l *sentinelLog) follow(s protocol.Stream, r io.Reader) {
	in := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := in.ReadSlice('\n')
		if len(line) > 0 {
			l.line(s, line)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// line takes a line, or a part of a long one. A sentinel may follow text without a line feed.
func (l *sentinelLog) line(s protocol.Stream, line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text, isEnd := bytes.CutSuffix(bytes.TrimRight(line, "\r\n"), []byte(protocol.LogSentinel))
	if isEnd {
		line = text
		if len(text) > 0 {
			line = append(bytes.Clone(text), '\n')
		}
	}
	if len(line) > 0 {
		if w := l.copies[s]; w != nil {
			_, _ = w.Write(line) // output that nobody takes is no fault of the action
		}
		l.buffer.consume(s, line, l.limit)
	}
	if isEnd {
		l.ends[s]++
		l.marked = true
		l.wake()
	}
}

// wake lets one who waits look again.
func (l *sentinelLog) wake() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// take returns the output up to the next sentinels, or what came in the time.
func (l *sentinelLog) take(wait time.Duration) Logs {
	l.mu.Lock()
	switch {
	case l.marked:
	case l.unmarked:
		wait = min(wait, unmarkedWait)
	default:
		wait = min(wait, firstWait)
	}
	l.mu.Unlock()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for late := false; ; {
		if logs, complete := l.tryTake(late); complete {
			return logs
		}
		select {
		case <-l.changed:
		case <-timer.C:
			late = true
		}
	}
}

// tryTake takes the output if it is complete, or the time is over.
func (l *sentinelLog) tryTake(late bool) (Logs, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	complete := func() bool { return l.ends[protocol.Stdout] > 0 && l.ends[protocol.Stderr] > 0 }
	if !late && !complete() {
		return Logs{}, false
	}
	l.unmarked = l.unmarked || late
	for _, s := range streams {
		l.ends[s] = max(0, l.ends[s]-1)
	}
	if complete() { // another run ended, too
		l.wake()
	}
	return l.buffer.take(l.limit), true
}
