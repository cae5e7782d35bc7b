package controller

import (
	"context"
	"errors"
	"net/http"

	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

func (c *Controller) actionRoutes() {
	c.collection(entity.Actions, c.listActions)
	c.handle("GET "+nsPath+"actions/{pkg}/{$}", c.listActions)
	for _, path := range []string{nsPath + "actions/{name}", nsPath + "actions/{pkg}/{name}"} {
		c.handle("GET "+path, c.getAction)
		c.handle("PUT "+path, c.putAction)
		c.handle("DELETE "+path, c.deleteAction)
		c.handle("POST "+path, c.invokeAction)
	}
}

// listActions lists a namespace, packaged actions included, or one package,
// or the package that a binding is bound to. OpenWhisk 1.6.3, 1.6.5, 1.9.10, 1.9.11.
func (c *Controller) listActions(x *exchange) error {
	ns, err := x.namespace()
	if err != nil {
		return err
	}
	name, q := entity.Name{Namespace: ns}, store.EntityQuery{Collection: entity.Actions, Namespace: ns}
	if pkg := x.r.PathValue("pkg"); pkg != "" {
		if err := entity.CheckName(pkg); err != nil {
			return err
		}
		name.Package = pkg
	}
	if err := x.allow(entitlement.Read, entity.Actions, name); err != nil {
		return err
	}
	if name.Package != "" {
		_, from, err := c.cfg.Catalog.ResolvePackage(x.r.Context(), entity.Name{Namespace: ns, Name: name.Package})
		if err != nil {
			return err
		}
		q.Namespace, q.Package = from.Namespace, &from.Name
	}
	page, err := x.query().page(entity.Actions)
	if err != nil {
		return err
	}
	if page.count {
		return c.count(x, page, q)
	}
	q.Skip, q.Limit = page.skip, page.limit
	actions, err := c.cfg.Catalog.ListActions(x.r.Context(), q)
	if err != nil {
		return err
	}
	out := make([]any, len(actions))
	for i, a := range actions {
		out[i] = a.Summary()
	}
	return x.json(http.StatusOK, out)
}

// getAction answers with one action, with the parameters of its package and
// binding under its own. OpenWhisk 2.3.
func (c *Controller) getAction(x *exchange) error {
	name, err := x.name()
	if err != nil {
		return err
	}
	if err := x.mayShow(entity.Actions, name); err != nil {
		return err
	}
	withCode, err := x.query().bool("code", true)
	if err != nil {
		return err
	}
	a, err := c.action(x, withCode, func(ctx context.Context) (*entity.Action, error) {
		found, err := c.cfg.Catalog.Resolve(ctx, name)
		return found.Action, err
	})
	if err != nil {
		return err
	}
	if c.cfg.Placement != nil {
		a = placed(a, c.cfg.Placement(a))
	}
	return x.sendAction(a)
}

// placed is the action with annotations that say where it runs; what is kept does not have them.
func placed(a *entity.Action, notes entity.Parameters) *entity.Action {
	out := *a
	out.Annotations = notes.Over(a.Annotations)
	return &out
}

// action reads an action, with its code if asked to. The code may be replaced
// between the two reads; then both are made again.
func (c *Controller) action(x *exchange, withCode bool, find func(context.Context) (*entity.Action, error)) (*entity.Action, error) {
	const attempts = 3
	ctx := x.r.Context()
	for n := 1; ; n++ {
		a, err := find(ctx)
		if err != nil || !withCode {
			return a, err
		}
		out := *a
		out.Exec.Code, err = x.code(a)
		if err == nil {
			return &out, nil
		}
		if n == attempts || !errors.Is(err, entity.ErrNotFound) {
			return nil, err
		}
	}
}

// deleteAction removes an action and answers with what it was. OpenWhisk
// 1.9.4.
func (c *Controller) deleteAction(x *exchange) error {
	name, err := x.name()
	if err != nil {
		return err
	}
	if err := x.allow(entitlement.Delete, entity.Actions, name); err != nil {
		return err
	}
	before, err := c.action(x, true, func(ctx context.Context) (*entity.Action, error) { return c.cfg.Catalog.Action(ctx, name) })
	if errors.Is(err, entity.ErrCorrupted) { // what cannot be read can be deleted
		before, err = &entity.Action{}, nil
	}
	if err != nil {
		return err
	}
	deleted, err := c.cfg.Catalog.DeleteAction(x.r.Context(), name)
	if err != nil {
		return err
	}
	if deleted.Exec.CodeID == before.Exec.CodeID {
		deleted.Exec.Code = before.Exec.Code
	}
	return x.sendAction(deleted)
}
