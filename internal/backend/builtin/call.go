package builtin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/invoker"
)

// call runs the function within the action's time limit.
func (i *Invoker) call(ctx context.Context, msg *invoker.Message, log *Log) (result json.RawMessage, err error) {
	function, ok := i.functions[msg.Action.Exec.Main]
	if !ok {
		return nil, fmt.Errorf("this server has no built-in action %q", msg.Action.Exec.Main)
	}
	bounded, cancel := context.WithTimeout(ctx, msg.Action.Limits.Timeout)
	defer cancel()
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("panic: %v\n%s", broken, debug.Stack())
		}
	}()
	args := msg.Args
	if len(args) == 0 {
		args = json.RawMessage(`{}`)
	}
	result, err = function(bounded, &Call{
		Action: msg.Action, Identity: msg.Identity, ID: msg.ID, Transaction: msg.Transaction, Args: args, Log: log,
	})
	if err != nil && errors.Is(bounded.Err(), context.DeadlineExceeded) && ctx.Err() == nil {
		return nil, errTimeout
	}
	return result, err
}

// errTimeout is the error of a function that was stopped at its limit.
var errTimeout = errors.New("time limit reached")

// conclude sets the response, as a container's answer would be judged.
func (i *Invoker) conclude(msg *invoker.Message, r *invoker.Result, body json.RawMessage, err error) {
	var verdict invoker.Verdict
	shown, public := errors.AsType[*entity.Error](err)
	switch {
	case errors.Is(err, errTimeout):
		r.TimedOut = true
		text := invoker.TimeoutText(msg.Action.Limits, false)
		verdict = invoker.Verdict{Response: entity.Failed(entity.DeveloperError, text), Fault: fault.Timeout}
	case public:
		verdict = invoker.Verdict{Response: entity.Failed(entity.WhiskError, shown.Message), Fault: shown.Code}
	case err != nil:
		verdict = invoker.Verdict{Response: entity.Failed(entity.WhiskError, internalError), Fault: fault.InternalServerError}
	default:
		if body == nil {
			body = json.RawMessage(`{}`)
		}
		verdict = invoker.ClassifyRun(http.StatusOK, body, int64(len(body)), truncation)
	}
	if err != nil && !r.TimedOut {
		i.logger.Error("built-in action failed", "action", msg.Action.Name.String(),
			"activation", msg.ID, "transaction", msg.Transaction, "error", err)
	}
	r.Response, r.Fault = verdict.Response, verdict.Fault
}

const (
	internalError = "There was an internal server error." // OpenWhisk 1.4.14
	truncation    = 1 << 20                               // bytes of a result, OpenWhisk 2.11.5
)
