package pebble

import (
	"encoding/binary"
	"encoding/json"
	"math/bits"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// recordVersion begins every record. Namespace, start and id are in the key.
const recordVersion = 1

// maxInline is the size in bytes of result and logs together up to which
// they lie in the record itself.
const maxInline = 16 << 10

// Flags of a record.
const (
	flagLarge = 1 << iota // result and logs lie apart
	flagEnd               // there is an end
	flagPublish
	flagSized // the record ends with the size of what lies apart; since format 3
)

// appendRecord encodes a: fields of fixed order, numbers as varints, texts
// after their lengths. JSON values are copied as they are. apart is the size
// in bytes of result and logs if they lie apart, else 0.
func appendRecord(b []byte, a *entity.Activation, apart int) []byte {
	var flags byte
	if apart > 0 {
		flags |= flagLarge | flagSized
	}
	if !a.End.IsZero() {
		flags |= flagEnd
	}
	if a.Publish {
		flags |= flagPublish
	}
	b = append(b, recordVersion, flags, byte(a.Response.Status))
	if flags&flagEnd != 0 {
		b = binary.BigEndian.AppendUint64(b, instant(a.End))
	}
	b = binary.AppendVarint(b, int64(a.Duration))
	b = binary.AppendVarint(b, int64(a.Response.Size))
	b = binary.AppendVarint(b, int64(a.Version.Major))
	b = binary.AppendVarint(b, int64(a.Version.Minor))
	b = binary.AppendVarint(b, int64(a.Version.Patch))
	b = appendString(b, a.Local)
	b = appendString(b, a.Name)
	b = appendString(b, a.Subject)
	b = appendString(b, string(a.Cause))
	b = appendParameters(b, a.Annotations)
	if apart > 0 {
		return binary.AppendUvarint(b, uint64(apart))
	}
	return appendOutcome(b, a)
}

// appendParameters writes one more than the number of entries, 0 for nil.
func appendParameters(b []byte, p entity.Parameters) []byte {
	if p == nil {
		return append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(len(p))+1)
	for i := range p {
		b = appendString(b, p[i].Key)
		b = appendBytes(b, p[i].Value)
		b = appendString(b, p[i].Encryption)
		if p[i].Init {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
	}
	return b
}

// appendOutcome writes result and logs.
func appendOutcome(b []byte, a *entity.Activation) []byte {
	b = appendBytes(b, a.Response.Result)
	if a.Logs == nil {
		return append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(len(a.Logs))+1)
	for _, line := range a.Logs {
		b = appendString(b, line)
	}
	return b
}

// outcomeSize is the length of what appendOutcome writes.
func outcomeSize(a *entity.Activation) int {
	size := 1
	if a.Response.Result != nil {
		size = uvarintLen(len(a.Response.Result)+1) + len(a.Response.Result)
	}
	if a.Logs == nil {
		return size + 1
	}
	size += uvarintLen(len(a.Logs) + 1)
	for _, line := range a.Logs {
		size += uvarintLen(len(line)) + len(line)
	}
	return size
}

// uvarintLen is the length of n as binary.AppendUvarint writes it.
func uvarintLen(n int) int { return (bits.Len64(uint64(n)|1) + 6) / 7 }

// appendBytes writes one more than the length before the bytes, 0 for nil.
func appendBytes(b, p []byte) []byte {
	if p == nil {
		return append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(len(p))+1)
	return append(b, p...)
}

// decodeRecord reads what appendRecord wrote into a, the outcome only if it
// is there and docs is true. apart is the size in bytes of an outcome that lies
// apart, unsized if the record does not tell it, else 0. value is not retained.
func decodeRecord(value []byte, a *entity.Activation, docs bool) (apart int, ok bool) {
	r := newReader(value)
	if r.byte() != recordVersion {
		return 0, false
	}
	flags := r.byte()
	a.Response.Status = entity.Status(r.byte())
	if a.Response.Status > entity.WhiskError {
		return 0, false
	}
	if flags&flagEnd != 0 {
		a.End = timeOf(r.fixed())
	}
	a.Publish = flags&flagPublish != 0
	a.Duration = r.duration()
	a.Response.Size = int(r.varint())
	a.Version = entity.Version{Major: int(r.varint()), Minor: int(r.varint()), Patch: int(r.varint())}
	a.Local = r.string()
	a.Name = r.string()
	a.Subject = r.string()
	a.Cause = entity.ActivationID(r.string())
	a.Annotations = r.parameters()
	switch {
	case flags&flagSized != 0:
		apart = r.size()
	case flags&flagLarge != 0:
		apart = unsized
	case docs:
		r.outcome(a)
	}
	return apart, !r.bad
}

// localOf reads only the local name of a record.
func localOf(value []byte) (string, bool) {
	var a entity.Activation
	_, ok := decodeRecord(value, &a, false)
	return a.Local, ok
}

func (r *reader) outcome(a *entity.Activation) {
	a.Response.Result = json.RawMessage(r.bytes())
	n := r.count()
	if n == 0 {
		return
	}
	a.Logs = make([]string, 0, n-1)
	for range n - 1 {
		a.Logs = append(a.Logs, r.string())
	}
}

func (r *reader) parameters() entity.Parameters {
	n := r.count()
	if n == 0 {
		return nil
	}
	p := make(entity.Parameters, 0, n-1)
	for range n - 1 {
		e := entity.Parameter{Key: r.string(), Value: json.RawMessage(r.bytes()), Encryption: r.string()}
		e.Init = r.byte() == 1
		p = append(p, e)
	}
	return p
}
