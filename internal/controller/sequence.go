package controller

import (
	"context"
	"errors"

	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
)

// checkComponents asks for the right on every component of a sequence.
// OpenWhisk 2.8.2, 2.6.16.
func (c *Controller) checkComponents(x *exchange, p entitlement.Privilege, components []string) error {
	for _, ref := range components {
		name, err := entity.ParseName(ref, x.id.Namespace.Name)
		if err != nil {
			return err
		}
		if err := x.allow(p, entity.Actions, name); err != nil {
			return err
		}
	}
	return nil
}

// checkSequence reports whether the sequence self may have these components.
// OpenWhisk 2.8.1.
func (c *Controller) checkSequence(ctx context.Context, self entity.Name, components []string) error {
	if len(components) == 0 {
		return entity.Errorf(entity.Malformed, "No component specified for the sequence.")
	}
	e := expansion{c: c, open: map[entity.Name]bool{self: true}, left: c.cfg.Entitlement.Settings().SequenceLength}
	return e.expand(ctx, components)
}

// expansion walks through a sequence and the sequences in it.
type expansion struct {
	c    *Controller
	open map[entity.Name]bool // the sequences around the current component
	left int                  // atomic actions that are still allowed
}

func (e *expansion) expand(ctx context.Context, components []string) error {
	if len(components) > e.left {
		return errTooManyActions
	}
	for _, ref := range components {
		name, err := entity.ParseName(ref, "")
		if err != nil {
			return err
		}
		if err := e.component(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

var (
	errTooManyActions = &entity.Error{Kind: entity.Malformed, Message: "Too many actions in the sequence."}
	errSelfReference  = &entity.Error{Kind: entity.Malformed, Message: "Sequence may not refer to itself."}
)

func (e *expansion) component(ctx context.Context, name entity.Name) error {
	if e.open[name] {
		return errSelfReference
	}
	found, err := e.c.cfg.Catalog.Resolve(ctx, name)
	if errors.Is(err, entity.ErrNotFound) || errors.Is(err, entity.ErrWrongType) {
		return entity.Errorf(entity.Malformed, "Sequence component does not exist.")
	}
	if err != nil {
		return err
	}
	a := found.Action
	if e.open[a.Name] { // named through a binding
		return errSelfReference
	}
	if a.Exec.Kind != entity.KindSequence {
		if e.left--; e.left < 0 {
			return errTooManyActions
		}
		return nil
	}
	e.open[a.Name] = true
	defer delete(e.open, a.Name)
	return e.expand(ctx, a.Exec.Components)
}
