package actionproxy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"sync"
	"sync/atomic"

	"github.com/gowhisk/gowhisk/internal/protocol"
)

// reply is what an exchange ends with.
type reply struct {
	Answer
	err error
}

// waiter is one exchange in flight.
type waiter struct {
	id string
	ch chan reply // one element
}

// shortLine is what is read of any line whatever the limit of answers: frames of output are shorter.
const shortLine = 128 << 10

// answerReader reads the answer lines of a process and hands each to the exchange it belongs to.
type answerReader struct {
	pipe       *pipeReader
	limit      atomic.Int64
	done       chan struct{}
	sequential *waiter // reused: one exchange without id at a time
	frames     func(id string, s protocol.Stream, text []byte)

	line  []byte // the line so far, up to the limit; owned by serve
	total int    // its length so far; owned by serve

	mu      sync.Mutex
	current *waiter            // guarded by mu: sequential, or nil
	byID    map[string]*waiter // guarded by mu
	idle    []*waiter          // to be used again; guarded by mu
	broken  error              // guarded by mu
}

func newAnswerReader(f *os.File) (*answerReader, error) {
	pipe, err := newPipeReader(f, 16<<10)
	if err != nil {
		return nil, err
	}
	return &answerReader{pipe: pipe, done: make(chan struct{}), byID: map[string]*waiter{},
		sequential: &waiter{ch: make(chan reply, 1)}}, nil
}

func (r *answerReader) err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.broken
}

// expect says that the next line without id is awaited.
func (r *answerReader) expect() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken == nil {
		r.current = r.sequential
	}
	return r.broken
}

// expectID says that a line with the id is awaited.
func (r *answerReader) expectID(id string) (*waiter, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken != nil {
		return nil, r.broken
	}
	if r.byID[id] != nil {
		return nil, errors.New("activation " + id + " is in flight already")
	}
	var w *waiter
	if n := len(r.idle); n > 0 {
		w, r.idle = r.idle[n-1], r.idle[:n-1]
	} else {
		w = &waiter{ch: make(chan reply, 1)}
	}
	w.id = id
	r.byID[id] = w
	return w, nil
}

// settle takes back a waiter whose exchange has ended.
func (r *answerReader) settle(w *waiter) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.idle = append(r.idle, w)
}

// await waits for the answer, and no longer than the context.
func (r *answerReader) await(ctx context.Context, w *waiter) reply {
	select {
	case got := <-w.ch:
		return got
	case <-ctx.Done():
		return r.abandon(w, context.Cause(ctx))
	}
}

// abandon gives up on an answer because of cause. An answer that came meanwhile is taken. An answer
// without id can not be told from the next one, so the process is of no use then.
func (r *answerReader) abandon(w *waiter, cause error) reply {
	r.mu.Lock()
	waiting := r.current == w
	if waiting {
		r.current = nil
		if r.broken == nil {
			r.broken = ErrAbandoned
		}
	}
	if w.id != "" && r.byID[w.id] == w {
		waiting = true
		delete(r.byID, w.id)
	}
	r.mu.Unlock()
	if !waiting {
		return <-w.ch
	}
	return reply{err: cause}
}

// serve reads until the pipe ends or finish is called.
func (r *answerReader) serve() {
	defer close(r.done)
	for {
		n, err := r.pipe.file.Read(r.pipe.buf)
		r.consume(r.pipe.buf[:n])
		if err != nil {
			break
		}
	}
	r.consumeRest()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail(ErrExited)
}

// finish makes serve take what is in the pipe and end.
func (r *answerReader) finish() { _ = r.pipe.file.SetReadDeadline(aLongTimeAgo) }

func (r *answerReader) consumeRest() {
	for {
		chunk, err := r.pipe.tryRead()
		if err != nil {
			return
		}
		r.consume(chunk)
	}
}

// consume cuts a chunk into lines. What was written together is taken together: a line too many is
// noticed before the next exchange begins.
func (r *answerReader) consume(chunk []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(chunk) > 0 {
		end := bytes.IndexByte(chunk, '\n')
		if end < 0 {
			r.keep(chunk)
			return
		}
		if r.total == 0 && end <= int(r.limit.Load()) {
			r.deliver(bytes.Clone(chunk[:end]), end)
		} else {
			r.keep(chunk[:end])
			r.deliver(r.line, r.total)
		}
		r.line, r.total = nil, 0
		chunk = chunk[end+1:]
	}
}

// keep adds to the line up to the limit, and counts the rest.
func (r *answerReader) keep(part []byte) {
	r.total += len(part)
	room := max(int(r.limit.Load()), shortLine) + protocol.MaxPrefix - len(r.line)
	r.line = append(r.line, part[:min(len(part), max(room, 0))]...)
}

// deliver hands a line of that total length to its exchange. It owns line. The caller holds mu.
func (r *answerReader) deliver(line []byte, total int) {
	got, err := protocol.ParseAnswer(line)
	answer := Answer{Status: got.Status, Body: got.Body, Length: total - (len(line) - len(got.Body))}
	if limit := int(r.limit.Load()); answer.Length > limit {
		answer.Body = answer.Body[:min(limit, len(answer.Body))]
		answer.Truncated = true
	}
	switch {
	case err != nil:
		r.fail(ErrOutOfStep)
	case got.Stream != protocol.NoStream:
		r.frame(got)
	case got.ID != "":
		if w := r.byID[got.ID]; w != nil {
			delete(r.byID, got.ID)
			w.ch <- reply{Answer: answer}
		}
	case r.current != nil:
		w := r.current
		r.current = nil
		w.ch <- reply{Answer: answer}
	case r.broken == nil:
		r.broken = ErrOutOfStep
	}
}

// frame passes output on: of an activation in flight, or of nobody. The caller holds mu.
func (r *answerReader) frame(f protocol.Answer) {
	var text string
	if json.Unmarshal(f.Body, &text) != nil {
		return // what is no text the launcher did not write
	}
	if r.byID[f.ID] == nil {
		f.ID = ""
	}
	r.frames(f.ID, f.Stream, []byte(text))
}

// breakOff refuses every later exchange.
func (r *answerReader) breakOff(cause error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken != nil {
		return
	}
	r.broken = ErrAbandoned
	if errors.Is(cause, ErrExited) {
		r.broken = ErrExited
	}
}

// fail ends every exchange in flight and every later one with err. The caller holds mu.
func (r *answerReader) fail(err error) {
	if r.broken == nil || errors.Is(err, ErrExited) {
		r.broken = err
	}
	if r.current != nil {
		r.current.ch <- reply{err: err}
		r.current = nil
	}
	for id, w := range r.byID {
		delete(r.byID, id)
		w.ch <- reply{err: err}
	}
}

func (r *answerReader) close() error { return r.pipe.file.Close() }
