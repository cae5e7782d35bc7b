package containerpool

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/invoker"
	"github.com/gowhisk/gowhisk/internal/protocol"
)

// Invoke runs one activation: lease, initialise unless warm, run, collect the
// logs, give the container back.
func (p *Pool) Invoke(ctx context.Context, msg *invoker.Message) (invoker.Result, error) {
	for started := false; ; started = true {
		c, how, err := p.lease(ctx, msg)
		if err != nil {
			return unmade(msg, err)
		}
		if msg.Starting != nil && !started {
			if err := msg.Starting(ctx); err != nil {
				p.handBack(c, how)
				return invoker.Result{}, fmt.Errorf("mark activation %s as started: %w", msg.ID, err)
			}
		}
		x := execution{pool: p, c: c, msg: msg}
		if result, err := x.execute(ctx, how); !x.unread {
			return result, err
		}
	}
}

// execute runs the activation in its container, and gives that back.
func (x *execution) execute(ctx context.Context, how leaseKind) (invoker.Result, error) {
	x.result.Start = how.start()
	x.result.Began = time.Now()
	x.result.Wait = x.result.Began.Sub(x.msg.Accepted)
	x.warm = how == leaseWarm
	if how != leaseWarm {
		x.init(ctx)
	}
	if x.broken == "" {
		x.run(ctx)
	}
	if x.err == nil {
		x.collectLogs(ctx)
	}
	x.settle(x.initialised || x.warm)
	if x.err != nil {
		return invoker.Result{}, x.err
	}
	return x.result, nil
}

// settle gives the container back, or up if it is broken, and remembers how
// long the run took.
func (x *execution) settle(initialised bool) {
	p := x.pool
	if !initialised {
		p.unready(x.c, x.broken)
		return
	}
	p.mu.Lock()
	defer p.unlock()
	if !x.unread {
		x.c.group.learn(x.result.Duration - x.result.Init)
	}
	p.put(x.c, x.broken)
}

// handBack returns a leased container that was not used.
func (p *Pool) handBack(c *container, how leaseKind) {
	p.mu.Lock()
	defer p.unlock()
	p.unlease(c, how)
}

// unmade is the outcome without a container: the action's failure if the
// backend refused it, such as an image that cannot be had, else the platform's.
func unmade(msg *invoker.Message, err error) (invoker.Result, error) {
	f, ok := errors.AsType[*Failure](err)
	if !ok || f.Cause != Refused {
		return invoker.Result{}, provisioning(err)
	}
	now := time.Now()
	return invoker.Result{
		Response: entity.Failed(entity.DeveloperError, f.Message), Began: now, Ended: now,
		Wait: now.Sub(msg.Accepted), Start: invoker.Cold, Fault: f.Code, Why: f.Detail,
	}, nil
}

// provisioning keeps what a caller can act on and names the rest.
func provisioning(err error) error {
	if f, ok := errors.AsType[*Failure](err); ok {
		return entity.Errorf(entity.Internal, "%s", invoker.Unprovisioned).WithCode(orElse(f.Code, fault.Provisioning)).Because(err)
	}
	if _, ok := errors.AsType[*entity.Error](err); ok {
		return err
	}
	return entity.Errorf(entity.Internal, "%s", invoker.Unprovisioned).WithCode(fault.Provisioning).Because(err)
}

// execution is one activation in one container.
type execution struct {
	pool        *Pool
	c           *container
	msg         *invoker.Message
	result      invoker.Result
	initialised bool
	warm        bool   // it has run before
	unread      bool   // it ended before it read the request, which is another container's then
	broken      string // why the container must go, empty if it may stay
	err         error  // nothing is known of the action; broken is set too
}

