package entity

import (
	"encoding/json"
	"slices"
	"strconv"
	"unicode/utf8"
)

// The forms here are written by hand because a record is encoded for every
// activation. They are those of encoding/json without its escapes for HTML;
// values that are JSON already are spliced as they are.

// AppendJSON appends the full form of a to dst. OpenWhisk 1.11.1.
func (a *Activation) AppendJSON(dst []byte) []byte {
	size := 1024 + len(a.Response.Result) // or a record of some MB is copied again and again
	for _, line := range a.Logs {
		size += len(line) + 3
	}
	dst = slices.Grow(dst, size)
	dst = append(dst, `{"activationId":`...)
	dst = appendString(dst, string(a.ID))
	dst = append(dst, `,"annotations":`...)
	dst = a.Annotations.AppendJSON(dst)
	if a.Cause != "" {
		dst = appendString(append(dst, `,"cause":`...), string(a.Cause))
	}
	if !a.End.IsZero() {
		dst = strconv.AppendInt(append(dst, `,"duration":`...), a.Duration.Milliseconds(), 10)
		dst = strconv.AppendInt(append(dst, `,"end":`...), a.End.UnixMilli(), 10)
	}
	dst = AppendStrings(append(dst, `,"logs":`...), a.Logs)
	dst = appendString(append(dst, `,"name":`...), a.Name)
	dst = appendString(append(dst, `,"namespace":`...), a.Namespace)
	dst = strconv.AppendBool(append(dst, `,"publish":`...), a.Publish)
	dst = a.Response.AppendJSON(append(dst, `,"response":`...))
	dst = strconv.AppendInt(append(dst, `,"start":`...), a.Start.UnixMilli(), 10)
	dst = appendString(append(dst, `,"subject":`...), a.Subject)
	dst = append(dst, `,"version":"`...)
	dst = a.Version.append(dst)
	return append(dst, '"', '}')
}

// AppendJSON appends the wire form of r to dst. OpenWhisk 1.11.2.
func (r Response) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	if len(r.Result) > 0 {
		dst = append(append(append(dst, `"result":`...), r.Result...), ',')
	}
	if r.Size != 0 {
		dst = append(strconv.AppendInt(append(dst, `"size":`...), int64(r.Size), 10), ',')
	}
	dst = appendString(append(dst, `"status":`...), r.Status.String())
	dst = strconv.AppendBool(append(dst, `,"success":`...), r.Status == Success)
	return append(dst, '}')
}

// AppendJSON appends p to dst, an empty list as [].
func (p Parameters) AppendJSON(dst []byte) []byte {
	dst = append(dst, '[')
	for i := range p {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(append(dst, `{"key":`...), p[i].Key)
		dst = appendRaw(append(dst, `,"value":`...), p[i].Value)
		if p[i].Init {
			dst = append(dst, `,"init":true`...)
		}
		if p[i].Encryption != "" {
			dst = appendString(append(dst, `,"encryption":`...), p[i].Encryption)
		}
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

func appendRaw(dst []byte, raw json.RawMessage) []byte {
	if len(raw) == 0 {
		return append(dst, `null`...)
	}
	return append(dst, raw...)
}

// AppendStrings appends all to dst as a JSON array.
func AppendStrings(dst []byte, all []string) []byte {
	dst = append(dst, '[')
	for i, s := range all {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, s)
	}
	return append(dst, ']')
}

// AppendString appends s to dst as a JSON string without escapes for HTML.
// What is not UTF-8 becomes U+FFFD.
func AppendString(dst []byte, s string) []byte { return appendString(dst, s) }

// appendString appends s as a JSON string. What is not UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			dst = appendEscape(append(dst, s[start:i]...), c)
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		escape := escapeOf(r, size)
		if escape != "" {
			dst = append(append(dst, s[start:i]...), escape...)
			start = i + size
		}
		i += size
	}
	return append(append(dst, s[start:]...), '"')
}

// escapeOf is what stands for a rune outside ASCII, empty for itself. The
// two separators end a line in JavaScript.
func escapeOf(r rune, size int) string {
	switch {
	case r == utf8.RuneError && size == 1:
		return `\ufffd`
	case r == '\u2028':
		return `\u2028`
	case r == '\u2029':
		return `\u2029`
	}
	return ""
}

func appendEscape(dst []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
}
