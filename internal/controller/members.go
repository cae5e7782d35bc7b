package controller

import "encoding/json"

// first returns the first byte of body that is no white space, 0 if there is
// none.
func first(body []byte) byte {
	for _, c := range body {
		if !space(c) {
			return c
		}
	}
	return 0
}

func space(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// members splits a JSON object, which must be valid, into its members. The
// values are parts of object, not copies, and keep their white space inside.
// Keys are compared as they are, unlike encoding/json does; of equal keys
// the last one wins, and a member that is null is left out.
func members(object []byte) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	i := skipSpace(object, 0) + 1 // behind the brace
	for {
		i = skipSpace(object, i)
		if object[i] == '}' {
			return out
		}
		end := skipString(object, i)
		key := text(object[i:end])
		i = skipSpace(object, skipSpace(object, end)+1) // behind the colon
		end = skipValue(object, i)
		out[key] = object[i:end:end]
		if string(out[key]) == "null" {
			delete(out, key)
		}
		i = skipSpace(object, end)
		if object[i] == ',' {
			i++
		}
	}
}

// text decodes a valid JSON string.
func text(quoted []byte) string {
	for _, c := range quoted {
		if c == '\\' || c >= 0x80 {
			var s string
			if json.Unmarshal(quoted, &s) == nil {
				return s
			}
		}
	}
	return string(quoted[1 : len(quoted)-1])
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && space(b[i]) {
		i++
	}
	return i
}

// skipString returns the index behind the string that begins at i.
func skipString(b []byte, i int) int {
	for i++; b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// skipValue returns the index behind the value that begins at i.
func skipValue(b []byte, i int) int {
	for depth := 0; ; {
		switch b[i] {
		case '"':
			i = skipString(b, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		case ',', ':', ' ', '\t', '\n', '\r':
			i++
		default:
			for i++; i < len(b) && !ends(b[i]); i++ {
			}
		}
		if depth == 0 {
			return i
		}
	}
}

// ends reports whether c ends a number or a word.
func ends(c byte) bool { return c == ',' || c == '}' || c == ']' || space(c) }
