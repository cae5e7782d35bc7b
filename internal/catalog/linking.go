package catalog

import (
	"context"
	"errors"
	"slices"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// linking is one attempt to change a rule and the links to it, over documents
// as the store has them now.
type linking struct {
	ctx      context.Context //nolint:containedctx // it lives as long as one call
	c        *Catalog
	triggers map[entity.Name]*entity.Trigger // that it changes, as they shall be
	changes  []store.Change                  // of other documents
}

func (l *linking) read(name entity.Name) (*entity.Rule, error) {
	r, _, err := rules.read(l.ctx, l.c, name)
	return r, err
}

// rule returns what a put of that revision replaces, nil if it creates.
func (l *linking) rule(name entity.Name, revision uint64) (*entity.Rule, error) {
	old, err := l.read(name)
	switch {
	case errors.Is(err, entity.ErrNotFound) && revision == 0:
		return nil, nil
	case errors.Is(err, entity.ErrNotFound):
		return nil, entity.ErrModified
	case err != nil:
		return nil, err
	case revision == 0:
		return nil, entity.ErrExists
	case old.Revision != revision:
		return nil, entity.ErrModified
	}
	return old, nil
}

// trigger returns the trigger with what this attempt has changed already.
func (l *linking) trigger(name entity.Name) (*entity.Trigger, error) {
	if t := l.triggers[name]; t != nil {
		return t, nil
	}
	t, _, err := triggers.read(l.ctx, l.c, name)
	return t, err
}

// join links r to its trigger.
func (l *linking) join(r *entity.Rule, active bool) error {
	t, err := l.trigger(r.Trigger)
	switch {
	case errors.Is(err, entity.ErrNotFound):
		return entity.Errorf(entity.Malformed, "trigger /%s does not exist", r.Trigger)
	case errors.Is(err, entity.ErrCorrupted):
		return entity.Errorf(entity.Malformed, "trigger /%s is corrupted", r.Trigger).Because(err)
	case err != nil:
		return err
	}
	l.set(t, r, active)
	return nil
}

// set puts the link to r in its place, or behind all others.
func (l *linking) set(t *entity.Trigger, r *entity.Rule, active bool) {
	link := entity.Link{Rule: r.Name, Action: r.Action, Active: active}
	if there := t.Link(r.Name); there != nil {
		*there = link
	} else {
		t.Rules, t.Linked = append(t.Rules, link), true
	}
	l.triggers[t.Name] = t
}

// leave reports whether the link to r is active, and takes it away unless r
// goes on to the same trigger.
func (l *linking) leave(r *entity.Rule, next entity.Name) (active bool, err error) {
	t, err := l.trigger(r.Trigger)
	if isGone(err) || errors.Is(err, entity.ErrCorrupted) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	link := t.Link(r.Name)
	if link == nil {
		return false, nil
	}
	active = link.Active
	if next != r.Trigger {
		t.Rules = slices.DeleteFunc(t.Rules, func(l entity.Link) bool { return l.Rule == r.Name })
		l.triggers[t.Name] = t
	}
	return active, nil
}

// apply makes the changes in one step and returns the new revisions.
func (l *linking) apply() (map[entity.Name]uint64, error) {
	for _, t := range l.triggers {
		doc, err := triggers.document(t, t.Name, t.Revision, t.Updated)
		if err != nil {
			return nil, err
		}
		l.changes = append(l.changes, store.Change{Document: doc})
	}
	if len(l.changes) == 0 {
		return nil, nil
	}
	names := make([]entity.Name, len(l.changes))
	for i, c := range l.changes {
		names[i] = c.Name
	}
	defer l.c.forget(names...)
	revisions, err := l.c.entities.Apply(l.ctx, l.changes)
	if err != nil {
		return nil, rules.wrap("write", names[0], err)
	}
	out := make(map[entity.Name]uint64, len(names))
	for i, name := range names {
		out[name] = revisions[i]
	}
	return out, nil
}
