package pebble

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
)

// KeySize is the length of a Seal's key in bytes.
const KeySize = 32

// errSeal says that a sealed text was changed, or sealed by another key or
// for another place.
var errSeal = errors.New("sealed text does not open: wrong key or changed bytes")

// maxSeals bounds how many namespaces' ciphers a Seal remembers.
const maxSeals = 10_000

// Seal encrypts what must not lie readable on the medium, with AES-256-GCM
// and a random nonce per text: what belongs to a namespace under a key of its
// own, what belongs to the platform under that of the Sealer in it. It may be
// used concurrently.
type Seal struct {
	Sealer
	root []byte // the keys of namespaces are derived from it
	mark []byte // key of Mark

	mu         sync.RWMutex
	namespaces map[string]Sealer // guarded by mu
}

// Sealer encrypts under one key. It may be used concurrently.
type Sealer struct{ aead cipher.AEAD }

// NewSeal makes a Seal from a key of KeySize bytes. Separate keys for each
// use are derived from it.
func NewSeal(key []byte) (*Seal, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("key has %d bytes, want %d", len(key), KeySize)
	}
	root, err := hkdf.Extract(sha256.New, key, nil)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	mark, err := hkdf.Expand(sha256.New, root, "gowhisk mark", KeySize)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	platform, err := newSealer(root, "gowhisk seal")
	if err != nil {
		return nil, err
	}
	return &Seal{Sealer: platform, root: root, mark: mark, namespaces: map[string]Sealer{}}, nil
}

// newSealer derives the key for that use.
func newSealer(root []byte, use string) (Sealer, error) {
	key, err := hkdf.Expand(sha256.New, root, use, KeySize)
	if err != nil {
		return Sealer{}, fmt.Errorf("derive key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return Sealer{}, fmt.Errorf("start cipher: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return Sealer{}, fmt.Errorf("start cipher: %w", err)
	}
	return Sealer{aead}, nil
}

// Namespace returns the Sealer of what belongs to a namespace: no other one's
// opens what it closed.
func (s *Seal) Namespace(namespace string) Sealer {
	s.mu.RLock()
	known, ok := s.namespaces[namespace]
	s.mu.RUnlock()
	if ok {
		return known
	}
	made, err := newSealer(s.root, "gowhisk namespace "+namespace)
	if err != nil { // a key of this size always makes one
		panic(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.namespaces) >= maxSeals {
		clear(s.namespaces)
	}
	s.namespaces[namespace] = made
	return made
}

// Close encrypts text. place is not stored; Open needs the same, so that a
// sealed text cannot be moved elsewhere.
func (s Sealer) Close(text, place []byte) []byte {
	sealed := make([]byte, s.size(len(text)))
	s.closeInto(sealed, text, place)
	return sealed
}

// size is the length of a text of n bytes once it is sealed.
func (s Sealer) size(n int) int { return s.aead.NonceSize() + n + s.aead.Overhead() }

// closeInto is Close into sealed, which has the size that it takes.
func (s Sealer) closeInto(sealed, text, place []byte) {
	nonce := sealed[:s.aead.NonceSize()]
	rand.Read(nonce) // never fails: crypto/rand ends the process instead
	s.aead.Seal(nonce, nonce, text, place)
}

// Open decrypts what Close returned for the same place.
func (s Sealer) Open(sealed, place []byte) ([]byte, error) {
	size := s.aead.NonceSize()
	if len(sealed) < size {
		return nil, errSeal
	}
	text, err := s.aead.Open(nil, sealed[:size], sealed[size:], place)
	if err != nil {
		return nil, errSeal
	}
	return text, nil
}

// Mark returns 16 bytes that stand for text in an index: equal for equal
// texts, and of no use to whoever lacks the key.
func (s *Seal) Mark(text string) []byte {
	mac := hmac.New(sha256.New, s.mark)
	mac.Write([]byte(text))
	return mac.Sum(nil)[:16]
}

// fingerprint tells one key from another without giving it away.
func (s *Seal) fingerprint() string {
	return hex.EncodeToString(s.Mark("gowhisk fingerprint")[:8])
}
