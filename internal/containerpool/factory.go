// Package containerpool keeps containers for actions: it leases a warm one
// where there is one, turns a stem cell or a new container into one where
// there is none, and bounds the memory of all of them. It is the Invoker of
// every backend that does not bring its own pool.
//
// A container serves one revision of one action of one invoking namespace for
// its whole life and is destroyed after any failure that is not the action's
// own answer. What a container is, is the backend's business: see Factory.
package containerpool

import (
	"context"
	"fmt"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
	"github.com/gowhisk/gowhisk/internal/protocol"
)

// Spec says what container to make. A container of a kind can be made before
// it is known which action it will serve; then it is a stem cell.
type Spec struct {
	Kind   string // of the runtimes manifest, or entity.KindBlackbox
	Image  string // of a blackbox action
	Memory int64  // MB of the action that it is made for; 0 for a stem cell
}

// A Factory makes containers. Every method may be called concurrently.
type Factory interface {
	// Create starts a container of spec and returns once it accepts Init. If
	// ctx ends first, Create leaves nothing behind. A *entity.Error or
	// *Failure tells what the user can do, such as a kind that this host
	// cannot run.
	Create(ctx context.Context, spec Spec) (Container, error)
}

// Assignment turns a container into one of an action.
type Assignment struct {
	Action *entity.Action
	Code   string            // as it was sent; "" if there is none
	Env    map[string]string // complete: __OW_* and init parameters
}

// Answer is what a runtime said to Init or Run. Status is that of the HTTP
// contract, 200 for success. Body is one JSON text, at most the size limit
// long; Length is its true length, which is larger when it was cut.
type Answer struct {
	Status int
	Body   []byte
	Length int64
}

// Logs are the lines that an action printed during one run, stamped and in
// the order of each stream, and whether the log limit cut them.
type Logs struct {
	Lines     []string
	Truncated bool
	Broken    bool // lines may be missing
}

// A Container is one sandbox. After Destroy every method is safe to call and
// returns an error that says why the container was destroyed.
//
// Init and Run honour the deadline of ctx with context.DeadlineExceeded and
// report the death of the runtime with a *Failure. After any error the
// container is useless: its owner destroys it.
type Container interface {
	ID() string

	// Init loads the action. It is called once.
	Init(ctx context.Context, a Assignment) (Answer, error)

	// Run runs the action once. It may be called concurrently, up to the
	// smaller of the action's concurrency limit and Concurrency().
	// It does not retain req.
	Run(ctx context.Context, req *protocol.RunRequest) (Answer, error)

	// Logs returns what was printed since the last call (with several runs in
	// flight: for the activation id) and is complete up to the answer.
	Logs(ctx context.Context, id entity.ActivationID) Logs

	// Concurrency is how many runs the runtime can take at once, at least 1.
	Concurrency() int

	// Destroy ends the container with all its processes and gives back what
	// it held. Only the first call does anything.
	Destroy(ctx context.Context, reason string) error
}

// A Pauser is a Container that can be frozen between runs.
type Pauser interface {
	Pause(ctx context.Context) error
	Resume(ctx context.Context) error
}

// A Meter is a Container that knows what memory it uses.
type Meter interface {
	// MemoryUsage returns bytes.
	MemoryUsage() (int64, error)
}

// Cause says how a container failed an action.
type Cause uint8

// The causes.
const (
	Exited      Cause = iota + 1 // the runtime ended or closed its answer pipe
	OutOfMemory                  // the kernel ended it for its memory limit
	Refused                      // the code cannot be used: Message says why
)

// Failure is the death of a container by the action's doing. Detail is what
// was measured ("exit code 1 after 12 ms"); Message, only with Refused, is
// the text for the user; Code is the stable fault code. Unread says that the
// runtime had ended before it read anything of the run, which another container
// may be given then.
type Failure struct {
	Cause   Cause
	Unread  bool
	Detail  string
	Message string
	Code    string
}

func (f *Failure) Error() string {
	switch f.Cause {
	case OutOfMemory:
		return "container ran out of memory: " + f.Detail
	case Refused:
		return "container refused the action: " + f.Message
	}
	return fmt.Sprintf("container exited: %s", f.Detail)
}

// The pool is an Invoker that knows when it is full.
var (
	_ invoker.Invoker = (*Pool)(nil)
	_ invoker.Gate    = (*Pool)(nil)
)
