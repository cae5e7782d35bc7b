package pebble

import (
	"bytes"
	"encoding/binary"
	"runtime/debug"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/gowhisk/gowhisk/internal/entity"
)

const (
	// maxPart is the size in bytes of the parts that a large outcome is
	// written in. Of ten MB of logs the store never has all in memory, neither
	// when it writes nor when it flushes them.
	maxPart = 128 << 10

	// largest is the size in bytes up to which an outcome is garbage like any
	// other afterwards; tidyEvery how often one may be more.
	largest   = 2 << 20
	tidyEvery = 100 * time.Millisecond

	// maxApart bounds what a record may say to lie apart.
	maxApart = 256 << 20

	// unsized: how much lies apart is not known. Format 2.
	unsized = -1
)

// partKey appends the number of a part to the key of its outcome. The first
// has none: until format 3 it was the only one.
func partKey(outcome []byte, n int) []byte {
	if n == 0 {
		return outcome
	}
	return binary.BigEndian.AppendUint16(outcome[:len(outcome):len(outcome)], uint16(n))
}

// parts writes an outcome in parts of maxPart bytes.
type parts struct {
	db  *DB
	key []byte
	n   int    // parts that are written
	buf []byte // the next one
	err error  // the first failure
}

// putOutcome writes the result and logs of a, all but their last part, which
// it puts into batch: nobody looks for parts without the record that comes
// with it. Parts that a crash left alone go with the records of their time.
func (s *activations) putOutcome(batch *pebble.Batch, a *entity.Activation, key []byte, size int) error {
	s.db.tidy(size)
	p := parts{db: s.db, key: bytes.Clone(key), buf: make([]byte, 0, min(size, maxPart))}
	var scratch [2 * binary.MaxVarintLen64]byte
	if a.Response.Result == nil {
		p.add("\x00")
	} else {
		p.add(string(binary.AppendUvarint(scratch[:0], uint64(len(a.Response.Result))+1)))
		p.add(string(a.Response.Result))
	}
	lines := binary.AppendUvarint(scratch[:0], uint64(len(a.Logs))+1)
	if a.Logs == nil {
		lines = append(scratch[:0], 0)
	}
	p.add(string(lines))
	defer s.db.tidy(size)
	for _, line := range a.Logs {
		p.add(string(binary.AppendUvarint(scratch[:0], uint64(len(line)))))
		p.add(line)
	}
	if p.err != nil {
		return p.err
	}
	return batch.Set(partKey(p.key, p.n), p.buf, nil)
}

// tidy gives back to the system what a huge outcome left behind on its way, or
// one before it, so that there is room for the next steps: else the garbage of
// ten MB is allowed to be twenty more. It does not do so again and again.
func (db *DB) tidy(size int) {
	if size <= largest {
		return
	}
	now := time.Since(db.space.start)
	if last := db.tidied.Load(); now-time.Duration(last) > tidyEvery && db.tidied.CompareAndSwap(last, int64(now)) {
		debug.FreeOSMemory()
	}
}

// add appends text, and writes the parts that are full.
func (p *parts) add(text string) {
	for p.err == nil && len(p.buf)+len(text) > maxPart {
		room := maxPart - len(p.buf)
		p.buf = append(p.buf, text[:room]...)
		text = text[room:]
		p.err = p.flush()
	}
	if p.err == nil {
		p.buf = append(p.buf, text...)
	}
}

// flush writes a part.
func (p *parts) flush() error {
	key := partKey(p.key, p.n)
	batch := p.db.db.NewBatchWithSize(len(key) + len(p.buf) + 64)
	if err := batch.Set(key, p.buf, nil); err != nil {
		return err
	}
	p.n, p.buf = p.n+1, p.buf[:0]
	return p.db.commit.commit(batch, false) // a log is synced before the next one begins: see durability
}

// outcome reads what putOutcome wrote into a; ErrNotFound if it was pruned.
func (s *activations) outcome(key []byte, size int, a *entity.Activation) error {
	s.db.tidy(size)
	var text strings.Builder
	text.Grow(max(size, 0))
	found := false
	err := scan(s.db.db, key, after(bytes.Clone(key)), func(_, part []byte) (bool, error) {
		found = true
		text.Write(part)
		return size == unsized || text.Len() < size, nil
	})
	if err != nil {
		return err
	}
	if !found {
		return entity.ErrNotFound
	}
	r := reader{text: text.String()}
	if r.outcome(a); r.bad || size != unsized && text.Len() != size {
		return corrupted("the result of activation " + string(a.ID))
	}
	return nil
}
