package pebble

import (
	"encoding/binary"
	"time"
)

// reader decodes a value field by field. Texts are cut out of it without one
// allocation each. The first field that does not fit sets bad; all later ones
// are zero.
type reader struct {
	text string // what is left of the value
	data []byte // the same, from which bytes are cut; nil: they are copied
	bad  bool
}

// newReader copies the value.
func newReader(value []byte) *reader {
	return &reader{text: string(value), data: append([]byte{}, value...)}
}

// cut takes n bytes off what is left.
func (r *reader) cut(n uint64) (text string, data []byte) {
	if r.bad || n > uint64(len(r.text)) {
		r.bad = true
		return "", nil
	}
	text, r.text = r.text[:n], r.text[n:]
	if r.data != nil {
		data, r.data = r.data[:n:n], r.data[n:]
	}
	return text, data
}

func (r *reader) byte() byte {
	if text, _ := r.cut(1); text != "" {
		return text[0]
	}
	return 0
}

func (r *reader) fixed() (n uint64) {
	text, _ := r.cut(8)
	for i := range len(text) {
		n = n<<8 | uint64(text[i])
	}
	return n
}

func (r *reader) uvarint() uint64 {
	var raw [binary.MaxVarintLen64]byte
	n, width := binary.Uvarint(raw[:copy(raw[:], r.text)])
	if width <= 0 {
		r.bad = true
		return 0
	}
	r.cut(uint64(width))
	return n
}

func (r *reader) varint() int64 {
	n := r.uvarint()
	return int64(n>>1) ^ -int64(n&1)
}

// size is the uvarint of a length in bytes.
func (r *reader) size() int {
	n := r.uvarint()
	if n > maxApart {
		r.bad = true
		return 0
	}
	return int(n)
}

func (r *reader) duration() time.Duration { return time.Duration(r.varint()) }

// count is a uvarint that counts entries of at least one byte each, plus one.
func (r *reader) count() uint64 {
	n := r.uvarint()
	if n > uint64(len(r.text))+1 {
		r.bad = true
		return 0
	}
	return n
}

// string undoes appendString.
func (r *reader) string() string {
	text, _ := r.cut(r.uvarint())
	return text
}

// bytes undoes appendBytes.
func (r *reader) bytes() []byte {
	n := r.uvarint()
	if n == 0 {
		return nil
	}
	text, data := r.cut(n - 1)
	if data == nil && !r.bad {
		data = []byte(text)
	}
	return data
}
