package webaction

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"net/http"
)

// Authorized reports whether a request may reach the action. required is the
// annotation AnnotationAuth, nil for none: false lets everybody in, true those
// with valid credentials, a string or a number those who send it in the header
// X-Require-Whisk-Auth, and anything else nobody. OpenWhisk 4.3.
func Authorized(required json.RawMessage, h http.Header, known bool) bool {
	switch string(required) {
	case "", "false":
		return true
	case "true":
		return known
	}
	var secret string
	switch c := required[0]; {
	case c == '-' || '0' <= c && c <= '9':
		secret = string(required)
	case json.Unmarshal(required, &secret) != nil || c != '"':
		return false
	}
	given := h["X-Require-Whisk-Auth"]
	if len(given) == 0 {
		return false
	}
	want, got := sha256.Sum256([]byte(secret)), sha256.Sum256([]byte(given[0])) // of one length
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// Methods are those that a web action is called with. OpenWhisk 4.1.2.
const Methods = "OPTIONS, GET, DELETE, POST, PUT, HEAD, PATCH"

// Allowed reports whether method is one of Methods.
func Allowed(method string) bool {
	switch method {
	case "OPTIONS", "GET", "DELETE", "POST", "PUT", "HEAD", "PATCH":
		return true
	}
	return false
}

// AllowOrigins sets in h the headers that let pages of any origin call.
// requested are the request's Access-Control-Request-Headers. OpenWhisk 4.6.1.
func AllowOrigins(h http.Header, requested []string) {
	h["Access-Control-Allow-Origin"] = allowOrigin
	h["Access-Control-Allow-Methods"] = allowMethods
	h["Access-Control-Allow-Headers"] = allowHeaders
	if len(requested) > 0 && isValue(requested[0]) {
		h["Access-Control-Allow-Headers"] = requested[:1:1]
	}
}

// Values of headers that all responses share.
var (
	allowOrigin  = []string{"*"}
	allowMethods = []string{Methods}
	allowHeaders = []string{"Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent"}
)

// DisallowOrigins takes out of h what AllowOrigins set.
func DisallowOrigins(h http.Header) {
	for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers"} {
		delete(h, name)
	}
}
