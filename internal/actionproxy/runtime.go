package actionproxy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/gowhisk/gowhisk/internal/protocol"
)

// ErrDeadline is the cause of a run that was ended at its deadline.
var ErrDeadline = errors.New("the deadline of the activation has passed")

// Platform is a contract between the outside and a Runtime: what a request becomes, and what the
// runtime's answer is to the one who asked. Server and Knative are the platforms.
type Platform interface {
	http.Handler
	// Drain says that no further requests are wanted.
	Drain()
	// Close ends the runtime and what is in flight.
	Close() error
}

// Runtime is what a platform's requests reach: a launcher (Supervisor) or a server that speaks
// OpenWhisk's container contract (Upstream). It is made ready, becomes one action's, and answers that
// action's runs. Start and Init are not to be called at the same time; runs may overlap.
type Runtime interface {
	// Start makes it ready for Init; it does nothing if it is, or if it is an action's already.
	Start(ctx context.Context) error
	// Init makes it the action's. What the action's code does wrong is an Answer whose status is not
	// 200, or a *protocol.Failure. After any failure it may be called again.
	Init(ctx context.Context, a *Action) (Answer, error)
	// InitLogs is, once, what was printed before the last failure of Start or Init. What an init that
	// succeeded printed is the first run's.
	InitLogs() Logs
	// Run hands on one body of POST /run. id is its activation_id. After an error the action is gone:
	// Err tells so, and Start and Init bring it back.
	Run(ctx context.Context, id string, body []byte) (Answer, Logs, error)
	// Reset ends what there is, with what is in flight. Start and Init bring the action back.
	Reset()
	// Err is nil while the action can take a run.
	Err() error
	// Close ends it for good.
	Close() error
}

// errNoAction: Init is still to come.
var errNoAction = errors.New(protocol.NotInitialized)

// runFailure is the answer for a runtime that did not give one; exited is the status when it has
// exited. OpenWhisk 3.6.6, 3.7.1, 3.8.6.
func runFailure(err error, exited int, node bool) Answer {
	switch {
	case errors.Is(err, ErrOutOfStep):
		return failed(http.StatusBadGateway, protocol.NoDictionaryOrArray)
	case !errors.Is(err, ErrExited):
		return failed(http.StatusBadGateway, protocol.CommandExited+": "+err.Error())
	case node:
		return failed(http.StatusBadGateway, "The action did not produce a valid response and exited unexpectedly.")
	}
	return failed(exited, protocol.CommandExited)
}

// initFailure is the answer for a runtime that did not give one to an init.
func initFailure(err error, node bool) Answer {
	var failure *protocol.Failure
	switch {
	case errors.As(err, &failure):
		return failed(failure.Status, failure.Message)
	case !errors.Is(err, ErrExited):
		return failed(http.StatusBadGateway, protocol.CannotStartBecause+err.Error())
	case node:
		return failed(http.StatusBadGateway, "The action did not initialize and exited unexpectedly.")
	}
	return failed(http.StatusBadGateway, protocol.CannotStartBecause+protocol.ExitedDuringInit)
}

// activationID reads the id of a valid body of POST /run; one of another type names nothing.
func activationID(body []byte) string { return stringOf(member(body, "activation_id")) }

// stringOf is what a string of JSON says; empty for every other value.
func stringOf(value []byte) string {
	if len(value) < 2 || value[0] != '"' {
		return ""
	}
	if inner := value[1 : len(value)-1]; bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	var s string
	if json.Unmarshal(value, &s) != nil {
		return ""
	}
	return s
}

// failed is the answer that a failure is.
func failed(status int, message string) Answer {
	a := (&protocol.Failure{Status: status, Message: message}).Answer()
	return Answer{Status: a.Status, Body: a.Body, Length: len(a.Body)}
}
