package runner

import (
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// slots is how many runners may share a cache; further ones have none.
const slots = 16

// slot is a folder that one runner has to itself: what it unpacks and compiles there, the next one
// finds again.
type slot struct {
	dir  string
	lock *os.File // nil for a folder that ends with the runner
}

// takeSlot takes the first folder below cache that is free, or makes one for this run only.
func takeSlot(cache string) (*slot, error) {
	if cache != "" {
		if s, err := firstFree(cache); s != nil || err != nil {
			return s, err
		}
	}
	dir, err := os.MkdirTemp("", "gowhisk-run")
	if err != nil {
		return nil, fmt.Errorf("make a folder to run in: %w", err)
	}
	return &slot{dir: dir}, nil
}

func firstFree(cache string) (*slot, error) {
	cache, err := filepath.Abs(cache)
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return nil, nil //nolint:nilerr // a home that cannot be written only costs time
	}
	for i := range slots {
		dir := filepath.Join(cache, strconv.Itoa(i))
		lock, err := os.OpenFile(dir+".lock", os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, nil //nolint:nilerr // as above
		}
		if err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
			return &slot{dir: dir, lock: lock}, nil
		}
		if err = errors.Join(lock.Close(), unlessBusy(err)); err != nil {
			return nil, fmt.Errorf("lock cache: %w", err)
		}
	}
	return nil, nil
}

func unlessBusy(err error) error {
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil
	}
	return err
}

// owner sets the sandboxes of the slot apart from all others of the machine.
func (s *slot) owner() string { return fmt.Sprintf("run%08x", crc32.ChecksumIEEE([]byte(s.dir))) }

// giveBack ends the use of the folder.
func (s *slot) giveBack() error {
	if s.lock == nil {
		return os.RemoveAll(s.dir)
	}
	return s.lock.Close()
}
