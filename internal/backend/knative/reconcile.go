package knative

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// watch keeps what is known of our Services and their Secrets as the cluster has it.
func (b *Backend) watch(ctx context.Context) {
	services := b.cluster.watch(ctx, &b.workers, serviceResource, b.see, b.miss)
	secrets := b.cluster.watch(ctx, &b.workers, secretResource, b.seeSecret, b.missSecret)
	available := make(chan struct{})
	b.available = available
	b.workers.Go(func() {
		for _, seen := range []<-chan struct{}{services, secrets} {
			select {
			case <-seen:
			case <-ctx.Done():
				return
			}
		}
		close(available)
		b.catchUp(ctx)
	})
}

// catchUp has every action looked after once: what happened to it while no server ran, nobody tells.
func (b *Backend) catchUp(ctx context.Context) {
	if b.opt.Actions == nil {
		return
	}
	names, err := b.opt.Actions(ctx)
	if err != nil {
		b.opt.Logger.Warn("not all actions could be looked after; invocations do", "error", err)
	}
	for _, name := range names {
		if b.opt.Lazy == nil || !b.opt.Lazy(name.Namespace) {
			b.queue.Add(name)
		}
	}
}

// see takes note of a Service, and has it looked after if it is not as we left it.
func (b *Backend) see(u *unstructured.Unstructured) {
	s, err := read(u)
	if err != nil {
		b.opt.Logger.Error("a Service cannot be read", "service", u.GetName(), "error", err)
		return
	}
	before, _ := b.services.get(s.Metadata.Name)
	if before != nil && before.Metadata.Generation == s.Metadata.Generation && !maps.Equal(before.Metadata.Labels, s.Metadata.Labels) {
		b.services.disown(s.Metadata.Name) // we change labels with the specification only
	}
	b.services.set(&s)
	name, ok := s.action()
	if ok && (before == nil || s.Metadata.Deleted != "" || b.services.foreign(&s) || before.Status.LatestReady != s.Status.LatestReady) {
		b.queue.Add(name)
	}
}

// miss takes note that a Service is gone.
func (b *Backend) miss(u *unstructured.Unstructured) {
	before, _ := b.services.get(u.GetName())
	b.services.remove(u.GetName())
	if before == nil {
		return
	}
	if name, ok := before.action(); ok {
		b.queue.Add(name)
	}
}

// work brings actions in line once the Services are known, until the queue is shut down. Invocations of
// an action that the cluster does not take say why.
func (b *Backend) work(ctx context.Context) {
	select {
	case <-b.available:
		b.cluster.work(ctx, b.queue, "action", b.reconcile)
	case <-ctx.Done():
	}
}

// reconcile makes the cluster have of an action what the catalog has.
func (b *Backend) reconcile(ctx context.Context, name entity.Name) error {
	found, err := b.opt.Catalog.Resolve(ctx, name)
	if name.Package == "" && absent(err) {
		b.changedPackage(name)
	}
	if absent(err) || err == nil && !deployable(found.Action) {
		return b.deleteAll(ctx, name)
	}
	if err != nil {
		return fmt.Errorf("look the action up: %w", err)
	}
	a := found.Action
	at := place{Action: a.Name, Namespace: a.Name.Namespace}
	p, err := b.plan(at, a)
	if err != nil {
		return err
	}
	var errs []error
	for _, s := range b.services.of(name) {
		if s.Metadata.Name == p.service {
			continue
		}
		errs = append(errs, b.mend(ctx, s))
	}
	own, _ := b.services.get(p.service)
	if own == nil && b.opt.Lazy != nil && b.opt.Lazy(a.Name.Namespace) {
		return errors.Join(errs...)
	}
	return errors.Join(append(errs, b.align(ctx, at, p, a, own))...)
}

// changedPackage has the actions looked after whose parameters may come from the package or the binding
// of that name.
func (b *Backend) changedPackage(name entity.Name) {
	for _, action := range b.services.within(name) {
		b.queue.Add(action)
	}
}

// align makes a Service what it should be.
func (b *Backend) align(ctx context.Context, at place, p plan, a *entity.Action, now *service) error {
	switch {
	case now != nil && now.Metadata.Deleted != "":
		return nil // comes again when it is gone
	case now == nil || !now.is(p) || b.services.foreign(now) || !b.secrets.has(p.secret()):
		return b.deploy(ctx, at, p, a, func(ctx context.Context) (string, error) { return b.opt.Catalog.Code(ctx, a) })
	case now.serves(p):
		return b.prune(ctx, p.service, p.tag)
	}
	return nil
}

// mend looks after a Service that serves other namespaces, or came through a binding: they make it
// when they need it, so one that is out of date is only in the way.
func (b *Backend) mend(ctx context.Context, s *service) error {
	if s.Metadata.Deleted != "" {
		return nil
	}
	at, ok := s.place()
	if !ok {
		return b.delete(ctx, s.Metadata.Name)
	}
	a, p, err := b.wanted(ctx, at)
	switch {
	case err != nil && !absent(err):
		return err
	case err != nil || p.service != s.Metadata.Name:
		return b.delete(ctx, s.Metadata.Name)
	case !s.is(p) || b.services.foreign(s) || !b.secrets.has(p.secret()):
		return b.align(ctx, at, p, a, s)
	}
	return nil
}

// place is what the annotations say that the Service is for.
func (s *service) place() (place, bool) {
	action, ok := s.action()
	at := place{Action: action, Namespace: s.Metadata.Annotations[noteNamespace]}
	if binding, bound := s.Metadata.Annotations[noteBinding]; bound {
		namespace, name, whole := cutName(binding)
		at.Binding, ok = entity.Name{Namespace: namespace, Name: name}, ok && whole
	}
	return at, ok && at.Namespace != ""
}

// deleteAll removes everything of an action.
func (b *Backend) deleteAll(ctx context.Context, name entity.Name) error {
	var errs []error
	for _, s := range b.services.of(name) {
		if s.Metadata.Deleted == "" {
			errs = append(errs, b.delete(ctx, s.Metadata.Name))
		}
	}
	return errors.Join(errs...)
}

// deployable reports whether the action is one that pods run.
func deployable(a *entity.Action) bool {
	return a.Exec.Kind != entity.KindSequence && a.Exec.Kind != entity.KindBuiltin && a.Exec.Kind != ""
}
