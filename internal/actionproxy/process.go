// Package actionproxy supervises an action's launcher over its pipes, and serves OpenWhisk's
// container contract (POST /init, POST /run) in front of it.
//
// How a launcher is started is left to others: Attach takes the parent's ends of the pipes of a
// process in a sandbox, Start runs a command as a plain child.
package actionproxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/gowhisk/gowhisk/internal/protocol"
)

// What can become of a process. All but ErrBusy are final: the process answers no more runs.
var (
	// ErrExited: the process ended, or closed its answers, before it answered.
	ErrExited = errors.New("the process exited")
	// ErrUnread is ErrExited of a process that has certainly read nothing of the request, so that another
	// one may be given it.
	ErrUnread = fmt.Errorf("%w before it read the request", ErrExited)
	// ErrOutOfStep: a line came that nobody asked for, or that is no answer.
	ErrOutOfStep = errors.New("the process answers out of step")
	// ErrAbandoned: an earlier exchange was given up on while its answer was still due.
	ErrAbandoned = errors.New("an earlier run of the process was given up")
)

// Standard limits. OpenWhisk 2.5.1, 3.1.7.
const (
	DefaultAnswerLimit = 1 << 20
	DefaultLogLimit    = 10 << 20
)

// Pipes are the parent's ends. All must support deadlines, as those of os.Pipe do. Stdout and
// Stderr may be nil when somebody else reads the logs.
type Pipes struct {
	Stdin, Answers, Stdout, Stderr *os.File
}

// Options are what is known when a process is attached.
type Options struct {
	// Limits hold until Limit changes them.
	Limits Limits
	// Stdout and Stderr get a copy of the output as it comes, where they are set.
	Stdout, Stderr io.Writer
	// ActionLoop replaces results that are no object or array, as OpenWhisk's Go proxy does for
	// programs that know no status (3.6.6). Launchers that do it themselves leave it unset.
	ActionLoop bool
}

// Limits bound what is kept of one run, in bytes. Zero means the default; negative means none is kept.
type Limits struct {
	Answer, Logs int
}

// Answer is the outcome of an exchange as the launcher gave it: also the action's own failure.
type Answer struct {
	// Status is that of an HTTP answer: 200 when the action answered.
	Status int
	// Body is the answer's text, cut at the limit. It belongs to the caller.
	Body []byte
	// Length is that of the whole answer in bytes, also of one that was cut.
	Length    int
	Truncated bool
}

// Process is one launcher and the exchange of lines with it. Its methods may be called by several
// goroutines; runs take turns unless init allowed concurrent activations.
type Process struct {
	stdin   *lineWriter
	answers *answerReader
	logs    *logCollector
	loop    bool
	turn    chan struct{} // holds one token: the right to write, and to be the run in flight
	line    []byte        // guarded by turn

	booted reply
	boot   sync.Once

	exited     <-chan struct{} // nil if nobody knows when the process has ended
	stop       chan struct{}
	closing    sync.Once
	closed     error // written once, by closing
	goroutines sync.WaitGroup
	concurrent atomic.Bool // set by Init before any run
}

// Attach takes over the pipes of a process that is starting. exited is closed when the process has
// ended; nil if only the end of its answers tells. The caller ends the process and then calls Close.
func Attach(pipes Pipes, exited <-chan struct{}, opts Options) (*Process, error) {
	stdin, err := newLineWriter(pipes.Stdin)
	if err != nil {
		return nil, fmt.Errorf("attach stdin: %w", err)
	}
	answers, err := newAnswerReader(pipes.Answers)
	if err != nil {
		return nil, fmt.Errorf("attach answers: %w", err)
	}
	logs, err := newLogCollector(pipes, opts)
	if err != nil {
		return nil, fmt.Errorf("attach logs: %w", err)
	}
	p := &Process{stdin: stdin, answers: answers, logs: logs, loop: opts.ActionLoop, exited: exited,
		turn: make(chan struct{}, 1), stop: make(chan struct{})}
	p.Limit(opts.Limits)
	if err := p.answers.expect(); err != nil {
		return nil, err
	}
	p.answers.frames = p.logs.frame
	p.goroutines.Go(p.answers.serve)
	p.logs.start(&p.goroutines)
	p.goroutines.Go(func() { p.watch(exited) })
	p.turn <- struct{}{}
	return p, nil
}

