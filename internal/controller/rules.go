package controller

import (
	"encoding/json"
	"net/http"

	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
)

func (c *Controller) ruleRoutes() {
	c.collection(entity.Rules, func(x *exchange) error { return list(x, entity.Rules, c.cfg.Catalog.ListRules) })
	path := nsPath + "rules/{name}"
	c.handle("GET "+path, c.getRule)
	c.handle("PUT "+path, c.putRule)
	c.handle("DELETE "+path, c.deleteRule)
	c.handle("POST "+path, c.setRule)
}

// getRule answers with a rule and whether it is active. OpenWhisk 5.2.11.
func (c *Controller) getRule(x *exchange) error {
	name, err := x.allowed(entitlement.Read, entity.Rules)
	if err != nil {
		return err
	}
	r, err := c.cfg.Catalog.Rule(x.r.Context(), name)
	if err != nil {
		return err
	}
	active, err := c.cfg.Catalog.RuleIsActive(x.r.Context(), r)
	if err != nil {
		return err
	}
	return x.json(http.StatusOK, r.Document(active))
}

// deleteRule removes a rule in whatever state. OpenWhisk 5.2.12.
func (c *Controller) deleteRule(x *exchange) error {
	name, err := x.allowed(entitlement.Delete, entity.Rules)
	if err != nil {
		return err
	}
	r, err := c.cfg.Catalog.DeleteRule(x.r.Context(), name)
	if err != nil {
		return err
	}
	return x.json(http.StatusOK, r.Document(false))
}

// setRule makes a rule active or inactive. It is not throttled. OpenWhisk
// 5.2.9, 1.3.10.
func (c *Controller) setRule(x *exchange) error {
	name, err := x.allowed(entitlement.Activate, entity.Rules)
	if err != nil {
		return err
	}
	raw, err := x.jsonBody()
	if err != nil {
		return err
	}
	active, err := decodeState(raw)
	if err != nil {
		return err
	}
	if err := c.cfg.Catalog.SetRuleActive(x.r.Context(), name, bool(active)); err != nil {
		return err
	}
	return x.send(http.StatusOK, textPlain, []byte("OK"))
}

func decodeState(body []byte) (active entity.Activity, err error) {
	raw := members(body)["status"]
	if raw == nil {
		return false, entity.MalformedContent("key not found: status")
	}
	var state string
	if json.Unmarshal(raw, &state) != nil {
		return false, entity.MalformedContent("rule state malformed")
	}
	return active, active.UnmarshalText([]byte(state))
}
