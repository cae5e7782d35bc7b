package apigateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxDocument bounds an API, so that one can always be shown as the result of
// an activation.
const maxDocument = 900 << 10

// A refusal is an error whose text is for the author of an API.
type refusal struct{ text string }

func (r *refusal) Error() string { return r.text }

func refuse(format string, args ...any) error { return &refusal{fmt.Sprintf(format, args...)} }

// document is a swagger document, or a part of one. What the gateway does not
// know in it is kept.
type document map[string]any

// decode reads one JSON text; its numbers stay as they are written.
func decode(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return v, nil
}

// at returns the value at the end of a way through objects, nil if there is
// none.
func (d document) at(way ...string) any {
	var v any = map[string]any(d)
	for _, step := range way {
		members, _ := v.(map[string]any)
		v = members[step]
	}
	return v
}

// object returns the object that is a member of d; unless there is one, it
// makes one.
func (d document) object(member string) document {
	members, ok := d[member].(map[string]any)
	if !ok {
		members = map[string]any{}
		d[member] = members
	}
	return members
}

// text returns a string, false for any other value.
func text(v any) (string, bool) {
	s, ok := v.(string)
	return s, ok
}

// list returns the elements of an array that are objects.
func list(v any) []document {
	elements, _ := v.([]any)
	var out []document
	for _, e := range elements {
		if members, ok := e.(map[string]any); ok {
			out = append(out, members)
		}
	}
	return out
}

// given reports whether a member counts as given to OpenWhisk, whose actions
// are JavaScript: null, false, 0 and "" do not.
func given(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case json.Number:
		f, err := v.Float64()
		return err != nil || f != 0
	}
	return true
}

// typeOf is the name of a value's type in OpenWhisk's messages.
func typeOf(v any) string {
	switch v.(type) {
	case bool:
		return "boolean"
	case string:
		return "string"
	case json.Number:
		return "number"
	}
	return "object"
}

// verbs are the operations that a path may have. OpenWhisk 7.2.4.
func isVerb(name string) bool {
	switch strings.ToLower(name) {
	case "get", "put", "post", "delete", "patch", "head", "options":
		return true
	}
	return false
}

// configuration is the part that says where operations lead; the gateway's
// own name for it comes first.
func (d document) configuration() document {
	for _, name := range []string{"x-gateway-configuration", "x-ibm-configuration"} {
		if members, ok := d[name].(map[string]any); ok {
			return members
		}
	}
	return nil
}
