package kafka

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// FuzzBatches: every payload is JSON within its size, and all messages are in
// them, once and in order.
func FuzzBatches(f *testing.F) {
	f.Add([]byte("one\ntwo\n{\"a\":1}\n\xff"), 400, true, false)
	f.Add(bytes.Repeat([]byte("x\n"), 600), 1<<20, false, true)
	f.Fuzz(func(t *testing.T, lines []byte, size int, asJSON, asBinary bool) {
		const least = 300 // room for one message without its value
		size = max(least, min(size, 1<<20))
		var records []*kgo.Record
		for i, line := range bytes.Split(lines, []byte("\n")) {
			records = append(records, &kgo.Record{Topic: "t", Offset: int64(i), Value: line})
		}
		next := 0
		s := Source{JSON: asJSON, BinaryValue: asBinary}
		err := s.batches(records, size, func(payload json.RawMessage, of []*kgo.Record) error {
			var event struct {
				Messages []struct{ Offset int }
			}
			if err := json.Unmarshal(payload, &event); err != nil || len(payload) > size {
				t.Fatalf("payload of %d bytes, at most %d: %v", len(payload), size, err)
			}
			if len(event.Messages) != len(of) || len(of) > maxBatch {
				t.Fatalf("%d messages for %d records", len(event.Messages), len(of))
			}
			for _, m := range event.Messages {
				if m.Offset != next {
					t.Fatalf("offset %d, want %d", m.Offset, next)
				}
				next++
			}
			return nil
		})
		if err != nil || next != len(records) {
			t.Errorf("%d of %d messages, %v", next, len(records), err)
		}
	})
}
