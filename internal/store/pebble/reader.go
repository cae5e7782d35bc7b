package pebble

import (
	"encoding/binary"
	"time"
)

// reader decodes a value field by field. It owns two copies of the value, so
// that texts and bytes are cut out of them without one allocation each. The
// first field that does not fit sets bad; all later ones are zero.
type reader struct {
	left []byte
	text string // the whole value; ends where left ends
	bad  bool
}

func newReader(value []byte) *reader {
	return &reader{left: append([]byte(nil), value...), text: string(value)}
}

// cut takes n bytes off left.
func (r *reader) cut(n uint64) []byte {
	if r.bad || n > uint64(len(r.left)) {
		r.bad = true
		return nil
	}
	p := r.left[:n:n]
	r.left = r.left[n:]
	return p
}

func (r *reader) byte() byte {
	if p := r.cut(1); p != nil {
		return p[0]
	}
	return 0
}

func (r *reader) fixed() uint64 {
	if p := r.cut(8); p != nil {
		return binary.BigEndian.Uint64(p)
	}
	return 0
}

func (r *reader) uvarint() uint64 {
	n, width := binary.Uvarint(r.left)
	if width <= 0 {
		r.bad = true
		return 0
	}
	r.cut(uint64(width))
	return n
}

func (r *reader) varint() int64 {
	n, width := binary.Varint(r.left)
	if width <= 0 {
		r.bad = true
		return 0
	}
	r.cut(uint64(width))
	return n
}

func (r *reader) duration() time.Duration { return time.Duration(r.varint()) }

// count is a uvarint that counts entries of at least one byte each, plus one.
func (r *reader) count() uint64 {
	n := r.uvarint()
	if n > uint64(len(r.left))+1 {
		r.bad = true
		return 0
	}
	return n
}

// string undoes appendString.
func (r *reader) string() string {
	p := r.cut(r.uvarint())
	end := len(r.text) - len(r.left)
	return r.text[end-len(p) : end]
}

// bytes undoes appendBytes.
func (r *reader) bytes() []byte {
	n := r.uvarint()
	if n == 0 {
		return nil
	}
	return r.cut(n - 1)
}
