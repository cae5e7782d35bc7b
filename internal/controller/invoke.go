package controller

import (
	"fmt"

	"github.com/gowhisk/gowhisk/internal/catalog"
	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/invoke"
)

// invokeAction is the path of an invocation: throttles, rights, payload,
// existence, then the activation. A refusal before that leaves no trace but
// its count. OpenWhisk 6.3.1, 2.6.
func (c *Controller) invokeAction(x *exchange) error {
	name, err := x.name()
	if err != nil {
		return err
	}
	payload, refused := x.payload(c.cfg.Entitlement.MaxPayloadSize(x.id)) // before a slot is taken: it may be slow to come
	if err := c.cfg.Entitlement.Rate(x.id, entitlement.Invoke); err != nil {
		return err
	}
	done, err := c.cfg.Entitlement.Acquire(x.id)
	if err != nil {
		return err
	}
	accepted := false
	defer func() {
		if !accepted {
			done()
		}
	}()
	found, mode, err := c.admit(x, name, payload, refused)
	if err != nil {
		return err
	}
	accepted = true
	out, err := c.cfg.Invoker.Invoke(x.r.Context(), invoke.Request{
		Identity: x.id, Action: found.Action, Binding: found.Binding, Payload: payload,
		Transaction: x.tid, Trace: x.trace(), Accepted: x.began, Blocking: mode.blocking, Wait: mode.wait, Done: done,
	})
	if out.ID != "" {
		x.Header()["X-Openwhisk-Activation-Id"] = []string{string(out.ID)}
	}
	if err != nil {
		return err
	}
	return x.sendOutcome(out, found.Action, mode.result)
}

// admit checks what a caller within its throttles asks for, in OpenWhisk's
// order: rights, payload, query, existence. refused is what is wrong with the
// payload. OpenWhisk 1.4.17.
func (c *Controller) admit(x *exchange, name entity.Name, payload []byte, refused error) (catalog.Resolved, mode, error) {
	var none catalog.Resolved
	if err := x.allow(entitlement.Activate, entity.Actions, name); err != nil {
		return none, mode{}, err
	}
	if refused != nil {
		return none, mode{}, refused
	}
	m, err := x.query().mode()
	if err != nil {
		return none, mode{}, err
	}
	found, err := c.invocable(x, name, payload)
	return found, m, err
}

// payload reads the body of an invocation, nil if there is none. OpenWhisk
// 2.6.1, 2.6.15.
func (x *exchange) payload(limit int64) ([]byte, error) {
	body, size, err := x.readBody(limit)
	if err != nil {
		return nil, err
	}
	if size > limit {
		return nil, entity.LargerThanAllowed("Request", size, limit).WithCode(fault.PayloadTooBig)
	}
	if size == 0 {
		return nil, nil
	}
	return body, x.checkObject(body)
}

// invocable returns the action, with the parameters of its package and
// binding, if it may be run with that payload. OpenWhisk 2.6.10, 2.6.13,
// 2.6.16, 2.6.17, 2.7.1.
func (c *Controller) invocable(x *exchange, name entity.Name, payload []byte) (catalog.Resolved, error) {
	found, err := c.cfg.Catalog.Resolve(x.r.Context(), name)
	if err != nil {
		return found, err
	}
	action := found.Action
	if err := c.checkKind(x, action.Exec.Kind); err != nil {
		return found, err
	}
	if err := c.checkComponents(x, entitlement.Activate, action.Exec.Components); err != nil {
		return found, err
	}
	if payload == nil || !action.IsFinal() {
		return found, nil
	}
	for key := range members(payload) {
		if value := string(action.Parameters.Get(key)); value != "" && value != "null" {
			return found, entity.ErrReservedParam.WithCode(fault.ProtectedParam)
		}
	}
	return found, nil
}

// checkKind refuses deprecated kinds. OpenWhisk 2.1.11.
func (c *Controller) checkKind(x *exchange, kind string) error {
	kinds, err := c.cfg.Manifest(x.r.Context())
	if err != nil {
		return fmt.Errorf("read the kinds: %w", err)
	}
	return kinds.CheckSupported(kind)
}
