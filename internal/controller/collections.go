package controller

import (
	"context"
	"net/http"

	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// list answers with one page of the summaries of a collection of the
// caller's, or with their number.
func list[E interface{ Summary() any }](
	x *exchange, of entity.Collection, read func(context.Context, store.EntityQuery) ([]E, error),
) error {
	ns, err := x.namespace()
	if err != nil {
		return err
	}
	if err := x.allow(entitlement.Read, of, entity.Name{Namespace: ns}); err != nil {
		return err
	}
	page, err := x.query().page(of)
	if err != nil {
		return err
	}
	q := store.EntityQuery{Collection: of, Namespace: ns}
	if page.count {
		return x.c.count(x, page, q)
	}
	q.Skip, q.Limit = page.skip, page.limit
	entities, err := read(x.r.Context(), q)
	if err != nil {
		return err
	}
	out := make([]any, len(entities))
	for i, e := range entities {
		out[i] = e.Summary()
	}
	return x.json(http.StatusOK, out)
}

// count answers a list request that has count=true.
func (c *Controller) count(x *exchange, p page, q store.EntityQuery) error {
	n, err := c.cfg.Catalog.Count(x.r.Context(), q)
	if err != nil {
		return err
	}
	return x.json(http.StatusOK, p.counted(q.Collection, n))
}

// allowed returns the entity of the path if the caller may do that to it.
func (x *exchange) allowed(p entitlement.Privilege, of entity.Collection) (entity.Name, error) {
	name, err := x.name()
	if err != nil {
		return name, err
	}
	return name, x.allow(p, of, name)
}
