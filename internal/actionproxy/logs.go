package actionproxy

import (
	"errors"
	"io"
	"os"
	"sync"

	"github.com/gowhisk/gowhisk/internal/protocol"
)

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

	mu     sync.Mutex // also orders the readers of one pipe
	copies [protocol.Stderr + 1]io.Writer
	limit  int                   // guarded by mu
	common logBuffer             // guarded by mu
	byID   map[string]*logBuffer // of overlapping runs; guarded by mu
}

// logStream is one of the two pipes.
type logStream struct {
	pipe   *pipeReader
	stream protocol.Stream
	ended  bool // guarded by logCollector.mu
}

func newLogCollector(pipes Pipes, opts Options) (*logCollector, error) {
	c := &logCollector{byID: map[string]*logBuffer{}}
	c.copies[protocol.Stdout], c.copies[protocol.Stderr] = opts.Stdout, opts.Stderr
	for _, s := range []struct {
		file   *os.File
		stream protocol.Stream
	}{{pipes.Stdout, protocol.Stdout}, {pipes.Stderr, protocol.Stderr}} {
		if s.file == nil {
			continue
		}
		pipe, err := newPipeReader(s.file, 8<<10)
		if err != nil {
			return nil, err
		}
		c.streams = append(c.streams, &logStream{pipe: pipe, stream: s.stream})
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
	c.pass(s.stream, chunk)
	c.common.consume(s.stream, chunk, c.limit)
	return true
}

// pass copies output to where it is wanted at once. The caller holds mu.
func (c *logCollector) pass(s protocol.Stream, chunk []byte) {
	if w := c.copies[s]; w != nil {
		_, _ = w.Write(chunk) // output that nobody takes is no fault of the action
	}
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

// frame takes output that the launcher says the activation of.
func (c *logCollector) frame(id string, s protocol.Stream, text []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := &c.common
	if id != "" {
		if b = c.byID[id]; b == nil {
			b = &logBuffer{}
			c.byID[id] = b
		}
	}
	c.pass(s, text)
	b.consume(s, text, c.limit)
}

// take returns the lines of the activation and those of none since the last take.
func (c *logCollector) take(id string) Logs {
	c.mu.Lock()
	defer c.mu.Unlock()
	common := c.common.take(c.limit)
	b := c.byID[id]
	if b == nil {
		return common
	}
	delete(c.byID, id)
	logs := b.take(c.limit)
	return Logs{Lines: append(logs.Lines, common.Lines...), Truncated: logs.Truncated || common.Truncated}
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
