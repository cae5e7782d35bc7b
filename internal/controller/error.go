package controller

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/webaction"
)

// rejection is a refusal that only HTTP knows: it has a status of its own.
type rejection struct {
	status  int
	message string
}

func (r *rejection) Error() string { return r.message }

// The rejections. OpenWhisk 1.4.4–1.4.9.
var (
	errNoRoute       = &rejection{http.StatusNotFound, "The requested resource could not be found."}
	errNotAcceptable = &rejection{http.StatusNotAcceptable, "Resource representation is only available with these types:\napplication/json"}
	errURLTooLong    = &rejection{http.StatusRequestURITooLong, fmt.Sprintf("URI length exceeds the configured limit of %d characters", maxURL)}
	errBodyTooLong   = &rejection{http.StatusRequestEntityTooLarge, "The request content is larger than the server is willing or able to process."}
	errSlowBody      = &rejection{http.StatusRequestTimeout, "The server timed out waiting for the request."}
	errMissingBody   = &entity.Error{Kind: entity.Malformed, Message: "Request entity expected but not supplied", Code: fault.Malformed}
	errInternal      = &entity.Error{Kind: entity.Internal, Message: "There was an internal server error.", Code: fault.InternalServerError}
)

// challenge goes with every 401. OpenWhisk 1.3.2.
const challenge = `Basic realm="OpenWhisk secure realm"`

// refusal says what the mux's own status means here. OpenWhisk 1.4.7, 1.4.8.
func (x *exchange) refusal(status int) error {
	if status == http.StatusMethodNotAllowed {
		return &rejection{status, "HTTP method not allowed, supported methods: " + x.Header().Get("Allow")}
	}
	return errNoRoute
}

// fail answers with err. What is no entity.Error is not for the client's
// eyes: it is logged and told as an internal error.
func (x *exchange) fail(err error) {
	if x.status != 0 { // half an answer is out: all that is left is to cut it off
		x.c.cfg.Logger.Error("response broken off", "transaction", x.tid, "error", err)
		panic(http.ErrAbortHandler)
	}
	if r, ok := errors.AsType[*rejection](err); ok {
		x.write(r.status, r.message)
		return
	}
	if errors.Is(err, context.Canceled) && x.r.Context().Err() != nil {
		x.debug("client left", err)
		x.write(http.StatusServiceUnavailable, entity.ErrUnavailable.Message)
		return
	}
	shown, ok := errors.AsType[*entity.Error](err)
	if !ok {
		shown = errInternal
	}
	status := shown.Kind.Status()
	if status >= http.StatusInternalServerError {
		x.c.cfg.Logger.Error("request failed", "transaction", x.tid, "method", x.r.Method, "path", x.r.URL.Path, "error", err)
	}
	if shown.Kind == entity.Unauthorized {
		x.Header().Set("WWW-Authenticate", challenge)
	}
	if shown.Kind == entity.Throttled || shown.Kind == entity.Unavailable {
		x.Header().Set("Retry-After", retryAfter(err))
	}
	if code := codeOf(shown); code != "" {
		x.Header().Set("X-Gowhisk-Error", code)
	}
	x.write(status, shown.Message)
}

// codeOf returns the stable code of e, or that of its kind.
func codeOf(e *entity.Error) string {
	if e.Code != "" {
		return e.Code
	}
	switch e.Kind {
	case entity.Malformed:
		return fault.Malformed
	case entity.Forbidden:
		return fault.NotEntitled
	case entity.NotFound:
		return fault.NotFound
	case entity.Unavailable:
		return fault.Overloaded
	case entity.Internal:
		return fault.InternalServerError
	}
	return ""
}

// write renders the body of every error. OpenWhisk 1.4.1, 1.2.4.
func (x *exchange) write(status int, message string) {
	body, err := encode(struct {
		Error string `json:"error"`
		Code  string `json:"code"`
	}{message, x.tid})
	if err != nil { // two strings always encode
		panic(err)
	}
	if x.indented {
		body = webaction.ErrorBody(message, x.tid)
	}
	if err := x.send(status, applicationJSON, body); err != nil {
		panic(err) // only a 2xx can be refused by send
	}
}

// retryAfter is the hint of whoever refused, in whole seconds, at least 1.
func retryAfter(err error) string {
	wait := time.Second
	var hint interface{ RetryAfter() time.Duration }
	if errors.As(err, &hint) {
		wait = max(wait, hint.RetryAfter())
	}
	return strconv.Itoa(int(math.Ceil(wait.Seconds())))
}
