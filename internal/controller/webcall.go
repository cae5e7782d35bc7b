package controller

import (
	"errors"
	"net/http"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/webaction"
)

// webArguments makes the arguments of the action, nil if the request is
// answered without it. OpenWhisk 4.2, 4.3, 4.6.3.
func (c *Controller) webArguments(x *exchange, call *webCall) ([]byte, error) {
	a, known, options := call.found.Action, call.user != nil, x.r.Method == http.MethodOptions
	if a.Annotations.IsTrue(webaction.AnnotationCustomOptions) {
		webaction.DisallowOrigins(x.Header())
	} else if options {
		x.reply(http.StatusOK, "")
		return nil, nil
	}
	if !options && !webaction.Authorized(a.Annotations.Get(webaction.AnnotationAuth), x.r.Header, known) {
		return nil, webaction.ErrUnauthorized
	}
	r := webaction.Request{Method: x.r.Method, Header: webaction.EdgeHeader(x.r, x.tid), Path: call.path, Query: x.r.URL.RawQuery, Body: call.body}
	if known {
		r.User = call.user.Namespace.Name
	}
	if a.Annotations.IsTrue(webaction.AnnotationRaw) {
		return r.RawArguments(), nil
	}
	args, err := r.Arguments(func(key string) bool { return a.IsFinal() && isSet(a.Parameters.Get(key)) })
	if err == nil && tooDeep(args) {
		x.indented = false
		return nil, entity.MalformedContent("nested deeper than %d levels", maxDepth)
	}
	return args, err
}

// isSet reports whether a parameter has a value. OpenWhisk 2.6.13.
func isSet(value []byte) bool { return len(value) > 0 && string(value) != "null" }

// sendWeb answers with the result of an activation, nil if it has not ended.
// OpenWhisk 4.4, 4.5, 4.7.
func (x *exchange) sendWeb(a *entity.Activation, e webaction.Extension) error {
	if a == nil {
		return webaction.ErrNotReady
	}
	encode := webaction.Encode
	switch a.Response.Status {
	case entity.Success:
	case entity.ApplicationError:
		encode = webaction.EncodeFailure
	default:
		x.Header().Set("X-Gowhisk-Error", fault.WebFailed)
		return webaction.ErrFailed
	}
	r, err := encode(e, a.Response.Result)
	if err != nil {
		x.Header().Set("X-Gowhisk-Error", fault.WebResult)
		return err
	}
	if err := r.Negotiate(x.r.Header["Accept"]); err != nil {
		x.Header().Del("X-Openwhisk-Activation-Id") // OpenWhisk 4.7.5
		return err
	}
	return x.sendWebResponse(r)
}

// sendWebResponse sends what the action answered. Its headers replace those of
// CORS, not those that name the request.
func (x *exchange) sendWebResponse(r webaction.Response) error {
	h := x.Header()
	for name, values := range r.Header {
		if name != "X-Request-Id" && name != "X-Openwhisk-Activation-Id" && name != "X-Gowhisk-Error" {
			h[name] = values
		}
	}
	if len(r.Body) == 0 {
		x.reply(r.Status, "")
		return nil
	}
	x.reply(r.Status, r.Header.Get("Content-Type"), r.Body)
	return nil
}

// failWeb answers with an error of package webaction.
func (x *exchange) failWeb(e *webaction.Error) error {
	code := ""
	switch {
	case errors.Is(e, webaction.ErrUnauthorized):
		code = fault.WebProtected
	case errors.Is(e, webaction.ErrReserved):
		code = fault.ProtectedParam
	case e.Rejected && e.Status == http.StatusBadRequest:
		code = fault.Malformed
	}
	if code != "" {
		x.Header().Set("X-Gowhisk-Error", code)
	}
	x.reply(e.Status, applicationJSON, e.Body(x.tid))
	return nil
}
