package knative

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
)

// deployTimeout bounds one deployment: the push of an image is in it.
const deployTimeout = 10 * time.Minute

// refusal is the cluster's no to what an action asks for.
type refusal struct{ err error }

func (r refusal) Error() string { return r.err.Error() }
func (r refusal) Unwrap() error { return r.err }

// deploy brings a version of an action into the cluster, or brings back what somebody took away from
// it. Of several at a time for one version one works.
func (b *Backend) deploy(ctx context.Context, at place, p plan, a *entity.Action, code func(context.Context) (string, error)) error {
	done := b.flights.DoChan(p.revision(), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deployTimeout)
		defer cancel()
		return nil, b.apply(ctx, at, p, a, code)
	})
	select {
	case result := <-done:
		return result.Err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// deployPatiently deploys again while the registry or the cluster does not answer.
func (b *Backend) deployPatiently(ctx context.Context, at place, p plan, msg *invoker.Message) error {
	const most = 5 * time.Second
	for pause := 200 * time.Millisecond; ; pause = min(2*pause, most) {
		err := b.deploy(ctx, at, p, msg.Action, msg.Code)
		if err == nil || !passing(err) {
			return err
		}
		b.opt.Logger.Warn("an action cannot be brought into the cluster now, which is tried again", "action", msg.Action.Name.String(), "error", err)
		again := time.NewTimer(pause)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return errors.Join(context.Cause(ctx), err)
		}
	}
}

// passing reports whether somebody did not answer, or said that it will be able to later.
func passing(err error) bool {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || apierrors.IsInternalError(err) || apierrors.IsServiceUnavailable(err) ||
		apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) || apierrors.IsTooManyRequests(err) {
		return true
	}
	if _, network := errors.AsType[net.Error](err); network {
		return true
	}
	said, ok := errors.AsType[interface {
		error
		Temporary() bool
	}](err)
	return ok && said.Temporary()
}

func (b *Backend) apply(ctx context.Context, at place, p plan, a *entity.Action, code func(context.Context) (string, error)) error {
	m := manifest{plan: p, place: at, action: a}
	var err error
	if code != nil {
		if m.code, err = code(ctx); err != nil {
			return fmt.Errorf("load the code of %s: %w", a.Name, err)
		}
	}
	known, _ := b.services.get(p.service)
	var found bool
	if known != nil && known.is(p) {
		m.image, found = known.image()
	}
	if !found {
		if m.image, err = b.opt.Images.Image(ctx, a, m.code, p.service, p.tag); err != nil {
			return fmt.Errorf("make the image of %s: %w", a.Name, err)
		}
	}
	defer b.secrets.hold(p.secret())()
	if err := b.applySecret(ctx, m); err != nil {
		return err
	}
	return b.applyService(ctx, m)
}

func (b *Backend) applySecret(ctx context.Context, m manifest) error {
	o, err := b.secretObject(m)
	if err != nil {
		return err
	}
	if _, err = b.cluster.apply(ctx, secretResource, o); err != nil {
		return err
	}
	b.secrets.set(o.GetName(), true)
	return nil
}

func (b *Backend) applyService(ctx context.Context, m manifest) error {
	o, err := b.serviceObject(m)
	if err != nil {
		return err
	}
	applied, err := b.cluster.apply(ctx, serviceResource, o)
	if err != nil {
		return err
	}
	b.services.own(m.service, m.tag, applied.GetGeneration())
	b.opt.Logger.Info("action is in the cluster", "action", m.action.Name.String(), "version", m.action.Version.String(), "service", m.service, "revision", m.revision())
	return nil
}

// judge tells what the action is to blame for from what the cluster is.
func judge(err error) error {
	if apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) {
		return refusal{err}
	}
	return err
}

// delete removes a Service with all that belongs to it.
func (b *Backend) delete(ctx context.Context, name string) error {
	if err := b.cluster.delete(ctx, serviceResource, "Service", name); err != nil {
		return err
	}
	return b.prune(ctx, name, "")
}

// prune removes the Secrets of a Service, but for the one of a version that is kept, and what is being
// deployed.
func (b *Backend) prune(ctx context.Context, name, keep string) error {
	list, err := b.cluster.resource(secretResource).List(ctx, metav1.ListOptions{LabelSelector: b.cluster.selector() + "," + labelService + "=" + name})
	if err != nil {
		return fmt.Errorf("list the Secrets of %s: %w", name, err)
	}
	if now, _ := b.services.get(name); keep != "" && (now == nil || now.Metadata.Labels[labelTag] != keep || b.services.foreign(now)) {
		return nil // the list may have the next version's
	}
	var errs []error
	for _, s := range list.Items {
		if s.GetLabels()[labelTag] == keep || b.secrets.held(s.GetName()) {
			continue
		}
		errs = append(errs, b.cluster.delete(ctx, secretResource, "Secret", s.GetName()))
	}
	return errors.Join(errs...)
}
