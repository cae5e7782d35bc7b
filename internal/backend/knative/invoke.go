package knative

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/invoker"
)

// target is where a version of an action is reached.
type target struct {
	plan
	url *url.URL
}

// errRefused and errLate are the two ways in which a Service does not come to serve.
var (
	errRefused = errors.New("the cluster cannot run it")
	errLate    = errors.New("it was not ready in time")
)

// Invoke runs one activation: it waits until the action's version is what its Service serves, and
// sends it one request. The request is sent again only if it certainly did not reach the action.
func (b *Backend) Invoke(ctx context.Context, msg *invoker.Message) (invoker.Result, error) {
	patient, cancel := context.WithTimeoutCause(ctx, b.opt.Patience, errLate)
	defer cancel()
	t, err := b.ready(patient, msg)
	if err != nil {
		return b.unready(ctx, msg, err)
	}
	if msg.Starting != nil {
		if err := msg.Starting(ctx); err != nil {
			return invoker.Result{}, fmt.Errorf("mark activation %s as started: %w", msg.ID, err)
		}
	}
	sent := time.Now()
	answer, err := b.send(ctx, patient, t, msg)
	if err != nil && ctx.Err() != nil {
		return invoker.Result{}, fmt.Errorf("activation %s was abandoned: %w", msg.ID, err)
	}
	lost, isLost := errors.AsType[*lostError](err)
	switch {
	case isLost:
		return b.lost(ctx, t, msg, sent, lost), nil
	case err != nil:
		return invoker.Result{}, unprovisioned(err)
	}
	return conclude(msg, answer, time.Now()), nil
}

// ready brings the version into the cluster, unless it is there, and waits until it is served.
func (b *Backend) ready(ctx context.Context, msg *invoker.Message) (target, error) {
	at := place{Action: msg.Action.Name, Namespace: msg.Identity.Namespace.Name, Binding: msg.Binding}
	p, err := b.plan(at, msg.Action)
	if err != nil {
		return target{}, err
	}
	t := target{plan: p}
	now, _ := b.services.get(p.service)
	if now != nil && now.serves(p) {
		t.url, err = now.host()
		return t, err
	}
	select {
	case <-b.available:
	case <-ctx.Done():
		return t, context.Cause(ctx)
	}
	if now, _ = b.services.get(p.service); now == nil || !now.is(p) {
		if err := b.deploy(ctx, at, p, msg.Action, msg.Code); err != nil {
			return t, err
		}
	}
	t.url, err = b.served(ctx, p)
	return t, err
}

// served waits until the version is served, and returns where. What keeps it from that ends the wait.
func (b *Backend) served(ctx context.Context, p plan) (at *url.URL, err error) {
	ctx, stop := b.crashes(ctx, p)
	defer stop()
	err = b.services.wait(ctx, p.service, func(s *service) (bool, error) {
		if why := s.failed(p); why != "" {
			return false, fmt.Errorf("%w: %s", errRefused, why)
		}
		if !s.serves(p) {
			return false, nil
		}
		at, err = s.host()
		return true, err
	})
	if errors.Is(err, errLate) {
		if s, _ := b.services.get(p.service); s != nil {
			c := s.condition("Ready")
			err = fmt.Errorf("%w: %s %s", err, c.Reason, c.Message)
		}
	}
	return at, err
}

// unready is the outcome of an activation whose action does not come to serve: the action's failure
// where it asks for what the cluster refuses, else the platform's.
func (b *Backend) unready(ctx context.Context, msg *invoker.Message, err error) (invoker.Result, error) {
	if ctx.Err() != nil {
		return invoker.Result{}, fmt.Errorf("activation %s was abandoned: %w", msg.ID, ctx.Err())
	}
	if shown, ok := errors.AsType[*entity.Error](err); ok {
		if shown.Kind != entity.TooLarge && shown.Kind != entity.Malformed {
			return invoker.Result{}, err
		}
		return failedBefore(msg, shown.Message, shown.Code, ""), nil
	}
	if wrong, ok := errors.AsType[refusal](err); ok {
		return failedBefore(msg, "The cluster does not accept the action: "+wrong.Error(), fault.Provisioning, ""), nil
	}
	if broken, ok := errors.AsType[*brokenError](err); ok && broken.memory {
		return failedBefore(msg, invoker.MemoryText, fault.OutOfMemory, broken.why), nil
	}
	if errors.Is(err, errRefused) && msg.Action.Exec.Kind == entity.KindBlackbox { // else the image is ours
		return failedBefore(msg, "The container of the action does not start: "+strings.TrimPrefix(err.Error(), errRefused.Error()+": "), fault.InitExited, ""), nil
	}
	return invoker.Result{}, unprovisioned(err)
}

// failedBefore is a developer's error that needed no container.
func failedBefore(msg *invoker.Message, text, code, why string) invoker.Result {
	now := time.Now()
	return invoker.Result{
		Response: entity.Failed(entity.DeveloperError, text), Began: now, Ended: now,
		Wait: now.Sub(msg.Accepted), Start: invoker.Cold, Fault: code, Why: why,
	}
}

func unprovisioned(err error) error {
	return entity.Errorf(entity.Internal, "%s", invoker.Unprovisioned).WithCode(fault.Provisioning).Because(err)
}
