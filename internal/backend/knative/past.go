package knative

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
)

// past counts the runs of versions that the catalog does not have any more, by the Services that these
// get beside the action's own: what was accepted for a version runs with it, and the newer one stays
// where it is.
type past struct {
	linger time.Duration // how long such a Service stays after its last run

	mu   sync.Mutex
	used map[string]*usage // by Service; guarded by mu
}

type usage struct {
	runs  int
	until time.Time // it stays, once there are no runs
}

// use keeps a Service until release is called, and a while longer.
func (p *past) use(service string) (release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.used == nil {
		p.used = map[string]*usage{}
	}
	u := p.used[service]
	if u == nil {
		u = &usage{}
		p.used[service] = u
	}
	u.runs++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		u.runs--
		u.until = time.Now().Add(p.linger)
	}
}

// needed reports whether a Service is to stay, and for how long if it has no runs; 0 if it has.
func (p *past) needed(service string) (stays bool, rest time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	u := p.used[service]
	switch {
	case u == nil:
		return false, 0
	case u.runs > 0:
		return true, 0
	}
	if rest = time.Until(u.until); rest > 0 {
		return true, rest
	}
	delete(p.used, service)
	return false, 0
}

// stays reports whether a Service is of a past version and needed. Its action is looked after again when
// it is not any more.
func (b *Backend) stays(s *service, action entity.Name) bool {
	needed, rest := b.past.needed(s.Metadata.Name)
	if rest > 0 {
		b.queue.AddAfter(action, rest)
	}
	return needed
}

// placed is how the message's version is called in the cluster: in the action's own Service if the
// catalog has that version or the Service still serves it, else in one beside it. The caller calls
// release when it needs the Service no more.
func (b *Backend) placed(ctx context.Context, msg *invoker.Message) (at place, p plan, release func(), err error) {
	at = place{Action: msg.Action.Name, Namespace: msg.Identity.Namespace.Name, Binding: msg.Binding}
	release = func() {}
	if p, err = b.plan(at, msg.Action); err != nil {
		return at, p, release, err
	}
	if now, _ := b.services.get(p.service); now != nil && now.serves(p) || b.current(ctx, at, p) {
		return at, p, release, nil
	}
	at.Past = p.tag
	if p, err = b.plan(at, msg.Action); err != nil {
		return at, p, release, err
	}
	done := b.past.use(p.service)
	return at, p, func() {
		done()
		b.queue.Add(at.Action)
	}, nil
}

// current reports whether the catalog has that version at that place, also if it cannot be asked.
func (b *Backend) current(ctx context.Context, at place, p plan) bool {
	_, wanted, err := b.wanted(ctx, at)
	return err == nil && wanted == p || err != nil && !absent(err)
}

// wanted is the version that the catalog has at a place.
func (b *Backend) wanted(ctx context.Context, at place) (*entity.Action, plan, error) {
	through := at.Action
	if at.Binding != (entity.Name{}) {
		through = entity.Name{Namespace: at.Binding.Namespace, Package: at.Binding.Name, Name: at.Action.Name}
	}
	found, err := b.opt.Catalog.Resolve(ctx, through)
	if err != nil {
		return nil, plan{}, fmt.Errorf("look the action up: %w", err)
	}
	if found.Action.Name != at.Action {
		return nil, plan{}, fmt.Errorf("%s leads to another action: %w", through, entity.ErrNotFound)
	}
	p, err := b.plan(at, found.Action)
	return found.Action, p, err
}

// absent reports whether the catalog has no such action.
func absent(err error) bool {
	return errors.Is(err, entity.ErrNotFound) || errors.Is(err, entity.ErrWrongType)
}
