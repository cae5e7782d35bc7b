package controller

import (
	"fmt"
	"net/http"
)

// operatorRoutes say how the invokers are. OpenWhisk 1.1.10, 8.8.1.
func (c *Controller) operatorRoutes() {
	c.handle("GET /invokers", func(x *exchange) error {
		return x.json(http.StatusOK, c.invokers(x))
	})
	c.handle("GET /invokers/healthy/count", func(x *exchange) error {
		healthy, _ := c.health(x)
		return x.json(http.StatusOK, healthy)
	})
	c.handle("GET /invokers/ready", func(x *exchange) error {
		healthy, all := c.health(x)
		if all > 0 && healthy == all {
			return x.json(http.StatusOK, map[string]string{"healthy": fmt.Sprintf("%d/%d", healthy, all)})
		}
		return x.json(http.StatusInternalServerError, map[string]string{"unhealthy": fmt.Sprintf("%d/%d", all-healthy, all)})
	})
}

// invokers returns the state of each invoker, never nil.
func (c *Controller) invokers(x *exchange) map[string]string {
	if c.cfg.Health == nil {
		return map[string]string{}
	}
	return c.cfg.Health.Invokers(x.r.Context())
}

func (c *Controller) health(x *exchange) (healthy, all int) {
	for _, state := range c.invokers(x) {
		all++
		if state == "up" {
			healthy++
		}
	}
	return healthy, all
}
