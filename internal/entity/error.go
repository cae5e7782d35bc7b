package entity

import (
	"errors"
	"fmt"
)

// Kind says what sort of failure an error is; callers branch on it, never on
// the text. The zero Kind is Internal.
type Kind uint8

// The kinds of failure. Each has one HTTP status.
const (
	Internal      Kind = iota // the platform failed
	Malformed                 // the request cannot be read or breaks a rule
	Unauthorized              // no or wrong credentials
	Forbidden                 // known caller without the right
	NotFound                  // no such entity
	Conflict                  // exists already, is of another type, or was modified meanwhile
	TooLarge                  // over a size limit
	Throttled                 // over a rate or concurrency limit
	Unprocessable             // what is stored contradicts itself
	Unavailable               // overloaded, shutting down, or the disk refuses writes
)

// Status is the HTTP status of k, which is also what the feeds of OpenWhisk
// speak of.
func (k Kind) Status() int {
	switch k {
	case Malformed:
		return 400
	case Unauthorized:
		return 401
	case Forbidden:
		return 403
	case NotFound:
		return 404
	case Conflict:
		return 409
	case TooLarge:
		return 413
	case Unprocessable:
		return 422
	case Throttled:
		return 429
	case Unavailable:
		return 503
	}
	return 500
}

// Error is a failure whose Message may be shown to the client as it is: it
// holds OpenWhisk's exact words. Code is the stable number of package fault
// ("GW1101"), empty where there is nothing to add to the message. Err is the
// cause for the log and is never shown.
type Error struct {
	Kind    Kind
	Message string
	Code    string
	Err     error
}

// Errorf makes an Error of kind k.
func Errorf(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Message: fmt.Sprintf(format, args...)}
}

// WithCode returns e with the stable fault code set.
func (e *Error) WithCode(code string) *Error {
	c := *e
	c.Code = code
	return &c
}

// Because returns e with the cause for the log set.
func (e *Error) Because(err error) *Error {
	c := *e
	c.Err = err
	return &c
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is an Error of the same kind and, if target has
// a message, of the same message.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind && (t.Message == "" || t.Message == e.Message)
}

// KindOf returns the kind of the first Error in err's chain, Internal if
// there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// Errors with one text each, compared with errors.Is.
var (
	ErrNotFound      = &Error{Kind: NotFound, Message: "The requested resource does not exist."}
	ErrExists        = &Error{Kind: Conflict, Message: "resource already exists"}
	ErrWrongType     = &Error{Kind: Conflict, Message: "Resource by this name exists but is not in this collection."}
	ErrModified      = &Error{Kind: Conflict, Message: "Concurrent modification to resource detected."}
	ErrCorrupted     = &Error{Kind: Internal, Message: "Resource is corrupted and cannot be read.", Code: "GW5204"}
	ErrNotEntitled   = &Error{Kind: Forbidden, Message: "The supplied authentication is not authorized to access this resource."}
	ErrAuthMissing   = &Error{Kind: Unauthorized, Message: "The resource requires authentication, which was not supplied with the request"}
	ErrAuthInvalid   = &Error{Kind: Unauthorized, Message: "The supplied authentication is invalid", Code: "GW1001"}
	ErrUnavailable   = &Error{Kind: Unavailable, Message: "The server is currently unavailable (because it is overloaded or down for maintenance)."}
	ErrReservedParam = &Error{Kind: Malformed, Message: "Request defines parameters that are not allowed (e.g., reserved properties)."}
)

// MalformedContent is the 400 for a body that cannot be read as what it
// should be. OpenWhisk 1.4.2.
func MalformedContent(format string, args ...any) *Error {
	return &Error{Kind: Malformed, Message: "The request content was malformed:\n" + fmt.Sprintf(format, args...)}
}

// MalformedQuery is the 400 for a bad query parameter. OpenWhisk 1.4.3.
func MalformedQuery(param, format string, args ...any) *Error {
	return &Error{Kind: Malformed, Message: fmt.Sprintf("The query parameter '%s' was malformed:\n", param) + fmt.Sprintf(format, args...)}
}

// LargerThanAllowed is the 413 for a field over its size. OpenWhisk 1.4.12.
func LargerThanAllowed(field string, is, allowed int64) *Error {
	return Errorf(TooLarge, "%s larger than allowed: %d > %d bytes.", field, is, allowed)
}
