package pebble

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// reserveFile is disk space that is held to be given up: when somebody else
// fills the disk to the last byte, removing the file makes the room that
// deletions need.
type reserveFile struct {
	path string

	mu   sync.Mutex
	size int64 // guarded by mu; 0: none
	held bool  // guarded by mu
}

// take allocates the file if it is not held. A medium that cannot, because
// it is full or knows no allocation, is used without.
func (r *reserveFile) take() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held || r.size == 0 {
		return nil
	}
	file, err := os.OpenFile(r.path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("reserve disk space: %w", err)
	}
	if err := unix.Fallocate(int(file.Fd()), 0, 0, r.size); err != nil {
		if errors.Is(err, unix.EOPNOTSUPP) {
			r.size = 0
		}
		return errors.Join(file.Close(), os.Remove(r.path))
	}
	r.held = true
	return file.Close()
}

// fits reports whether the file is missing and free has room for it beside
// what is reserved.
func (r *reserveFile) fits(free, reserved int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.held && r.size > 0 && free >= reserved+r.size
}

// missing reports whether the file is not held for want of room.
func (r *reserveFile) missing(free int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.held && free < r.size
}

// give frees the space.
func (r *reserveFile) give() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held && os.Remove(r.path) == nil {
		r.held = false
	}
}
