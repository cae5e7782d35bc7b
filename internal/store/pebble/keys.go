package pebble

import (
	"encoding/binary"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// Every key begins with the byte of its space; strings inside a key, but for
// the last one, are preceded by their length. A descending time is the
// complement of nanoseconds since 1970, so that the newest comes first.
const (
	spaceMeta byte = 0x01 // name → value of this package's own

	spaceDocument  byte = 0x10 // namespace, package, name → document
	spaceNewest    byte = 0x11 // collection, namespace, updated↓, local name → length of the package
	spaceInPackage byte = 0x12 // collection, namespace, package, updated↓, name → nothing
	spaceOpenCode  byte = 0x13 // namespace, package, name, code id → code, of format 1
	spaceCode      byte = 0x14 // namespace, package, name, code id → sealed code

	spaceRecord byte = 0x20 // namespace, start↓, id → activation
	spaceLarge  byte = 0x21 // namespace, start↓, id, part → its result and logs, if large
	spaceID     byte = 0x22 // namespace, id → start
	spaceLocal  byte = 0x23 // namespace, local name, start↓, id → nothing
	spaceAfter  byte = 0x24 // the end of all that belongs to activations

	spaceItem      byte = 0x30 // sequence, id → started or not, sequence of the share
	spaceItemBody  byte = 0x31 // sequence → sealed body
	spaceItemShare byte = 0x32 // sequence → sealed part of the bodies of several items

	spaceSubject   byte = 0x40 // name → sealed subject
	spaceUUID      byte = 0x41 // mark of the uuid → name of the subject
	spaceMember    byte = 0x42 // namespace, subject → nothing
	spaceNamespace byte = 0x43 // namespace → limits

	spaceEntry byte = 0x50 // kind, key → sealed body
)

// rawID is an activation id as it stands in keys.
type rawID [16]byte

// parseID reports false for what is not 32 lower-case hex digits.
func parseID(id entity.ActivationID) (raw rawID, ok bool) {
	if len(id) != 2*len(raw) {
		return raw, false
	}
	for i := range raw {
		high, low := hexDigit(id[2*i]), hexDigit(id[2*i+1])
		if high|low > 15 {
			return raw, false
		}
		raw[i] = high<<4 | low
	}
	return raw, true
}

func hexDigit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}

func (id rawID) String() string {
	const digits = "0123456789abcdef"
	var text [2 * len(id)]byte
	for i, b := range id {
		text[2*i], text[2*i+1] = digits[b>>4], digits[b&15]
	}
	return string(text[:])
}

func appendString(k []byte, s string) []byte {
	return append(binary.AppendUvarint(k, uint64(len(s))), s...)
}

// cutString undoes appendString.
func cutString(k []byte) (s string, rest []byte, ok bool) {
	n, width := binary.Uvarint(k)
	if width <= 0 || n > uint64(len(k)-width) {
		return "", nil, false
	}
	end := width + int(n)
	return string(k[width:end]), k[end:], true
}

// instant orders times as unsigned numbers. The zero time comes before all.
func instant(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(t.UnixNano()) ^ 1<<63
}

func timeOf(instant uint64) time.Time {
	if instant == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(instant^1<<63))
}

func appendDescending(k []byte, instant uint64) []byte {
	return binary.BigEndian.AppendUint64(k, ^instant)
}

// after returns the smallest key that is greater than every key with that
// prefix. It changes prefix.
func after(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		prefix[i]++
		if prefix[i] != 0 {
			return prefix[:i+1]
		}
	}
	return nil
}
