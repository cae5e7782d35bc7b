package webaction

import (
	"bytes"
	"encoding/json"
	"errors"
)

// pretty indents JSON that is valid.
func pretty(raw []byte) []byte {
	if out, err := indent(raw); err == nil {
		return out
	}
	return raw
}

var errNotJSON = errors.New("not JSON")

// indent indents JSON by two spaces. What is nested so deep that most of it
// would become white space is returned as it is. OpenWhisk 1.2.6.
func indent(raw []byte) ([]byte, error) {
	const most = 64 << 10 // bytes of white space that are always spent
	raw = bytes.TrimSpace(raw)
	space := indentation(raw)
	if space > most+len(raw) {
		if !json.Valid(raw) {
			return nil, errNotJSON
		}
		return raw, nil
	}
	var b bytes.Buffer
	b.Grow(len(raw) + space)
	err := json.Indent(&b, raw, "", "  ")
	return b.Bytes(), err
}

// indentation is about how many bytes indent adds.
func indentation(raw []byte) (space int) {
	depth := 0
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			for i++; i < len(raw) && raw[i] != '"'; i++ {
				if raw[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
			space += 1 + 2*depth
		case '}', ']':
			depth = max(0, depth-1) // of what is no JSON
			space += 1 + 2*depth
		case ',':
			space += 1 + 2*depth
		case ':':
			space++
		}
	}
	return space
}
