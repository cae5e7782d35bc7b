package catalog

import (
	"context"
	"errors"
	"slices"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// A rule and the link that its trigger has to it change in one step: no crash
// leaves one without the other. The version and the time of the trigger stay.
// Many rules may be linked to one trigger at once, so whoever finds the
// trigger changed meanwhile begins again.

// errNoTrigger refuses to activate what nothing can fire. OpenWhisk 5.2.10.
var errNoTrigger = &entity.Error{Kind: entity.NotFound, Message: "Only rules with existing triggers can be activated"}

// PutRule stores r as PutAction does an action, and links it: a new rule is
// active, also in place of one that cannot be read, another one stays what it
// was, inactive if it had no link. It
// returns the rule as it is stored and whether it is active. That the trigger
// or the action is not there is of kind Malformed. OpenWhisk 5.2.4, 5.2.7,
// 5.2.8.
func (c *Catalog) PutRule(ctx context.Context, r *entity.Rule) (stored *entity.Rule, active bool, err error) {
	var doc store.Document
	revisions, err := c.relink(ctx, func(l *linking) error {
		old, err := l.rule(r.Name, r.Revision)
		damaged := r.Revision == 0 && errors.Is(err, entity.ErrCorrupted)
		if err != nil && !damaged {
			return err
		}
		active = old == nil
		if old != nil {
			if active, err = l.leave(old, r.Trigger); err != nil {
				return err
			}
		}
		if err := l.join(r, active); err != nil {
			return err
		}
		if err := c.checkAction(ctx, r.Action); err != nil {
			return err
		}
		if doc, err = rules.document(r, r.Name, r.Revision, c.now()); err != nil {
			return err
		}
		l.changes = append(l.changes, store.Change{Document: doc})
		if damaged {
			_, err = c.discardRule(ctx, r.Name)
		}
		return err
	})
	if err != nil {
		return nil, false, err
	}
	doc.Revision = revisions[r.Name]
	stored, err = rules.decode(doc)
	return stored, active, err
}

func (c *Catalog) checkAction(ctx context.Context, name entity.Name) error {
	_, err := c.Resolve(ctx, name)
	switch {
	case errors.Is(err, entity.ErrNotFound):
		return entity.Errorf(entity.Malformed, "action /%s does not exist", name)
	case errors.Is(err, entity.ErrCorrupted):
		return entity.Errorf(entity.Malformed, "action /%s is corrupted", name).Because(err)
	}
	return err
}

// DeleteRule removes the rule with its link and returns what it was. Errors:
// entity.ErrNotFound, ErrWrongType, ErrModified.
func (c *Catalog) DeleteRule(ctx context.Context, name entity.Name) (deleted *entity.Rule, err error) {
	_, err = c.relink(ctx, func(l *linking) error {
		if deleted, err = l.read(name); err != nil {
			return err
		}
		if _, err := l.leave(deleted, entity.Name{}); err != nil {
			return err
		}
		l.changes = append(l.changes, store.Change{Document: store.Document{Name: name, Revision: deleted.Revision}, Delete: true})
		return nil
	})
	if errors.Is(err, entity.ErrCorrupted) {
		return c.discardRule(ctx, name)
	}
	return deleted, err
}

// discardRule removes a rule that cannot be read. Which trigger is linked to
// it is not known, so all of its namespace are asked.
func (c *Catalog) discardRule(ctx context.Context, name entity.Name) (*entity.Rule, error) {
	_, err := c.relink(ctx, func(l *linking) error {
		all, err := c.ListTriggers(ctx, store.EntityQuery{Namespace: name.Namespace})
		for _, t := range all {
			if t.Link(name) != nil {
				t.Rules = slices.DeleteFunc(t.Rules, func(l entity.Link) bool { return l.Rule == name })
				l.triggers[t.Name] = t
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	defer c.forget(name)
	if err := c.entities.Discard(ctx, name); err != nil {
		return nil, rules.wrap("delete", name, err)
	}
	return rules.unreadable(name), nil
}

// SetRuleActive makes the rule active or inactive; a rule that lost its link
// gets it back. Errors: entity.ErrNotFound, ErrWrongType, kind NotFound if a
// rule shall be active and its trigger is gone. OpenWhisk 5.2.9, 5.2.10.
func (c *Catalog) SetRuleActive(ctx context.Context, name entity.Name, active bool) error {
	_, err := c.relink(ctx, func(l *linking) error {
		r, err := l.read(name)
		if err != nil {
			return err
		}
		t, err := l.trigger(r.Trigger)
		if isGone(err) && active {
			return errNoTrigger
		}
		if isGone(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if link := t.Link(name); (link != nil && link.Active) != active {
			l.set(t, r, active)
		}
		return nil
	})
	return err
}

// relink applies the changes that plan makes, anew as long as triggers are
// changed meanwhile. It returns the new revisions.
func (c *Catalog) relink(ctx context.Context, plan func(*linking) error) (map[entity.Name]uint64, error) {
	for {
		l := &linking{ctx: ctx, c: c, triggers: map[entity.Name]*entity.Trigger{}}
		if err := plan(l); err != nil {
			return nil, err
		}
		revisions, err := l.apply()
		if !errors.Is(err, entity.ErrModified) {
			return revisions, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
}
