package webaction

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// content is a decoded body: members of their own, or one opaque value.
type content struct {
	members map[string]json.RawMessage
	inner   []byte // of an object: what stands between its braces
	form    *pairs
	opaque  []byte // JSON, nil for none
}

// decodeBody reads the body of an action that is not raw. OpenWhisk
// 4.2.2–4.2.4, 4.8.12.
func (r *Request) decodeBody() (content, error) {
	if len(r.Body) == 0 && len(r.Header["Content-Type"]) == 0 {
		return content{}, nil
	}
	m := r.media()
	switch {
	case m.isJSON():
		return decodeJSON(r.Body)
	case m.name == formURLEncoded:
		return decodeForm(r.Body)
	case m.isText():
		return content{opaque: appendString(nil, string(r.Body))}, nil
	}
	return content{opaque: appendBase64(nil, r.Body)}, nil
}

func decodeJSON(body []byte) (content, error) {
	if len(body) == 0 {
		return content{}, nil
	}
	if !utf8.Valid(body) {
		body = bytes.ToValidUTF8(body, []byte("\ufffd"))
	}
	body = bytes.TrimSpace(body)
	if len(body) == 0 || body[0] != '{' {
		var v json.RawMessage
		if err := json.Unmarshal(body, &v); err != nil {
			return content{}, malformed(err.Error())
		}
		return content{opaque: body}, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return content{}, malformed(err.Error())
	}
	return content{members: members, inner: bytes.TrimSpace(body[1 : len(body)-1])}, nil
}

func decodeForm(body []byte) (content, error) {
	var failed error
	form := parsePairs(string(bytes.ToValidUTF8(body, []byte("\ufffd"))), func(s string) string {
		out, err := unescape(s)
		if err != nil {
			failed = malformed(err.Error())
		}
		return out
	})
	if failed != nil {
		return content{}, failed
	}
	members := make(map[string]json.RawMessage, len(form.keys))
	for _, key := range form.keys {
		members[key] = nil // its value is in form
	}
	return content{members: members, form: form}, nil
}

// sets reports whether the body sets a name that f reports.
func (c content) sets(f func(key string) bool) bool {
	for key := range c.members {
		if f(key) {
			return true
		}
	}
	return false
}

// append adds the body to an open object.
func (c content) append(args []byte) []byte {
	switch {
	case c.opaque != nil:
		return append(appendKey(args, memberBody), c.opaque...)
	case c.form != nil:
		for _, key := range c.form.keys {
			args = appendString(appendKey(args, key), c.form.values[key])
		}
	case len(c.inner) > 0: // the object is open and has members already
		args = append(append(args, ','), c.inner...)
	}
	return args
}
