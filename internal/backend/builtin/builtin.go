// Package builtin runs the platform's own actions inside the server: the
// routes of the API gateway, the feeds. To everybody else they are actions as
// any other, with limits, logs and records; what they do is a Go function.
package builtin

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/invoker"
)

// Function is what one action of entity.KindBuiltin does. It is called
// concurrently, and ends soon after ctx does, which is bounded by the action's
// time limit.
//
// A result is an object or an array, nil for {}; one with a member "error" is
// an application error, as with any action. An error is the platform's
// failure, a whisk error of the activation: its text is for the log of the
// server, unless it is an *entity.Error, whose message the caller sees.
type Function func(ctx context.Context, call *Call) (json.RawMessage, error)

// Call is one activation of a Function. What it points to is shared: it must
// not be changed, nor Args be kept.
type Call struct {
	Action      *entity.Action
	Identity    *entity.Identity // in whose namespace it runs: of a web action, the action's own
	ID          entity.ActivationID
	Transaction string
	Args        json.RawMessage // merged arguments, an object or an array
	Log         *Log
}

// Fail is the result of an application error that carries only a message.
func Fail(format string, args ...any) json.RawMessage {
	return entity.Failed(entity.ApplicationError, fmt.Sprintf(format, args...)).Result
}

// Invoker runs actions of entity.KindBuiltin itself and gives all others to
// the next Invoker.
type Invoker struct {
	next      invoker.Invoker
	functions map[string]Function
	logger    *slog.Logger
}

// New returns an Invoker before next. functions are named by Exec.Main of an
// action, as in "apimgmt/createApi"; the map is not changed afterwards.
func New(next invoker.Invoker, functions map[string]Function, logger *slog.Logger) *Invoker {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Invoker{next: next, functions: functions, logger: logger}
}

// Ready tells what next tells, if that is a Gate.
func (i *Invoker) Ready() error {
	if gate, ok := i.next.(invoker.Gate); ok {
		return gate.Ready()
	}
	return nil
}

// Invoke runs one activation.
func (i *Invoker) Invoke(ctx context.Context, msg *invoker.Message) (invoker.Result, error) {
	if msg.Action.Exec.Kind != entity.KindBuiltin {
		return i.next.Invoke(ctx, msg)
	}
	if msg.Starting != nil {
		if err := msg.Starting(ctx); err != nil {
			return invoker.Result{}, fmt.Errorf("mark activation %s as started: %w", msg.ID, err)
		}
	}
	result := invoker.Result{Began: time.Now(), Start: invoker.Warm}
	result.Wait = result.Began.Sub(msg.Accepted)
	log := &Log{limit: msg.Action.Limits.Logs * entity.MB, now: time.Now}
	body, err := i.call(ctx, msg, log)
	result.Ended = time.Now()
	result.Duration = result.Ended.Sub(result.Began)
	if err != nil && ctx.Err() != nil {
		return invoker.Result{}, fmt.Errorf("activation %s was abandoned: %w", msg.ID, err)
	}
	i.conclude(msg, &result, body, err)
	var cut bool
	if result.Logs, cut = log.take(); cut && result.Fault == "" {
		result.Fault = fault.LogsTruncated
	}
	return result, nil
}
