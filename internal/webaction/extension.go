package webaction

import "strings"

// Extension selects how a result becomes a response.
type Extension string

// The extensions; a path without one means HTTP. OpenWhisk 4.1.3.
const (
	HTTP Extension = ".http"
	JSON Extension = ".json"
	HTML Extension = ".html"
	SVG  Extension = ".svg"
	Text Extension = ".text"
)

// SplitExtension takes exactly one extension off the path segment of an
// action; anything else behind a dot is part of the name.
func SplitExtension(segment string) (name string, e Extension) {
	for _, e := range []Extension{HTTP, JSON, HTML, SVG, Text} {
		if name, ok := strings.CutSuffix(segment, string(e)); ok {
			return name, e
		}
	}
	return segment, HTTP
}
