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
)

// KeySize is the length of a Seal's key in bytes.
const KeySize = 32

// errSeal says that a sealed text was changed, or sealed by another key or
// for another place.
var errSeal = errors.New("sealed text does not open: wrong key or changed bytes")

// Seal encrypts what must not lie readable on the medium, with AES-256-GCM
// and a random nonce per text. It may be used concurrently.
type Seal struct {
	aead cipher.AEAD
	mark []byte // key of Mark
}

// NewSeal makes a Seal from a key of KeySize bytes. Separate keys for
// encryption and for marks are derived from it.
func NewSeal(key []byte) (*Seal, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("key has %d bytes, want %d", len(key), KeySize)
	}
	enc, err := hkdf.Key(sha256.New, key, nil, "gowhisk seal", KeySize)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	mark, err := hkdf.Key(sha256.New, key, nil, "gowhisk mark", KeySize)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	block, err := aes.NewCipher(enc)
	if err != nil {
		return nil, fmt.Errorf("start cipher: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("start cipher: %w", err)
	}
	return &Seal{aead, mark}, nil
}

// Close encrypts text. place is not stored; Open needs the same, so that a
// sealed text cannot be moved elsewhere.
func (s *Seal) Close(text, place []byte) []byte {
	size := s.aead.NonceSize()
	nonce := make([]byte, size, size+len(text)+s.aead.Overhead())
	rand.Read(nonce) // never fails: crypto/rand ends the process instead
	return s.aead.Seal(nonce, nonce, text, place)
}

// Open decrypts what Close returned for the same place.
func (s *Seal) Open(sealed, place []byte) ([]byte, error) {
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