// init loads the action.
func (x *execution) init(ctx context.Context) {
	limits := x.msg.Action.Limits
	code := ""
	if x.msg.Code != nil {
		var err error
		if code, err = x.msg.Code(ctx); err != nil {
			x.broken, x.err = "code could not be loaded", fmt.Errorf("load code of %s: %w", x.msg.Action.Name, err)
			return
		}
	}
	bounded, cancel := context.WithTimeout(ctx, limits.Timeout)
	defer cancel()
	ans, err := x.c.Init(bounded, Assignment{Action: x.msg.Action, Code: code, Env: x.environment()})
	x.result.Init = time.Since(x.result.Began)
	if err != nil {
		x.fail(ctx, err, true)
		return
	}
	verdict, ok := invoker.ClassifyInit(ans.Status, ans.Body, ans.Length, x.pool.opt.Truncation)
	if !ok {
		x.conclude(verdict, "initialisation failed")
		x.close()
		return
	}
	x.initialised = true
	x.pool.ready(x.c, limits)
}

// run runs the action once.
func (x *execution) run(ctx context.Context) {
	defer x.close()
	a := x.msg.Action
	began := time.Now()
	bounded, cancel := context.WithTimeout(ctx, a.Limits.Timeout)
	defer cancel()
	req := protocol.RunRequest{
		Value: x.msg.Args, Namespace: x.msg.Identity.Namespace.Name, ActionName: "/" + a.Name.String(),
		ActionVersion: a.Version.String(), ActivationID: string(x.msg.ID), TransactionID: x.msg.Transaction,
		APIKey: x.apiKey(), Deadline: began.Add(a.Limits.Timeout), Trace: x.msg.Trace,
	}
	ans, err := x.c.Run(bounded, &req)
	if err != nil {
		x.fail(ctx, err, false)
		return
	}
	verdict := invoker.ClassifyRun(ans.Status, ans.Body, ans.Length, x.pool.opt.Truncation)
	reason := ""
	if verdict.Response.Status == entity.DeveloperError {
		reason = "action broke its contract"
	}
	x.conclude(verdict, reason)
}

// fail records how the container failed the action.
func (x *execution) fail(ctx context.Context, err error, init bool) {
	defer x.close()
	limits := x.msg.Action.Limits
	failure, died := errors.AsType[*Failure](err)
	switch {
	case ctx.Err() != nil:
		x.broken, x.err = "activation was abandoned", fmt.Errorf("activation %s was abandoned: %w", x.msg.ID, ctx.Err())
	case errors.Is(err, errDestroyed):
		x.broken, x.err = "destroyed", fmt.Errorf("activation %s lost its container: %w", x.msg.ID, err)
	case errors.Is(err, context.DeadlineExceeded):
		x.result.TimedOut = true
		code := fault.Timeout
		if init {
			code = fault.InitTimeout
		}
		x.conclude(developerError(invoker.TimeoutText(limits, init), code), "time limit reached")
	case died && failure.Unread && x.warm:
		x.unread, x.broken = true, "runtime exited after its last run"
	case died && failure.Cause == OutOfMemory:
		x.conclude(developerError(invoker.MemoryText, fault.OutOfMemory), "memory limit reached")
	case died && failure.Cause == Refused:
		x.conclude(developerError(failure.Message, failure.Code), "code refused")
	case died && init:
		x.conclude(developerError(invoker.InitExited, fault.InitExited), "runtime exited")
	case died:
		x.conclude(developerError(invoker.RunExited, fault.Exited), "runtime exited")
	default:
		x.pool.opt.Logger.Error("container failed", "container", x.c.ID(), "activation", x.msg.ID, "error", err)
		r := entity.Failed(entity.WhiskError, invoker.Unprovisioned)
		x.conclude(invoker.Verdict{Response: r, Fault: fault.Provisioning}, "container failed")
	}
	if died {
		x.result.Why = failure.Detail
	}
}

func developerError(text, code string) invoker.Verdict {
	return invoker.Verdict{Response: entity.Failed(entity.DeveloperError, text), Fault: code}
}

func (x *execution) conclude(v invoker.Verdict, broken string) {
	x.result.Response, x.result.Fault = v.Response, v.Fault
	x.broken = broken
}

// close stops the clock of the activation.
func (x *execution) close() {
	x.result.Ended = time.Now()
	x.result.Duration = x.result.Ended.Sub(x.result.Began)
}
