package controller

import (
	"errors"
	"net/http"

	"github.com/gowhisk/gowhisk/internal/catalog"
	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/invoke"
	"github.com/gowhisk/gowhisk/internal/webaction"
)

const (
	webPath    = apiPath + "/web/"
	webPattern = webPath + "{ns}/{pkg}/{action}"
)

// web serves web actions; rest is the escaped path below webPath. They are
// called with any method and without credentials, and their paths are not
// cleaned, so they do not go through the mux. OpenWhisk 4.
func (c *Controller) web(x *exchange, rest string) error {
	webaction.AllowOrigins(x.Header(), x.r.Header["Access-Control-Request-Headers"])
	target, complete := parseWebTarget(rest)
	if !complete {
		return c.incomplete(x)
	}
	x.r.Pattern = webPattern
	if !webaction.Allowed(x.r.Method) {
		x.Header().Set("Allow", webaction.Methods)
		return x.refusal(http.StatusMethodNotAllowed)
	}
	x.indented = true
	err := c.callWeb(x, target)
	if e, ok := errors.AsType[*webaction.Error](err); ok {
		return x.failWeb(e)
	}
	return err
}

// incomplete answers for a path that names no action. OpenWhisk 4.1.10.
func (c *Controller) incomplete(x *exchange) error {
	if x.r.Method == http.MethodOptions {
		return x.send(http.StatusOK, textPlain, []byte("OK"))
	}
	if _, err := c.cfg.Auth.Identify(x.r.Context(), x.r.Header.Get("Authorization")); err != nil {
		return err
	}
	return errNoRoute
}

// webCall is one call on its way to the action.
type webCall struct {
	webTarget
	user    *entity.Identity // whose credentials came with it, nil for none
	found   catalog.Resolved
	body    []byte
	size    int64 // of the body, which is kept only within the limit
	refused error // what is wrong with the body
}

// callWeb is the path of a call: owner, action, throttles, rights, size,
// OPTIONS, protection, arguments, then the activation. What is not exported
// shows nothing of itself. OpenWhisk 4.1.14.
func (c *Controller) callWeb(x *exchange, t webTarget) (err error) {
	call := webCall{webTarget: t}
	if call.user, err = c.webUser(x); err != nil {
		return err
	}
	call.found, err = c.exported(x, t, call.user)
	if errors.Is(err, entity.ErrNotFound) && x.r.Method == http.MethodOptions { // OpenWhisk 1.5.2
		return x.send(http.StatusOK, textPlain, []byte("OK"))
	}
	if err != nil {
		return err
	}
	call.body, call.size, call.refused = x.readBody(c.cfg.Entitlement.MaxPayloadSize(x.id)) // may be slow to come
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
	args, err := c.admitWeb(x, &call)
	if args == nil || err != nil {
		return err
	}
	accepted = true
	out, err := c.cfg.Invoker.Invoke(x.r.Context(), invoke.Request{
		Identity: x.id, Action: call.found.Action, Binding: call.found.Binding, Payload: args, Transaction: x.tid, Trace: x.trace(), Accepted: x.began,
		Blocking: true, Wait: invoke.MaxWait, Done: done,
	})
	if out.ID != "" {
		x.Header()["X-Openwhisk-Activation-Id"] = []string{string(out.ID)}
	}
	if err != nil {
		return err
	}
	return x.sendWeb(out.Activation, t.extension)
}

// webUser is who shows valid credentials, nil for nobody: wrong ones count as
// none. OpenWhisk 4.1.11.
func (c *Controller) webUser(x *exchange) (*entity.Identity, error) {
	authorization := x.r.Header.Get("Authorization")
	if authorization == "" {
		return nil, nil
	}
	user, err := c.cfg.Auth.Identify(x.r.Context(), authorization)
	if err != nil && entity.KindOf(err) == entity.Unauthorized {
		return nil, nil
	}
	return user, err
}

// exported finds the action and makes the exchange that of its namespace. Only
// the owner is told that an action is there but not exported. OpenWhisk 4.1.6.
func (c *Controller) exported(x *exchange, t webTarget, user *entity.Identity) (found catalog.Resolved, err error) {
	if t.name.Check() != nil {
		return found, entity.ErrNotFound
	}
	if x.id, err = c.cfg.Auth.OfNamespace(x.r.Context(), t.name.Namespace); err != nil {
		return found, err
	}
	found, err = c.cfg.Catalog.Resolve(x.r.Context(), t.name)
	if errors.Is(err, entity.ErrWrongType) || errors.Is(err, entity.ErrCorrupted) {
		return found, entity.ErrNotFound
	}
	if err != nil || found.Action.Annotations.IsTrue(webaction.AnnotationExport) {
		return found, err
	}
	if user != nil && user.Namespace.Name == t.name.Namespace {
		return found, entity.ErrNotFound.WithCode(fault.NotWebAction)
	}
	return found, entity.ErrNotFound
}

// admitWeb asks for the rights of the namespace and returns the arguments, nil
// if the call is answered. OpenWhisk 4.1.12, 4.1.13.
func (c *Controller) admitWeb(x *exchange, call *webCall) (args []byte, err error) {
	action, limit := call.found.Action, c.cfg.Entitlement.MaxPayloadSize(x.id)
	if err := x.allow(entitlement.Activate, entity.Actions, call.name); err != nil {
		return nil, err
	}
	if err := c.checkKind(x, action.Exec.Kind); err != nil {
		return nil, err
	}
	if err := c.checkComponents(x, entitlement.Activate, action.Exec.Components); err != nil {
		return nil, err
	}
	if call.refused != nil {
		x.indented = false
		return nil, call.refused
	}
	if call.size > limit {
		return nil, entity.LargerThanAllowed("Request", call.size, limit).WithCode(fault.PayloadTooBig)
	}
	return c.webArguments(x, call)
}
