package controller

import (
	"net/http"

	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
)

func (c *Controller) triggerRoutes() {
	c.collection(entity.Triggers, func(x *exchange) error { return list(x, entity.Triggers, c.cfg.Catalog.ListTriggers) })
	path := nsPath + "triggers/{name}"
	c.handle("GET "+path, c.getTrigger)
	c.handle("PUT "+path, c.putTrigger)
	c.handle("DELETE "+path, c.deleteTrigger)
	c.handle("POST "+path, c.fireTrigger)
}

// getTrigger answers with a trigger and its rules. OpenWhisk 5.1.3.
func (c *Controller) getTrigger(x *exchange) error {
	name, err := x.allowed(entitlement.Read, entity.Triggers)
	if err != nil {
		return err
	}
	t, err := c.cfg.Catalog.Trigger(x.r.Context(), name)
	if err != nil {
		return err
	}
	return x.json(http.StatusOK, t)
}

// deleteTrigger removes a trigger and answers with what it was; its rules
// stay. OpenWhisk 5.1.17.
func (c *Controller) deleteTrigger(x *exchange) error {
	name, err := x.allowed(entitlement.Delete, entity.Triggers)
	if err != nil {
		return err
	}
	t, err := c.cfg.Catalog.DeleteTrigger(x.r.Context(), name)
	if err != nil {
		return err
	}
	return x.json(http.StatusOK, t)
}
