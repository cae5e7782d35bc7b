package controller

import (
	"errors"
	"net/http"

	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/store"
)

// otherCollectionRoutes serve the collections that have no entities here:
// any client can list them, and learns that what it names is not there.
func (c *Controller) otherCollectionRoutes() {
	for _, of := range []entity.Collection{entity.Triggers, entity.Rules} {
		c.collection(of, func(x *exchange) error { return c.listNothing(x, of) })
		path := nsPath + string(of) + "/{name}"
		c.handle("GET "+path, func(x *exchange) error { return c.missing(x, of, entitlement.Read) })
		c.handle("DELETE "+path, func(x *exchange) error { return c.missing(x, of, entitlement.Delete) })
		c.handle("PUT "+path, func(x *exchange) error { return c.refuseToCreate(x, of) })
		c.handle("POST "+path, func(x *exchange) error { return c.missing(x, of, entitlement.Activate) })
	}
}

// missing answers a request for an entity of a collection that has none: it
// is not there, or the name is that of an action. OpenWhisk 1.8.6, 1.3.12.
func (c *Controller) missing(x *exchange, of entity.Collection, p entitlement.Privilege) error {
	name, err := x.name()
	if err != nil {
		return err
	}
	if name.Namespace == x.id.Namespace.Name {
		switch _, err := c.cfg.Catalog.Action(x.r.Context(), name); {
		case err == nil:
			return entity.ErrWrongType
		case !errors.Is(err, entity.ErrNotFound):
			return err
		}
	}
	if err := x.allow(p, of, name); err != nil {
		return err
	}
	return entity.ErrNotFound
}

// refuseToCreate says why there is nothing in the collection.
func (c *Controller) refuseToCreate(x *exchange, of entity.Collection) error {
	name, err := x.name()
	if err != nil {
		return err
	}
	if err := x.allow(entitlement.Put, of, name); err != nil {
		return err
	}
	return entity.Errorf(entity.NotFound, "This server does not have %s yet.", of).WithCode(fault.NotYet)
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
