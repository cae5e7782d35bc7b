package pebble

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// LoadSeal reads the key file at path: KeySize bytes as hex digits. If there
// is none and create is true, a new key is written there, readable by the
// owner only, before LoadSeal returns.
func LoadSeal(path string, create bool) (*Seal, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && create {
		text, err = newKeyFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the secret key: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("read the secret key %s: %w", path, err)
	}
	seal, err := NewSeal(key)
	if err != nil {
		return nil, fmt.Errorf("read the secret key %s: %w", path, err)
	}
	return seal, nil
}

// newKeyFile makes a key and returns the file's text. The file appears whole
// or not at all, and is durable.
func newKeyFile(path string) ([]byte, error) {
	dir := filepath.Dir(path)
	file, err := os.CreateTemp(dir, ".secret-*") // made with mode 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	key := make([]byte, KeySize)
	rand.Read(key) // never fails: crypto/rand ends the process instead
	text := []byte(hex.EncodeToString(key) + "\n")
	if _, err := file.Write(text); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(file.Name(), path); err != nil { // fails if the file exists
		return nil, err
	}
	return text, syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
