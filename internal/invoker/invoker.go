// Package invoker declares the wide port of the invocation path: something
// that runs one activation of one action to completion. The container pool
// is one implementation; a cluster that brings its own pool is another.
package invoker

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/protocol"
)

// Message is one activation to run. It is complete: an Invoker needs nothing
// else to run it.
type Message struct {
	Action      *entity.Action // shared: never changed
	Binding     entity.Name    // that the action was named through, zero if none
	Identity    *entity.Identity
	ID          entity.ActivationID
	Transaction string
	Trace       protocol.Trace
	Args        json.RawMessage   // merged arguments, an object or an array
	Env         map[string]string // `init` parameters, nil if none
	Accepted    time.Time         // when the request arrived

	// Code loads the action's code as it was sent; "" if it has none. It is
	// called at most once, only if a container must be initialised.
	Code func(context.Context) (string, error)

	// Starting, if not nil, is called once, right before the activation is
	// handed to a container; if it errs the activation is not run.
	Starting func(context.Context) error
}

// Start says how warm the container was that ran an activation.
type Start string

// The kinds of start.
const (
	Cold      Start = "cold"
	Prewarmed Start = "prewarmed" // a stem cell of the kind
	Warm      Start = "warm"
)

// Result is what is known of an activation that ran.
type Result struct {
	Response entity.Response
	Logs     []string      // as recorded: timestamp, stream, line
	Began    time.Time     // begin of init, or of run when warm
	Ended    time.Time     // end of run
	Wait     time.Duration // from Accepted to Began
	Init     time.Duration // 0 when warm
	Duration time.Duration // init + run
	Start    Start
	// Placement names where it ran, for a backend that has several ways; empty for the usual one.
	Placement string
	TimedOut  bool
	Fault     string // stable code of package fault, empty on success
	Why       string // what was measured about the failure, for the fault's explanation
}

// An Invoker runs one activation of one executable action to completion.
//
// It returns a Result for everything the action did, including failing: an
// error means that the platform failed and nothing is known of the action.
// Kind Throttled and Unavailable errors mean that the activation was not
// started, and so does entity.ErrNotFound: there is no such version of the
// action any more. It enforces the action's own limits; ctx ending earlier abandons
// the activation. It must not retain the message.
type Invoker interface {
	Invoke(ctx context.Context, msg *Message) (Result, error)
}

// A Gate is an Invoker that can tell that it takes no more activations now,
// so that one is refused before it is accepted.
type Gate interface {
	// Ready returns nil, or why not: an error of kind Throttled or
	// Unavailable. It is quick.
	Ready() error
}
