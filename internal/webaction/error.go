package webaction

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
)

// Error is an answer in place of the action's: a refusal, or a result that
// cannot be what was asked for. Message holds OpenWhisk's exact words.
type Error struct {
	Status   int
	Message  string
	Rejected bool // by the HTTP side: compact, and without the activation's id. OpenWhisk 1.2.6, 4.7.5
}

func (e *Error) Error() string { return e.Message }

// Is reports whether target is the same answer.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && *t == *e
}

// The errors that have one text each. OpenWhisk A.5.
var (
	ErrUnauthorized = &Error{Status: http.StatusUnauthorized, Message: "Authentication is possible but has failed or not yet been provided."}
	ErrReserved     = &Error{Status: http.StatusBadRequest, Message: "Request defines parameters that are not allowed (e.g., reserved properties)."}
	ErrNotReady     = &Error{Status: http.StatusAccepted, Message: "Response not yet ready."}
	ErrFailed       = &Error{Status: http.StatusBadRequest, Message: "There was an error processing your request."}
	ErrNoProperty   = &Error{Status: http.StatusNotFound, Message: "Response does not include requested property."}
	ErrUnknownType  = &Error{Status: http.StatusBadRequest, Message: "Response did not specify a known content-type."}
	ErrTypeMismatch = &Error{Status: http.StatusBadRequest, Message: "Response type in header did not match generated content type."}
)

func invalid(mediaType string) *Error {
	return &Error{Status: http.StatusBadRequest, Message: "Response is not valid '" + mediaType + "'."}
}

func malformed(detail string) *Error {
	return &Error{Status: http.StatusBadRequest, Message: "The request content was malformed:\n" + detail, Rejected: true}
}

// Body renders the answer as JSON; code is the transaction id. OpenWhisk
// 4.4.14.
func (e *Error) Body(code string) []byte { return errorBody(e.Message, code, !e.Rejected) }

// ErrorBody renders an error of the platform as web actions show them.
func ErrorBody(message, code string) []byte { return errorBody(message, code, true) }

func errorBody(message, code string, indented bool) []byte {
	b := appendString([]byte(`{"error":`), message)
	b = append(appendString(append(b, `,"code":`...), code), '}')
	if indented {
		return pretty(b)
	}
	return b
}

// appendString appends s as a JSON string; what is not UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			return appendQuoted(dst, s)
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}

func appendQuoted(dst []byte, s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil { // a string always encodes
		panic("encode " + strconv.Quote(s) + ": " + err.Error())
	}
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte{'\n'})...)
}
