package webaction

import (
	"net/url"
	"strings"
)

// pairs are the fields of a query or a form: each key once, where it came
// first, with the value that came last.
type pairs struct {
	keys   []string
	values map[string]string
}

func parsePairs(s string, unescape func(string) string) *pairs {
	if s == "" {
		return &pairs{}
	}
	p := &pairs{values: map[string]string{}}
	for pair := range strings.SplitSeq(s, "&") {
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		key = unescape(key)
		if _, there := p.values[key]; !there {
			p.keys = append(p.keys, key)
		}
		p.values[key] = unescape(value)
	}
	return p
}

// unescape decodes "%XX" and "+". What is not UTF-8 becomes U+FFFD.
func unescape(s string) (string, error) {
	out, err := url.QueryUnescape(s)
	return strings.ToValidUTF8(out, "\ufffd"), err
}

// unescapeLenient leaves what is no valid escape as it is.
func unescapeLenient(s string) string {
	if out, err := unescape(s); err == nil {
		return out
	}
	return strings.ToValidUTF8(s, "\ufffd")
}

// normalQuery decodes a query and encodes it again. OpenWhisk 4.2.6.
func normalQuery(query string) string {
	if query == "" {
		return ""
	}
	b := make([]byte, 0, len(query))
	for i, pair := range strings.Split(query, "&") {
		if i > 0 {
			b = append(b, '&')
		}
		key, value, assigned := strings.Cut(pair, "=")
		b = appendEscaped(b, unescapeLenient(key))
		if assigned {
			b = appendEscaped(append(b, '='), unescapeLenient(value))
		}
	}
	return string(b)
}

// appendEscaped escapes what may not stand in a query, or would end a field.
func appendEscaped(b []byte, s string) []byte {
	const hex, literal = "0123456789ABCDEF", "-._~!$'()*,;:@/?"
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte(literal, c) >= 0:
			b = append(b, c)
		case c == ' ':
			b = append(b, '+')
		default:
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b
}