// Limit sets the limits of the runs to come.
func (p *Process) Limit(l Limits) {
	p.answers.limit.Store(int64(limitOr(l.Answer, DefaultAnswerLimit)))
	p.logs.setLimit(limitOr(l.Logs, DefaultLogLimit))
}

func limitOr(limit, standard int) int {
	if limit == 0 {
		return standard
	}
	return max(limit, 0)
}

// watch ends the wait for answers once the process is gone, even if a child of it still holds the
// pipe open.
func (p *Process) watch(exited <-chan struct{}) {
	select {
	case <-exited:
		p.answers.finish()
	case <-p.answers.done:
	case <-p.stop:
	}
}

// Concurrent says whether init allowed several runs in flight.
func (p *Process) Concurrent() bool { return p.concurrent.Load() }

// Done is closed when the process has ended or closed its answers.
func (p *Process) Done() <-chan struct{} { return p.answers.done }

// Err is nil while the process can take a run, else the reason why not.
func (p *Process) Err() error { return p.answers.err() }

// Ready waits for the launcher's boot acknowledgement.
func (p *Process) Ready(ctx context.Context) error {
	p.boot.Do(func() {
		p.booted = p.answers.await(ctx, p.answers.sequential)
		p.logs.drain()
	})
	switch {
	case p.booted.err != nil:
		return fmt.Errorf("boot launcher: %w", p.booted.err)
	case p.booted.Status != http.StatusOK || !protocol.IsOK(p.booted.Body):
		return fmt.Errorf("boot launcher: %w: %.200s", ErrOutOfStep, p.booted.Body)
	}
	return nil
}

// Init makes the process one action's. A refusal or failure of the action's code is an Answer with
// a status that is not 200.
func (p *Process) Init(ctx context.Context, in *protocol.Init) (Answer, error) {
	if err := p.Ready(ctx); err != nil {
		return Answer{}, err
	}
	if err := p.acquire(ctx); err != nil {
		return Answer{}, err
	}
	defer p.release()
	concurrent := in.Env[protocol.EnvAllowConcurrent] == "true"
	line := *in
	line.Frames = concurrent && len(p.logs.streams) > 0
	p.line = line.Append(p.line[:0])
	r := p.exchange(ctx)
	p.logs.drain()
	if r.err != nil {
		return Answer{}, fmt.Errorf("init: %w", r.err)
	}
	if r.Status == http.StatusOK && !protocol.IsOK(r.Body) {
		return failed(http.StatusBadGateway, protocol.DidNotInitialize), nil
	}
	p.concurrent.Store(concurrent)
	return r.Answer, nil
}

// Run sends one activation and waits for its answer. After an error the process is of no use.
func (p *Process) Run(ctx context.Context, req *protocol.RunRequest) (Answer, error) {
	if err := p.acquire(ctx); err != nil {
		return Answer{}, err
	}
	p.line = req.Append(p.line[:0])
	return p.run(ctx, req.ActivationID)
}

// Forward is Run for a body of POST /run that was received as a whole; id is its activation_id.
func (p *Process) Forward(ctx context.Context, id string, body []byte) (Answer, error) {
	if err := p.acquire(ctx); err != nil {
		return Answer{}, err
	}
	p.line = protocol.AppendRaw(p.line[:0], body)
	return p.run(ctx, id)
}

