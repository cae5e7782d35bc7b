package controller

import (
	"errors"
	"net/http"
	"strings"

	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
	"github.com/gowhisk/gowhisk/internal/webaction"
)

func (c *Controller) activationRoutes() {
	path := nsPath + "activations"
	c.handle("GET "+path, c.listActivations)
	c.handle("GET "+path+"/{$}", c.listActivations)
	c.handle("GET "+path+"/{id}", c.getActivation)
	c.handle("GET "+path+"/{id}/{$}", c.getActivation)
	c.handle("GET "+path+"/{id}/result", c.getResult)
	c.handle("GET "+path+"/{id}/logs", c.getLogs)
}

// listActivations lists records, newest first. OpenWhisk 1.10.1–1.10.6.
func (c *Controller) listActivations(x *exchange) error {
	ns, err := x.namespace()
	if err != nil {
		return err
	}
	if err := x.allow(entitlement.Read, entity.Activations, entity.Name{Namespace: ns}); err != nil {
		return err
	}
	q, page, docs, err := x.query().activations(ns)
	if err != nil {
		return err
	}
	if page.count {
		n, err := c.cfg.Activations.Count(x.r.Context(), q)
		if err != nil {
			return err
		}
		return x.json(http.StatusOK, page.counted(entity.Activations, n))
	}
	q.Skip, q.Limit = page.skip, page.limit
	list, err := c.cfg.Activations.List(x.r.Context(), q)
	if err != nil {
		return err
	}
	if docs {
		return c.sendRecords(x, list)
	}
	out := make([]any, len(list))
	for i, a := range list {
		out[i] = a.Summary()
	}
	return x.json(http.StatusOK, out)
}

// activations reads the parameters of a list of activations.
func (q query) activations(ns string) (out store.ActivationQuery, p page, docs bool, err error) {
	out.Namespace = ns
	if p, err = q.page(entity.Activations); err != nil {
		return out, p, false, err
	}
	if docs, err = q.bool("docs", false); err != nil {
		return out, p, false, err
	}
	if docs && p.count {
		return out, p, false, entity.Errorf(entity.Malformed, "The parameter 'docs' is not permitted with 'count'.")
	}
	if out.Local, err = q.local(); err != nil {
		return out, p, false, err
	}
	if out.Since, err = q.time("since"); err != nil {
		return out, p, false, err
	}
	out.Upto, err = q.time("upto")
	return out, p, docs, err
}

// local reads the filter "name" or "package/name". OpenWhisk 1.10.2.
func (q query) local() (string, error) {
	v := q.get("name")
	if strings.TrimSpace(v) == "" {
		return "", nil
	}
	parts := strings.Split(v, "/")
	for _, part := range parts {
		if len(parts) > 2 || entity.CheckName(part) != nil {
			return "", entity.MalformedQuery("name", "Parameter may be a 'simple' name or 'package-name/simple' name: %s", v)
		}
	}
	return v, nil
}

// sendRecords answers with the full records of the list. They are read and
// written one by one: two hundred of them may be far larger than memory.
// Records are spliced, not encoded: a result may be nested as deep as
// encoding/json allows, and its record is deeper.
func (c *Controller) sendRecords(x *exchange, list []*entity.Activation) error {
	if !webaction.Acceptable(x.r.Header["Accept"], applicationJSON) {
		return errNotAcceptable
	}
	separator := "["
	x.Header()["Content-Type"] = []string{applicationJSON}
	for _, summary := range list {
		a, err := c.cfg.Activations.Get(x.r.Context(), summary.Namespace, summary.ID)
		if errors.Is(err, entity.ErrNotFound) {
			continue // pruned since
		}
		if err != nil {
			return err
		}
		if _, err := x.Write(a.AppendJSON([]byte(separator))); err != nil {
			x.debug("write response", err)
			return nil
		}
		separator = ","
	}
	end := "]"
	if separator == "[" {
		end = "[]"
	}
	if _, err := x.Write([]byte(end)); err != nil {
		x.debug("write response", err)
	}
	return nil
}

func (c *Controller) getActivation(x *exchange) error {
	a, err := c.activation(x)
	if err != nil {
		return err
	}
	return x.send(http.StatusOK, applicationJSON, a.AppendJSON(nil))
}

// getResult and getLogs answer with parts of the record. OpenWhisk 1.10.8.
func (c *Controller) getResult(x *exchange) error {
	a, err := c.activation(x)
	if err != nil {
		return err
	}
	return x.send(http.StatusOK, applicationJSON, a.Response.AppendJSON(nil))
}

func (c *Controller) getLogs(x *exchange) error {
	a, err := c.activation(x)
	if err != nil {
		return err
	}
	size := 0
	for _, line := range a.Logs {
		size += len(line) + 3
	}
	body := append(make([]byte, 0, size+16), `{"logs":`...)
	return x.send(http.StatusOK, applicationJSON, entity.AppendStrings(body, a.Logs), []byte{'}'})
}

// activation reads the record that the path names. OpenWhisk 1.10.9, 1.10.12.
func (c *Controller) activation(x *exchange) (*entity.Activation, error) {
	ns, err := x.namespace()
	if err != nil {
		return nil, err
	}
	id, err := entity.ParseActivationID(x.r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if err := x.allow(entitlement.Read, entity.Activations, entity.Name{Namespace: ns, Name: string(id)}); err != nil {
		return nil, err
	}
	return c.cfg.Activations.Get(x.r.Context(), ns, id)
}
