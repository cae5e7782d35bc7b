package apigateway

import (
	"net/url"
	"slices"
	"strings"
)

// requestSegments decodes the segments of a request's path for comparison; ok
// is false for a path that means another one: with dot or empty segments. One
// slash at the end does not count.
func requestSegments(escaped string) (way []string, ok bool) {
	if escaped == "" {
		return nil, true
	}
	for segment := range strings.SplitSeq(strings.TrimSuffix(escaped, "/"), "/") {
		decoded, err := url.PathUnescape(segment)
		if err != nil || decoded == "" || decoded == "." || decoded == ".." {
			return nil, false
		}
		way = append(way, decoded)
	}
	return way, true
}

// segments are the parts of a path; empty ones do not count.
func segments(path string) []string {
	return slices.DeleteFunc(strings.Split(path, "/"), func(s string) bool { return s == "" })
}
