package entity

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"sync"
	"time"
)

// ActivationID is 32 lower-case hex digits. Those minted here are UUIDv7
// without dashes, so they sort by the time of minting.
type ActivationID string

// Mint makes activation ids. The zero value is ready; one Mint never makes
// an id smaller than an earlier one, whatever the clock does.
type Mint struct {
	mu   sync.Mutex
	last uint64 // guarded by mu: 48 bits of milliseconds, 12 bits of counter
}

// New returns the next id for the time now.
func (m *Mint) New(now time.Time) ActivationID {
	var b [16]byte
	rand.Read(b[8:]) // never fails: crypto/rand ends the process instead
	stamp := uint64(now.UnixMilli()) << 12
	m.mu.Lock()
	if stamp <= m.last {
		stamp = m.last + 1
	}
	m.last = stamp
	m.mu.Unlock()
	binary.BigEndian.PutUint64(b[:8], stamp>>12<<16|0x7000|stamp&0xfff)
	b[8] = b[8]&0x3f | 0x80
	return ActivationID(hex.EncodeToString(b[:]))
}

// ParseActivationID checks an id from a path. OpenWhisk 1.10.9.
func ParseActivationID(s string) (ActivationID, error) {
	if len(s) != 32 {
		return "", Errorf(Malformed, "Activation id length is %d but must be 32.", len(s))
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", Errorf(Malformed, "The activation id is not valid.")
		}
	}
	return ActivationID(s), nil
}
