package actionproxy

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"sync"
	"time"
)

// timestampLayout is OpenWhisk's log time: RFC 3339 in UTC with nine digits, 30 characters.
const timestampLayout = "2006-01-02T15:04:05.000000000Z"

// Logs is the output of a run, each line as OpenWhisk stores it: "<time> stdout: <text>".
// The order of lines is kept within a stream.
type Logs struct {
	Lines []string
	// Truncated: the limit was reached and the rest dropped.
	Truncated bool
}

// logCollector reads stdout and stderr all the time, so that a process never waits for its logs to
// be read, and keeps lines up to a limit.
type logCollector struct {
	streams []*logStream

	mu    sync.Mutex // also orders the readers of one pipe
	limit int        // guarded by mu
	kept  int        // bytes since the last take; guarded by mu
	logs  Logs       // guarded by mu
}

// logStream is one of the two pipes.
type logStream struct {
	pipe    *pipeReader
	label   string
	partial []byte // a line without its end yet; guarded by logCollector.mu
	ended   bool   // guarded by logCollector.mu
}

func newLogCollector(stdout, stderr *os.File) (*logCollector, error) {
	c := &logCollector{}
	for _, s := range []struct {
		file  *os.File
		label string
	}{{stdout, " stdout: "}, {stderr, " stderr: "}} {
		if s.file == nil {
			continue
		}
		pipe, err := newPipeReader(s.file, 8<<10)
		if err != nil {
			return nil, err
		}
		c.streams = append(c.streams, &logStream{pipe: pipe, label: s.label})
	}
	return c, nil
}

func (c *logCollector) start(wg *sync.WaitGroup) {
	for _, s := range c.streams {
		wg.Go(func() { c.follow(s) })
	}
}

// follow waits for output and takes it, until no writer is left.
func (c *logCollector) follow(s *logStream) {
	for ended := false; !ended; {
		err := s.pipe.raw.Read(func(uintptr) bool {
			c.mu.Lock()
			defer c.mu.Unlock()
			took := c.takeFrom(s)
			ended = s.ended
			return took || ended
		})
		if err != nil {
			return
		}
	}
}

// takeFrom reads once without waiting; false when nothing is there. The caller holds mu.
func (c *logCollector) takeFrom(s *logStream) bool {
	if s.ended {
		return false
	}
	chunk, err := s.pipe.tryRead()
	if errors.Is(err, errWouldBlock) {
		return false
	}
	if err != nil {
		s.ended = true
		return false
	}
	c.consume(s, chunk)
	return true
}

// drain takes everything that was written before it is called. What a child process goes on
// writing does not hold it up: a pipe holds no more than maxPipe.
func (c *logCollector) drain() {
	const maxPipe = 1 << 20
	for _, s := range c.streams {
		c.mu.Lock()
		for read := 0; read < maxPipe && c.takeFrom(s); {
			read += len(s.pipe.buf)
		}
		c.mu.Unlock()
	}
}

// consume cuts a chunk into lines. One clock reading serves the chunk. The caller holds mu.
func (c *logCollector) consume(s *logStream, chunk []byte) {
	if c.kept >= c.limit {
		c.logs.Truncated = c.logs.Truncated || c.limit > 0
		s.partial = nil
		return
	}
	now := time.Now().UTC()
	for len(chunk) > 0 {
		end := bytes.IndexByte(chunk, '\n')
		if end < 0 {
			if len(s.partial) >= c.limit {
				c.logs.Truncated = c.limit > 0
				return
			}
			s.partial = append(s.partial, chunk...)
			return
		}
		if len(s.partial) == 0 {
			c.add(s, now, chunk[:end])
		} else {
			c.add(s, now, append(s.partial, chunk[:end]...))
			s.partial = s.partial[:0]
		}
		chunk = chunk[end+1:]
	}
}

// add keeps a line, or what the limit leaves of it. The caller holds mu.
func (c *logCollector) add(s *logStream, now time.Time, text []byte) {
	room := c.limit - c.kept
	if room <= 0 {
		c.logs.Truncated = c.logs.Truncated || c.limit > 0
		return
	}
	if len(text) >= room {
		c.logs.Truncated = c.logs.Truncated || len(text) > room
		text = text[:min(len(text), room)]
	}
	c.kept += len(text) + 1
	text = bytes.TrimSuffix(text, []byte{'\r'})
	line := make([]byte, 0, len(timestampLayout)+len(s.label)+len(text))
	line = now.AppendFormat(line, timestampLayout)
	line = append(line, s.label...)
	line = append(line, text...)
	c.logs.Lines = append(c.logs.Lines, strings.ToValidUTF8(string(line), "\ufffd"))
}

// take returns the lines since the last take; a last line may lack its line feed.
func (c *logCollector) take() Logs {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.streams {
		if len(s.partial) > 0 {
			c.add(s, time.Now().UTC(), s.partial)
			s.partial = nil
		}
	}
	logs := c.logs
	c.logs, c.kept = Logs{}, 0
	return logs
}

func (c *logCollector) setLimit(limit int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limit = limit
}

func (c *logCollector) close() error {
	var errs []error
	for _, s := range c.streams {
		errs = append(errs, s.pipe.file.Close())
	}
	return errors.Join(errs...)
}