// run exchanges p.line for an answer. It releases the turn.
func (p *Process) run(ctx context.Context, id string) (Answer, error) {
	var r reply
	start := p.stdin.sent.Load()
	if p.concurrent.Load() && id != "" {
		r = p.exchangeConcurrent(ctx, id)
	} else {
		r = p.exchange(ctx)
		p.release()
	}
	p.logs.drain()
	if errors.Is(r.err, ErrExited) && p.neverRead(start) {
		r.err = ErrUnread
	}
	if r.err != nil {
		return Answer{}, fmt.Errorf("run: %w", r.err)
	}
	if p.loop && !r.Truncated && !protocol.IsResult(r.Body) {
		return failed(http.StatusBadGateway, protocol.NoDictionaryOrArray), nil
	}
	if !utf8.Valid(r.Body) {
		r.Body = bytes.ToValidUTF8(r.Body, []byte("\ufffd"))
	}
	return r.Answer, nil
}

// exchange sends p.line and waits for the next answer. The caller has the turn.
func (p *Process) exchange(ctx context.Context) reply {
	if err := p.answers.expect(); err != nil {
		return reply{err: err}
	}
	if err := p.send(ctx); err != nil {
		return p.answers.abandon(p.answers.sequential, err)
	}
	return p.answers.await(ctx, p.answers.sequential)
}

// exchangeConcurrent sends p.line, gives the turn back and waits for the answer with that id.
func (p *Process) exchangeConcurrent(ctx context.Context, id string) reply {
	w, err := p.answers.expectID(id)
	if err != nil {
		p.release()
		return reply{err: err}
	}
	defer p.answers.settle(w)
	err = p.send(ctx)
	p.release()
	if err != nil {
		return p.answers.abandon(w, err)
	}
	return p.answers.await(ctx, w)
}

func (p *Process) send(ctx context.Context) error {
	p.line = append(p.line, '\n')
	err := p.stdin.write(ctx, p.line)
	if cap(p.line) > 64<<10 {
		p.line = nil // one large request must not stay in memory
	}
	if err != nil { // a part of the line may have been sent
		p.answers.breakOff(err)
	}
	return err
}

// acquire waits for the turn, or for the end of the process.
func (p *Process) acquire(ctx context.Context) error {
	select {
	case <-p.turn:
	default:
		select {
		case <-p.turn:
		case <-ctx.Done():
			return fmt.Errorf("wait for an earlier run: %w", context.Cause(ctx))
		}
	}
	if err := p.answers.err(); err != nil {
		p.release()
		if errors.Is(err, ErrExited) {
			return ErrUnread
		}
		return err
	}
	return nil
}

// exitWait bounds how long the end of a process is waited for that does not answer any more.
const exitWait = time.Second

// neverRead says that the process has ended and what was written from that position on is in the pipe
// still, where nobody is left to read it.
func (p *Process) neverRead(start int64) bool {
	if p.exited == nil || !p.stdin.unread(start) {
		return false
	}
	timer := time.NewTimer(exitWait)
	defer timer.Stop()
	select {
	case <-p.exited:
	case <-timer.C:
		return false
	}
	return p.stdin.unread(start)
}

func (p *Process) release() { p.turn <- struct{}{} }

// TakeLogs returns what was written to stdout and stderr since it was last called, up to the limit
// of the logs, and starts anew. A run's output is complete when its answer has been returned.
func (p *Process) TakeLogs() Logs { return p.logs.take("") }

// TakeLogsOf is TakeLogs after a run that others overlapped: the output that the launcher knows to
// be that activation's, and all that it knows no activation of. To be called once for every run.
func (p *Process) TakeLogsOf(id string) Logs { return p.logs.take(id) }

// Close gives the pipes back and waits for the readers. It does not end the process.
func (p *Process) Close() error {
	p.closing.Do(func() {
		close(p.stop)
		p.closed = errors.Join(p.stdin.close(), p.answers.close(), p.logs.close())
		p.goroutines.Wait()
	})
	return p.closed
}
