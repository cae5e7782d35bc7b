package actionproxy

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/gowhisk/gowhisk/internal/webaction"
)

// webTarget is what a path asks of a web action.
type webTarget struct {
	extension webaction.Extension
	path      string // behind the action, escaped: "" or "/…"
}

// webPrefix begins the paths of web actions on the API server.
const webPrefix = "/api/v1/web/"

// targetOf finds the action in a path: "/", "/NAME", "/PACKAGE/NAME", or the path on the API server,
// with an extension and more behind it where the action is a web action. False for any other path.
func targetOf(a *Action, u *url.URL) (webTarget, bool) {
	escaped := u.EscapedPath()
	if escaped == "/" || escaped == "" {
		return webTarget{extension: webaction.HTTP}, true
	}
	if a == nil || !a.web() || a.Name == "" {
		return webTarget{}, false
	}
	rest := strings.TrimPrefix(escaped, "/")
	own := a.Package
	if own == "" {
		own = "default"
	}
	if below, api := strings.CutPrefix(escaped, webPrefix); api {
		namespace, below, _ := strings.Cut(below, "/")
		if a.Namespace != "" && unescape(namespace) != a.Namespace {
			return webTarget{}, false
		}
		return a.below(below, own)
	}
	if t, ok := a.below(rest, own); ok {
		return t, true
	}
	return a.named(rest)
}

// below finds PACKAGE/NAME.
func (a *Action) below(rest, pkg string) (webTarget, bool) {
	first, rest, _ := strings.Cut(rest, "/")
	if unescape(first) != pkg {
		return webTarget{}, false
	}
	return a.named(rest)
}

// named finds NAME with its extension and what is behind.
func (a *Action) named(rest string) (webTarget, bool) {
	segment, path, more := strings.Cut(rest, "/")
	name, extension := webaction.SplitExtension(unescape(segment))
	if more {
		path = "/" + path
	}
	simple := a.Name[strings.LastIndexByte(a.Name, '/')+1:]
	return webTarget{extension, path}, name == simple
}

// unescape leaves what is no valid escape as it is.
func unescape(segment string) string {
	if out, err := url.PathUnescape(segment); err == nil {
		return out
	}
	return segment
}

// web serves a request of the web. body is its own, or the value of an envelope, which also brings
// activation. OpenWhisk 4.
func (x *exchange) web(a *Action, t webTarget, body []byte, activation map[string]string) {
	err := x.callWeb(a, t, body, activation)
	var refusal *webaction.Error
	if errors.As(err, &refusal) {
		if x.ofServer(a) {
			x.explain(refusal, x.Header()["X-Openwhisk-Activation-Id"] != nil)
		}
		respond(x, Answer{Status: refusal.Status, Body: refusal.Body(x.transaction)})
	}
}

// callWeb returns the error that is the answer, or nil once it has answered.
func (x *exchange) callWeb(a *Action, t webTarget, body []byte, activation map[string]string) error {
	options := x.r.Method == http.MethodOptions
	if !a.Annotations.IsTrue(webaction.AnnotationCustomOptions) {
		webaction.AllowOrigins(x.Header(), x.r.Header["Access-Control-Request-Headers"])
		if options {
			x.sendWeb(webaction.Response{Status: http.StatusOK})
			return nil
		}
	}
	user, refusal := x.admit(a)
	if refusal != nil && !options {
		return refusal
	}
	r := webaction.Request{Method: x.r.Method, Header: webaction.EdgeHeader(x.r, x.transaction), Path: t.path, Query: x.r.URL.RawQuery, Body: body, User: user}
	if x.fromGateway() {
		delete(r.Header, "Authorization") // the key is no business of the action
	}
	if activation != nil {
		r.Header["Content-Type"] = []string{"application/json"}
	}
	var args []byte
	if a.Annotations.IsTrue(webaction.AnnotationRaw) {
		args = r.RawArguments()
	} else {
		var err error
		if args, err = r.Arguments(a.fixed); err != nil {
			return err
		}
	}
	if x.ofServer(a) && tooDeep(args) {
		return &webaction.Error{
			Status: http.StatusBadRequest, Message: fmt.Sprintf("The request content was malformed:\nnested deeper than %d levels", mostNesting), Rejected: true,
		}
	}
	return x.webResult(x.call(a, args, activation), t.extension)
}

// errUnchecked: whose credentials these are is known to a server that does not answer.
var errUnchecked = &webaction.Error{Status: http.StatusServiceUnavailable, Message: "The credentials could not be checked."}

// admit returns the namespace that the credentials of the request open, empty for none, and the
// refusal of who must not reach the action. OpenWhisk 4.1.11, 4.3.
func (x *exchange) admit(a *Action) (user string, refusal *webaction.Error) {
	required := a.Annotations.Get(webaction.AnnotationAuth)
	if home := x.k.opts.Home; home != nil && !x.fromGateway() {
		var err error
		if user, err = home.identify(x.r.Context(), x.r.Header.Get("Authorization")); err != nil {
			x.k.opts.Log.Warn("credentials are not checked", "error", err)
			if string(required) == "true" {
				return "", errUnchecked
			}
		}
	}
	if !webaction.Authorized(required, x.r.Header, user != "" || x.fromGateway()) {
		return user, webaction.ErrUnauthorized
	}
	return user, nil
}

// webResult answers with what the action made. OpenWhisk 4.4, 4.5, 4.7.
func (x *exchange) webResult(o outcome, e webaction.Extension) error {
	encode := webaction.Encode
	switch o.verdict() {
	case success:
	case applicationError:
		encode = webaction.EncodeFailure
	default:
		if o.unavailable {
			return &webaction.Error{Status: http.StatusServiceUnavailable, Message: errBusy.Error()}
		}
		return webaction.ErrFailed
	}
	r, err := encode(e, o.answer.Body)
	if err != nil {
		return err
	}
	if err := r.Negotiate(x.r.Header["Accept"]); err != nil {
		x.Header().Del("X-Openwhisk-Activation-Id") // OpenWhisk 4.7.5
		return err
	}
	x.sendWeb(r)
	return nil
}

// sendWeb sends what the action answered. Its headers replace those of CORS, not those that name the
// request.
func (x *exchange) sendWeb(r webaction.Response) {
	h := x.Header()
	for name, values := range r.Header {
		if name != "X-Request-Id" && name != "X-Openwhisk-Activation-Id" && (name != faultHeader || x.k.opts.Home == nil) {
			h[name] = values
		}
	}
	if r.Header["Content-Type"] == nil {
		h["Content-Type"] = nil // else the server guesses
	}
	send(x, r.Status, r.Body)
}
