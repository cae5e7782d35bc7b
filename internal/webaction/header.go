package webaction

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// framing are the headers of the connection and of the message around the
// body: they are the server's, and an action that names them is not heard.
var framing = map[string]bool{
	"Connection": true, "Content-Length": true, "Keep-Alive": true, "Proxy-Connection": true,
	"Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// decodeHeaders reads the headers of a result; nil means none. Values are
// strings, numbers, booleans, or arrays of them for one line each. What could
// end a line is not valid, so no value reaches beyond its own. OpenWhisk 4.4.2.
func decodeHeaders(raw json.RawMessage) (h http.Header, valid bool) {
	h = http.Header{}
	if raw == nil {
		return h, true
	}
	in := object(raw)
	if in == nil {
		return nil, false
	}
	for _, name := range slices.Sorted(maps.Keys(in)) { // their order is told when a name comes twice
		if !isToken(name) || !addValues(h, http.CanonicalHeaderKey(name), in[name]) {
			return nil, false
		}
	}
	return h, true
}

// addValues reports false for a value that no header can have.
func addValues(h http.Header, name string, raw json.RawMessage) bool {
	switch first(raw) {
	case '"':
		text, _ := decodeString(raw)
		return addValue(h, name, text)
	case '[':
		var list []any // decoded at once, so that deep nesting costs no more than its length
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		return d.Decode(&list) == nil && addList(h, name, list)
	case '{', 'n':
		return false
	}
	return addValue(h, name, string(raw)) // a number or a boolean
}

func addList(h http.Header, name string, list []any) bool {
	for _, v := range list {
		valid := false
		switch v := v.(type) {
		case []any:
			valid = addList(h, name, v)
		case string:
			valid = addValue(h, name, v)
		case json.Number:
			valid = addValue(h, name, v.String())
		case bool:
			valid = addValue(h, name, strconv.FormatBool(v))
		}
		if !valid {
			return false
		}
	}
	return true
}

func addValue(h http.Header, name, value string) bool {
	if !isValue(value) {
		return false
	}
	if !framing[name] {
		h[name] = append(h[name], strings.TrimSpace(value))
	}
	return true
}

// isValue reports whether s can stand in one line of a header.
func isValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
