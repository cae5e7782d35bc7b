package actionproxy

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gowhisk/gowhisk/internal/cloudevent"
	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/internal/webaction"
)

// The paths of probes.
const (
	HealthPath = "/healthz"
	ReadyPath  = "/readyz"
)

// exchange is one request.
type exchange struct {
	http.ResponseWriter
	r           *http.Request
	k           *Knative
	transaction string
	body        []byte
}

// ServeHTTP tells by path, headers and body what a request is.
func (k *Knative) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case HealthPath:
		if failure := k.failure.Load(); failure != nil && k.opts.Action != nil {
			respond(w, Answer{Status: http.StatusServiceUnavailable, Body: failure.Body})
			return
		}
		respond(w, Answer{Status: http.StatusOK, Body: []byte(`{"ok":true}`)})
		return
	case ReadyPath:
		if err := k.Ready(); err != nil {
			respond(w, failed(http.StatusServiceUnavailable, err.Error()))
			return
		}
		if k.action.Load() == nil {
			w.Header().Set(StemCellHeader, "true")
		}
		respond(w, Answer{Status: http.StatusOK, Body: []byte(`{"ok":true}`)})
		return
	}
	x := &exchange{ResponseWriter: w, r: r, k: k, transaction: webaction.TransactionID(r.Header)}
	w.Header().Set("X-Request-Id", x.transaction)
	if r.Method == http.MethodPost && r.URL.Path == "/" && slices.Contains(r.Header["Accept"], ActivationMediaType) {
		w.Header().Set(RefusedHeader, "true") // until the action has it
	}
	x.serve()
}

func (x *exchange) serve() {
	action := x.k.action.Load()
	target, found := targetOf(action, x.r.URL)
	if x.ofServer(action) && x.edge(found) {
		return
	}
	if !found {
		x.refuse(http.StatusNotFound, "The requested resource could not be found.")
		return
	}
	if action != nil && !x.allowed(action) {
		return
	}
	var a Answer
	var ok bool
	if x.body, a, ok = readBody(x, x.r); !ok {
		respond(x, a)
		return
	}
	if x.r.Method == http.MethodPost && x.r.URL.Path == "/" && x.special(action) {
		return
	}
	switch {
	case action == nil:
		respond(x, failed(http.StatusForbidden, protocol.NodeNotInitialized))
	case x.ofServer(action) && x.tooBig():
	case action.web():
		x.web(action, target, x.body, nil)
	default:
		x.plain(action)
	}
}

// special serves what has a form of its own; false for a request that has none.
func (x *exchange) special(action *Action) bool {
	mode := cloudevent.ModeOf(x.r.Header)
	switch {
	case slices.Contains(x.r.Header["Accept"], ActivationMediaType):
		x.activation(action)
	case mode != cloudevent.None && (action == nil || !action.Annotations.IsTrue(webaction.AnnotationRaw)):
		x.event(action, mode)
	default:
		return x.envelope(action)
	}
	return true
}

// allowed answers for methods that do not reach the action. A web action's OPTIONS do, as browsers
// ask with it before everything else.
func (x *exchange) allowed(a *Action) bool {
	methods := a.allowed()
	if slices.Contains(methods, x.r.Method) || a.web() && x.r.Method == http.MethodOptions && !a.Annotations.IsTrue(webaction.AnnotationCustomOptions) {
		return true
	}
	list := strings.Join(methods, ", ")
	x.Header().Set("Allow", list)
	if a.web() {
		webaction.AllowOrigins(x.Header(), x.r.Header["Access-Control-Request-Headers"])
	}
	x.refuse(http.StatusMethodNotAllowed, "HTTP method not allowed, supported methods: "+list)
	return false
}

// refuse answers as OpenWhisk's API does. OpenWhisk 1.4.1.
func (x *exchange) refuse(status int, message string) {
	e := webaction.Error{Status: status, Message: message, Rejected: true}
	respond(x, Answer{Status: status, Body: e.Body(x.transaction)})
}

// fromGateway reports whether the caller speaks for the platform.
func (x *exchange) fromGateway() bool {
	key := x.k.opts.GatewayKey
	given, ok := strings.CutPrefix(x.r.Header.Get("Authorization"), "Bearer ")
	if key == "" || !ok {
		return false
	}
	want, got := sha256.Sum256([]byte(key)), sha256.Sum256([]byte(given)) // of one length
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// isJSON reports whether the body was sent as JSON, or as nothing in particular.
func (x *exchange) isJSON() bool {
	sent := x.r.Header.Get("Content-Type")
	if sent == "" {
		return true
	}
	media, _, err := mime.ParseMediaType(sent)
	return err == nil && (media == "application/json" || strings.HasSuffix(media, "+json"))
}

// plain serves an action that is not exported: the body, or fields of a form or a query, are its
// arguments, and its result is the answer.
func (x *exchange) plain(action *Action) {
	args, a, ok := x.plainArguments(action)
	if !ok {
		respond(x, a)
		return
	}
	x.answer(x.call(action, args, nil))
}

func (x *exchange) plainArguments(action *Action) (args []byte, a Answer, ok bool) {
	bad := func(message string) ([]byte, Answer, bool) { return nil, failed(http.StatusBadRequest, message), false }
	fields, err := url.ParseQuery(x.r.URL.RawQuery)
	if err != nil {
		return bad(err.Error())
	}
	body := bytes.TrimSpace(x.body)
	media, _, _ := mime.ParseMediaType(x.r.Header.Get("Content-Type")) // what is none is no form
	if media == "application/x-www-form-urlencoded" && !json.Valid(body) {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return bad(err.Error())
		}
		for key, values := range form {
			fields[key] = values
		}
		body = nil
	}
	if len(body) > 0 && !protocol.IsResult(body) {
		return bad(badArguments(body))
	}
	return action.merge(fields, body)
}

// merge puts a body, which is an object, an array or empty, over the fields. It refuses to set what is
// fixed.
func (a *Action) merge(fields url.Values, body []byte) (args []byte, refusal Answer, ok bool) {
	if len(body) > 0 && (body[0] == '[' || len(fields) == 0 && !a.Annotations.IsTrue("final")) {
		return body, Answer{}, true
	}
	members := map[string]json.RawMessage{}
	for key, values := range fields {
		members[key] = protocol.AppendString(nil, values[len(values)-1])
	}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &members); err != nil {
			return nil, failed(http.StatusBadRequest, protocol.BadBody+err.Error()), false
		}
	}
	for key := range members {
		if a.fixed(key) {
			return nil, failed(http.StatusBadRequest, webaction.ErrReserved.Message), false
		}
	}
	args, err := json.Marshal(members)
	if err != nil { // what was read can be written
		return nil, failed(http.StatusBadRequest, err.Error()), false
	}
	return args, Answer{}, true
}

// badArguments says why a body is none.
func badArguments(body []byte) string {
	var v json.RawMessage
	if err := json.Unmarshal(body, &v); err != nil {
		return protocol.BadBody + err.Error()
	}
	return protocol.NoArguments
}

// answer gives the result itself, as a blocking invocation that asks for it does. OpenWhisk 2.6.6.
func (x *exchange) answer(o outcome) {
	a := Answer{Status: o.answer.Status, Body: o.answer.Body}
	switch o.verdict() {
	case success:
	case applicationError:
		a.Status = http.StatusBadGateway
	default:
		if !o.unavailable {
			a.Status = http.StatusBadGateway
		}
		if o.answer.Status == http.StatusOK {
			a = failed(http.StatusBadGateway, protocol.NoDictionaryOrArray)
		}
	}
	respond(x, a)
}
