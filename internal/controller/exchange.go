package controller

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/internal/webaction"
)

const (
	applicationJSON = "application/json"
	textPlain       = "text/plain; charset=UTF-8"
)

// exchange is one request with its response: all that a handler is given. It
// is the http.ResponseWriter that the mux sees, so that the mux's own
// refusals become errors of this interface.
type exchange struct {
	http.ResponseWriter
	c        *Controller
	r        *http.Request
	id       *entity.Identity // who asks; nil on public routes
	tid      string           // transaction id
	began    time.Time
	status   int // 0 until the header is written
	size     int64
	inMux    bool     // the mux was called
	routed   bool     // a handler was called
	muted    bool     // the mux's refusal was replaced: drop its text
	indented bool     // errors are those of a web action
	held     []func() // gives back the places that it takes in memory
}

// Unwrap is for http.ResponseController.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// WriteHeader turns a refusal of the mux into an error.
func (x *exchange) WriteHeader(status int) {
	if x.inMux && !x.routed && status >= http.StatusBadRequest {
		x.routed = true
		x.fail(x.refusal(status))
		x.muted = true
		return
	}
	if x.status == 0 {
		x.status = status
		x.ResponseWriter.WriteHeader(status)
	}
}

func (x *exchange) Write(b []byte) (int, error) {
	if x.muted {
		return len(b), nil
	}
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	if x.size+int64(len(b)) > piece {
		return x.writePieces(b)
	}
	n, err := x.ResponseWriter.Write(b)
	x.size += int64(n)
	return n, err
}

// trace is the one that the request belongs to.
func (x *exchange) trace() protocol.Trace {
	return protocol.ParseTrace(x.r.Header.Get(protocol.TraceParent), x.r.Header.Get(protocol.TraceState))
}

// send writes a whole response; the parts are its body. Answers that the
// client does not accept become a 406, errors never do. OpenWhisk 1.4.9.
func (x *exchange) send(status int, contentType string, parts ...[]byte) error {
	if status < 300 && contentType == applicationJSON && !webaction.Acceptable(x.r.Header["Accept"], applicationJSON) {
		return errNotAcceptable
	}
	x.reply(status, contentType, parts...)
	return nil
}

// reply writes a whole response whatever the client accepts. Without a type
// there is no body.
func (x *exchange) reply(status int, contentType string, parts ...[]byte) {
	var length int
	for _, p := range parts {
		length += len(p)
	}
	h := x.Header()
	if contentType != "" {
		h["Content-Type"] = []string{contentType}
	}
	if status != http.StatusNoContent && status != http.StatusNotModified {
		h["Content-Length"] = []string{strconv.Itoa(length)}
	}
	x.WriteHeader(status)
	if x.r.Method == http.MethodHead {
		return
	}
	for _, p := range parts {
		if _, err := x.Write(p); err != nil {
			x.debug("write response", err) // the client is gone
			return
		}
	}
}

// json answers with v as compact JSON. OpenWhisk 1.2.6.
func (x *exchange) json(status int, v any) error {
	body, err := encode(v)
	if err != nil {
		return fmt.Errorf("encode response: %w", err)
	}
	return x.send(status, applicationJSON, body)
}

// encode renders v without escaping what only HTML minds.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

// allow checks the caller's right on the resource.
func (x *exchange) allow(p entitlement.Privilege, of entity.Collection, name entity.Name) error {
	return x.c.cfg.Entitlement.Check(x.r.Context(), x.id, p, entitlement.Resource{Collection: of, Name: name})
}

// namespace returns the namespace of the path. OpenWhisk 1.3.5, 1.8.3.
func (x *exchange) namespace() (string, error) {
	ns := x.r.PathValue("ns")
	if ns == entity.DefaultNamespace {
		return x.id.Namespace.Name, nil
	}
	return ns, entity.CheckNamespace(ns)
}

// name returns the entity of the path.
func (x *exchange) name() (entity.Name, error) {
	ns, err := x.namespace()
	if err != nil {
		return entity.Name{}, err
	}
	n := entity.Name{Namespace: ns, Package: x.r.PathValue("pkg"), Name: x.r.PathValue("name")}
	return n, n.Check()
}

// finish recovers from a panic of the handler, then tells log and observer.
func (x *exchange) finish() {
	if len(x.held) > 0 {
		debug.FreeOSMemory() // the body and its copies, before the next one comes
	}
	for _, release := range x.held {
		release()
	}
	if p := recover(); p != nil {
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(p)
		}
		x.c.cfg.Logger.Error("handler panicked", "transaction", x.tid, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		if x.status != 0 {
			panic(http.ErrAbortHandler)
		}
		x.Header().Set("X-Gowhisk-Error", errInternal.Code)
		x.write(http.StatusInternalServerError, errInternal.Message)
	}
	took := x.c.cfg.Now().Sub(x.began)
	if x.c.cfg.Observer != nil {
		x.c.cfg.Observer.Request(x.r.Pattern, x.r.Method, x.status, took)
	}
	if x.c.cfg.Logger.Enabled(x.r.Context(), slog.LevelDebug) {
		x.log(took)
	}
}

func (x *exchange) log(took time.Duration) {
	namespace := ""
	if x.id != nil {
		namespace = x.id.Namespace.Name
	}
	x.c.cfg.Logger.LogAttrs(x.r.Context(), slog.LevelDebug, "request",
		slog.String("transaction", x.tid), slog.String("method", x.r.Method), slog.String("path", x.r.URL.Path),
		slog.String("namespace", namespace), slog.Int("status", x.status), slog.Int64("bytes", x.size), slog.Duration("took", took))
}

func (x *exchange) debug(doing string, err error) {
	x.c.cfg.Logger.LogAttrs(context.Background(), slog.LevelDebug, doing,
		slog.String("transaction", x.tid), slog.String("error", err.Error()))
}
