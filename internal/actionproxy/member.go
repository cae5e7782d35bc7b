package actionproxy

// member is the text of a member of a JSON object that is known to be valid; nil if it has none of
// that name. Of several the last one counts. It reads the name as it is written, so one with escapes
// is another. Reading one member so costs a fraction of what decoding the object does.
func member(object []byte, name string) (value []byte) {
	for at := nextByte(object, 0) + 1; at < len(object); {
		at = nextByte(object, at)
		if at >= len(object) || object[at] == '}' {
			break
		}
		if object[at] == ',' {
			at++
			continue
		}
		end := afterValue(object, at)
		key := object[at:end]
		at = nextByte(object, nextByte(object, end)+1) // past the colon
		end = afterValue(object, at)
		if len(key) == len(name)+2 && string(key[1:len(key)-1]) == name {
			value = object[at:end]
		}
		at = end
	}
	return value
}

// nextByte is the position of the next byte that is no blank.
func nextByte(text []byte, at int) int {
	for at < len(text) && (text[at] == ' ' || text[at] == '\n' || text[at] == '\t' || text[at] == '\r') {
		at++
	}
	return at
}

// afterValue is the position after the value that begins at that one.
func afterValue(text []byte, at int) int {
	depth := 0
	for ; at < len(text); at++ {
		switch text[at] {
		case '"':
			if at = closingQuote(text, at); depth == 0 {
				return at + 1
			}
		case '{', '[':
			depth++
		case '}', ']', ',', ' ', '\n', '\t', '\r', ':':
			if depth == 0 {
				return at
			}
			if c := text[at]; c == '}' || c == ']' {
				if depth--; depth == 0 {
					return at + 1
				}
			}
		}
	}
	return len(text)
}

// closingQuote is the position of the quote that ends the string which begins at that one.
func closingQuote(text []byte, at int) int {
	for at++; at < len(text) && text[at] != '"'; at++ {
		if text[at] == '\\' {
			at++ // what is escaped
		}
	}
	return at
}
