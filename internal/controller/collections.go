package controller

import (
	"net/http"

	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// otherCollectionRoutes list the collections that have no entities here: the
// lists of any client work, every other verb has no route.
func (c *Controller) otherCollectionRoutes() {
	for _, of := range []entity.Collection{entity.Packages, entity.Triggers, entity.Rules} {
		c.collection(of, func(x *exchange) error { return c.listNothing(x, of) })
	}
}

func (c *Controller) listNothing(x *exchange, of entity.Collection) error {
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
	if page.count {
		return c.count(x, page, store.EntityQuery{Collection: of, Namespace: ns})
	}
	return x.json(http.StatusOK, []struct{}{})
}

// count answers a list request that has count=true.
func (c *Controller) count(x *exchange, p page, q store.EntityQuery) error {
	n, err := c.cfg.Catalog.Count(x.r.Context(), q)
	if err != nil {
		return err
	}
	return x.json(http.StatusOK, p.counted(q.Collection, n))
}
