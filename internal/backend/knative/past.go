package knative

import (
	"context"
	"errors"
	"fmt"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// current fails with entity.ErrNotFound if the catalog has another version at that place, or none: one
// that is past is not brought into the cluster any more, in the place of the next.
func (b *Backend) current(ctx context.Context, at place, p plan) error {
	_, wanted, err := b.wanted(ctx, at)
	switch {
	case err != nil && !absent(err):
		return nil // nobody knows: whoever asked has it from the catalog
	case err != nil || wanted != p:
		return fmt.Errorf("version %s of %s is past: %w", p.tag, at.Action, entity.ErrNotFound)
	}
	return nil
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
