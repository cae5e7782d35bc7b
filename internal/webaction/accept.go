package webaction

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// Acceptable reports whether the Accept headers admit a Content-Type: the
// entry that names it most exactly decides. Entries that cannot be read are
// ignored.
func Acceptable(accept []string, contentType string) bool {
	if len(accept) == 0 || len(accept) == 1 && (accept[0] == "*/*" || accept[0] == contentType) {
		return true
	}
	m, ok := parseMedia(contentType)
	if !ok {
		return true
	}
	readable, best, admitted := false, 0, false
	for _, header := range accept {
		for entry := range strings.SplitSeq(header, ",") {
			name, params, err := mime.ParseMediaType(entry)
			if err != nil || name == "" {
				continue
			}
			readable = true
			exactness := m.matches(name)
			if admits := quality(params["q"]) > 0; exactness > best || exactness == best && admits {
				best, admitted = exactness, exactness > 0 && admits
			}
		}
	}
	return admitted || !readable
}

// matches tells how exactly a range of Accept names m, 0 for not at all.
func (m media) matches(mediaRange string) int {
	switch mediaRange {
	case m.name:
		return 3
	case m.family() + "/*":
		return 2
	case "*/*":
		return 1
	}
	return 0
}

// quality is the weight of an entry; one that cannot be read counts as none.
func quality(q string) float64 {
	if weight, err := strconv.ParseFloat(q, 64); err == nil {
		return weight
	}
	return 1
}

// NotAcceptable is the answer where only contentType could be had. OpenWhisk
// 4.5.6.
func NotAcceptable(contentType string) *Error {
	return &Error{
		Status: http.StatusNotAcceptable, Rejected: true,
		Message: "Resource representation is only available with these types:\n" + contentType,
	}
}
