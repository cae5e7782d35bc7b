package knative

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
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

// Invoke runs one activation: in a stem cell while the Service of the action's version is at zero, else it
// waits until that version is what the Service serves, and sends it one request. A request is sent again
// only if it certainly did not reach the action. Errors: entity.ErrNotFound for a version that the catalog
// does not have any more, unless it is still served.
func (b *Backend) Invoke(ctx context.Context, msg *invoker.Message) (invoker.Result, error) {
	msg = once(ctx, msg)
	patient, cancel := context.WithTimeoutCause(ctx, b.opt.Patience, errLate)
	defer cancel()
	for {
		r, err := b.invoke(ctx, patient, msg)
		if !errors.Is(err, errSuperseded) {
			return r, err
		}
		again := time.NewTimer(100 * time.Millisecond)
		select {
		case <-again.C:
		case <-patient.Done():
			again.Stop()
			return b.unready(ctx, msg, errors.Join(context.Cause(patient), err))
		}
	}
}

// invoke tries once. It fails with errSuperseded, and has not reached the action, if the Service came to
// be another version's meanwhile.
func (b *Backend) invoke(ctx, patient context.Context, msg *invoker.Message) (invoker.Result, error) {
	t := target{}
	var err error
	if t.plan, err = b.applied(patient, msg); err != nil {
		return b.unready(ctx, msg, err)
	}
	if r, done, err := b.bridged(ctx, t.plan, msg); done {
		return r, err
	}
	if t.url, err = b.served(patient, t.plan); err != nil {
		return b.unready(ctx, msg, err)
	}
	if err := begin(ctx, msg); err != nil {
		return invoker.Result{}, err
	}
	sent := time.Now()
	answer, err := b.send(ctx, patient, t, msg)
	if errors.Is(err, errSuperseded) {
		return invoker.Result{}, err
	}
	if err != nil && ctx.Err() != nil {
		return invoker.Result{}, fmt.Errorf("activation %s was abandoned: %w", msg.ID, err)
	}
	lost, isLost := errors.AsType[*lostError](err)
	switch {
	case isLost:
		return b.lost(ctx, ofRevision(t.revision()), msg, sent, lost), nil
	case err != nil:
		return invoker.Result{}, unprovisioned(err)
	}
	return conclude(msg, answer, time.Now()), nil
}

// once is the message for several ways: its code is loaded once, and it starts once.
func once(ctx context.Context, msg *invoker.Message) *invoker.Message {
	own := *msg
	if msg.Code != nil {
		load := sync.OnceValues(func() (string, error) { return msg.Code(context.WithoutCancel(ctx)) })
		own.Code = func(context.Context) (string, error) { return load() }
	}
	if msg.Starting != nil {
		start := sync.OnceValue(func() error { return msg.Starting(ctx) })
		own.Starting = func(context.Context) error { return start() }
	}
	return &own
}

// begin tells that the action is about to be reached.
func begin(ctx context.Context, msg *invoker.Message) error {
	if msg.Starting == nil {
		return nil
	}
	if err := msg.Starting(ctx); err != nil {
		return fmt.Errorf("mark activation %s as started: %w", msg.ID, err)
	}
	return nil
}

// applied brings the version into the cluster, unless it is there. Errors: entity.ErrNotFound if it is past.
func (b *Backend) applied(ctx context.Context, msg *invoker.Message) (plan, error) {
	at := place{Action: msg.Action.Name, Namespace: msg.Identity.Namespace.Name, Binding: msg.Binding}
	p, err := b.plan(at, msg.Action)
	if err != nil {
		return p, err
	}
	if now, _ := b.services.get(p.service); now != nil && now.serves(p) {
		return p, nil
	}
	select {
	case <-b.available:
	case <-ctx.Done():
		return p, context.Cause(ctx)
	}
	if now, _ := b.services.get(p.service); now != nil && now.is(p) {
		return p, nil
	}
	if err := b.current(ctx, at, p); err != nil {
		return p, err
	}
	return p, b.deployPatiently(ctx, at, p, msg)
}

// served waits until the version is served, and returns where. What keeps it from that ends the wait, and
// so does another version in its place, with errSuperseded.
func (b *Backend) served(ctx context.Context, p plan) (at *url.URL, err error) {
	if now, _ := b.services.get(p.service); now != nil && now.serves(p) {
		return now.host()
	}
	ctx, stop := b.crashes(ctx, p)
	defer stop()
	ctx, leave := b.whileWanted(ctx, p)
	defer leave()
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
	if errors.Is(err, errSuperseded) && !errors.Is(err, errLate) {
		return invoker.Result{}, err
	}
	if shown, ok := errors.AsType[*entity.Error](err); ok {
		if shown.Kind != entity.TooLarge && shown.Kind != entity.Malformed {
			return invoker.Result{}, err
		}
		why := ""
		if cause, ok := errors.AsType[*fault.Error](shown.Err); ok && shown.Code == fault.RegistryFailed {
			why = cause.Report.Why
		}
		return failedBefore(msg, shown.Message, shown.Code, why), nil
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
