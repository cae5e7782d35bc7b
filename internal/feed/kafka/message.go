package kafka

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"
)

// maxBatch is the most messages of one fire. What bounds a fire otherwise is
// the size of a payload.
const maxBatch = 500

// batches puts records, in their order, into as few payloads of at most
// maxSize bytes as that allows, and calls fire with each and with the records
// in it. A message that is too large alone is fired without its value and
// says so.
func (s *Source) batches(records []*kgo.Record, maxSize int, fire func(payload json.RawMessage, of []*kgo.Record) error) error {
	const head, tail = `{"messages":[`, `]}`
	from, body := 0, []byte(head)
	flush := func(to int) error {
		if from == to {
			return nil
		}
		err := fire(append(body, tail...), records[from:to])
		from, body = to, []byte(head)
		return err
	}
	for i, r := range records {
		message := s.message(r)
		if len(head)+len(message)+len(tail) > maxSize {
			message = oversized(r)
		}
		if len(body)+1+len(message)+len(tail) > maxSize || i-from == maxBatch {
			if err := flush(i); err != nil {
				return err
			}
		}
		if i > from {
			body = append(body, ',')
		}
		body = append(body, message...)
	}
	return flush(len(records))
}

// message is one element of the payload's messages.
func (s *Source) message(r *kgo.Record) []byte {
	key, value := text(r.Key), text(r.Value)
	if s.BinaryKey {
		key = binary(r.Key)
	}
	if s.BinaryValue {
		value = binary(r.Value)
	} else if s.JSON && json.Valid(r.Value) {
		value = r.Value
	}
	return appendMessage(r, key, value, nil)
}

func oversized(r *kgo.Record) []byte {
	why, err := json.Marshal(fmt.Sprintf("The value of %d bytes is larger than an event may be.", len(r.Value)))
	if err != nil { // a string always encodes
		panic(err)
	}
	return appendMessage(r, []byte("null"), []byte("null"), why)
}

func appendMessage(r *kgo.Record, key, value, why []byte) []byte {
	b := make([]byte, 0, 80+len(r.Topic)+len(key)+len(value)+len(why))
	b = strconv.AppendInt(append(b, `{"partition":`...), int64(r.Partition), 10)
	b = append(append(b, `,"key":`...), key...)
	b = strconv.AppendInt(append(b, `,"offset":`...), r.Offset, 10)
	b = append(append(append(b, `,"topic":"`...), r.Topic...), '"') // names of topics need no escape
	b = append(append(b, `,"value":`...), value...)
	if why != nil {
		b = append(append(b, `,"error":`...), why...)
	}
	return append(b, '}')
}

// text renders bytes as a JSON string, null if there are none. What is no
// UTF-8 is replaced, as upstream's feed does.
func text(b []byte) []byte {
	if b == nil {
		return []byte("null")
	}
	s := string(b)
	if !utf8.Valid(b) {
		s = string([]rune(s))
	}
	quoted, err := json.Marshal(s)
	if err != nil { // a string always encodes
		panic(err)
	}
	return quoted
}

func binary(b []byte) []byte {
	if b == nil {
		return []byte("null")
	}
	return []byte(`"` + base64.StdEncoding.EncodeToString(b) + `"`)
}
