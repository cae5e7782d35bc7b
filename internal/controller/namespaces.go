package controller

import (
	"net/http"

	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
)

func (c *Controller) namespaceRoutes() {
	c.handle("GET "+apiPath+"/namespaces", c.listNamespaces)
	c.handle("GET "+apiPath+"/namespaces/{$}", c.listNamespaces)
}

// listNamespaces answers with the one namespace of the key. OpenWhisk 1.6.1.
func (c *Controller) listNamespaces(x *exchange) error {
	return x.json(http.StatusOK, []string{x.id.Namespace.Name})
}

func (c *Controller) limitRoutes() {
	c.handle("GET "+nsPath+"limits", c.getLimits)
	c.handle("GET "+nsPath+"limits/{$}", c.getLimits)
	c.handle("GET "+nsPath+"limits/{name}", func(*exchange) error {
		return entity.Errorf(entity.Malformed, "Inner entity level routes for limits are not yet implemented.")
	})
}

// getLimits answers with the limits that apply. OpenWhisk 6.2.1, 6.2.2.
func (c *Controller) getLimits(x *exchange) error {
	ns, err := x.namespace()
	if err != nil {
		return err
	}
	if err := x.allow(entitlement.Read, entity.LimitsOf, entity.Name{Namespace: ns}); err != nil {
		return err
	}
	return x.json(http.StatusOK, c.cfg.Entitlement.Limits(x.id))
}
