package controller

import (
	"net/http"

	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// packageRoutes has no POST: a package cannot be activated. OpenWhisk 1.3.9.
func (c *Controller) packageRoutes() {
	c.collection(entity.Packages, c.listPackages)
	path := nsPath + "packages/{name}"
	c.handle("GET "+path, c.getPackage)
	c.handle("PUT "+path, c.putPackage)
	c.handle("DELETE "+path, c.deletePackage)
}

// listPackages lists all packages of the caller's own namespace, the public
// ones of any other. OpenWhisk 5.3.9.
func (c *Controller) listPackages(x *exchange) error {
	ns, err := x.namespace()
	if err != nil {
		return err
	}
	if err := x.allow(entitlement.Read, entity.Packages, entity.Name{Namespace: ns}); err != nil {
		return err
	}
	page, err := x.query().page(entity.Packages)
	if err != nil {
		return err
	}
	if ns != x.id.Namespace.Name {
		return c.listPublic(x, ns, page)
	}
	q := store.EntityQuery{Collection: entity.Packages, Namespace: ns}
	if page.count {
		return c.count(x, page, q)
	}
	q.Skip, q.Limit = page.skip, page.limit
	list, err := c.cfg.Catalog.ListPackages(x.r.Context(), q)
	if err != nil {
		return err
	}
	return x.sendPackages(list)
}

func (c *Controller) listPublic(x *exchange, ns string, p page) error {
	list, err := c.cfg.Catalog.PublicPackages(x.r.Context(), ns)
	if err != nil {
		return err
	}
	if p.count {
		return x.json(http.StatusOK, p.counted(entity.Packages, len(list)))
	}
	list = list[min(p.skip, len(list)):]
	return x.sendPackages(list[:min(p.limit, len(list))])
}

func (x *exchange) sendPackages(list []*entity.Package) error {
	out := make([]any, len(list))
	for i, p := range list {
		out[i] = p.Summary()
	}
	return x.json(http.StatusOK, out)
}

// getPackage answers with a package and what is in it; a binding shows the
// parameters and the actions of what it is bound to. OpenWhisk 5.3.3, 5.3.4.
func (c *Controller) getPackage(x *exchange) error {
	name, err := x.name()
	if err != nil {
		return err
	}
	if err := x.mayShow(entity.Packages, name); err != nil {
		return err
	}
	p, from, err := c.cfg.Catalog.ResolvePackage(x.r.Context(), name)
	if err != nil {
		return err
	}
	members, err := c.cfg.Catalog.Members(x.r.Context(), from)
	if err != nil {
		return err
	}
	return x.json(http.StatusOK, p.Document(members))
}

// mayShow checks the caller's right to see a package or an action itself.
func (x *exchange) mayShow(of entity.Collection, name entity.Name) error {
	return x.c.cfg.Entitlement.CheckShow(x.r.Context(), x.id, entitlement.Resource{Collection: of, Name: name})
}

// deletePackage removes a package, with its actions if it is forced to.
// OpenWhisk 5.3.10.
func (c *Controller) deletePackage(x *exchange) error {
	name, err := x.name()
	if err != nil {
		return err
	}
	if err := x.allow(entitlement.Delete, entity.Packages, name); err != nil {
		return err
	}
	force, err := x.query().bool("force", false)
	if err != nil {
		return err
	}
	p, err := c.cfg.Catalog.DeletePackage(x.r.Context(), name, force)
	if err != nil {
		return err
	}
	return x.json(http.StatusOK, p)
}
