package webaction

import (
	"mime"
	"strings"
)

const (
	applicationJSON = "application/json"
	octetStream     = "application/octet-stream"
	formURLEncoded  = "application/x-www-form-urlencoded"
	textHTML        = "text/html; charset=UTF-8"
	textPlain       = "text/plain; charset=UTF-8"
	imageSVG        = "image/svg+xml"
)

// media is a parsed Content-Type.
type media struct {
	name    string // "type/subtype" in lower case
	params  map[string]string
	charset string // in lower case, "" for none
}

// parseMedia reports false for what is no media type.
func parseMedia(contentType string) (media, bool) {
	if contentType == applicationJSON { // most are
		return media{name: applicationJSON}, true
	}
	name, params, err := mime.ParseMediaType(contentType)
	family, sub, _ := strings.Cut(name, "/")
	if err != nil || !isToken(family) || !isToken(sub) {
		return media{}, false
	}
	return media{name, params, strings.ToLower(params["charset"])}, true
}

func (m media) family() string {
	family, _, _ := strings.Cut(m.name, "/")
	return family
}

// isJSON reports whether the type is that of JSON documents.
func (m media) isJSON() bool { return m.name == applicationJSON || strings.HasSuffix(m.name, "+json") }

// isText tells text from bytes: by the table, and for types that are not in it
// by whether they name a charset. OpenWhisk 4.2.11.
func (m media) isText() bool {
	if _, known := textTypes[m.name]; known {
		return true
	}
	return m.charset != "" && !binaryTypes[m.name] && !binaryFamilies[m.family()]
}

// withCharset is the type as a Content-Type whose text is UTF-8; a charset is
// added where the type has none and takes one.
func (m media) withCharset() string {
	takes, known := textTypes[m.name]
	if m.charset != "" || known && !takes {
		return m.String()
	}
	return m.String() + "; charset=UTF-8"
}

// String is the type as a Content-Type.
func (m media) String() string { return mime.FormatMediaType(m.name, m.params) }

// encode is text in the charset of the type. One that is not known here is
// replaced by UTF-8.
func (m *media) encode(text string) []byte {
	var last rune
	switch m.charset {
	case "", "utf-8":
		return []byte(text)
	case "us-ascii":
		last = 0x7f
	case "iso-8859-1":
		last = 0xff
	default:
		m.charset = "utf-8"
		m.params["charset"] = "UTF-8"
		return []byte(text)
	}
	out := make([]byte, 0, len(text))
	for _, r := range text {
		if r > last {
			r = '?'
		}
		out = append(out, byte(r))
	}
	return out
}

// isToken reports whether s is a token of HTTP, as names of headers and media
// types are.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}
