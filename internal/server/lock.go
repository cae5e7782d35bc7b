package server

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/gowhisk/gowhisk/internal/fault"
)

// lockDataDir makes this process the only server of the data directory until
// the result is closed or the process ends. It comes before everything that
// removes what an earlier server left: a second server would take the
// containers of the first one for that.
func lockDataDir(dir string) (io.Closer, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = inUse(dir, f)
	}
	if err == nil {
		err = errors.Join(f.Truncate(0), writePID(f))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("data directory: %w", err), f.Close())
	}
	return f, nil
}

func writePID(f *os.File) error {
	_, err := f.WriteAt(fmt.Appendln(nil, os.Getpid()), 0)
	return err
}

// inUse names the process that holds the lock.
func inUse(dir string, lock io.Reader) error {
	content, err := io.ReadAll(lock)
	pid := strings.TrimSpace(string(content))
	if _, notNumber := strconv.Atoi(pid); err != nil || notNumber != nil {
		return fault.New(fault.StoreLocked, "Another gowhisk uses "+dir+".", nil, err)
	}
	return fault.New(fault.StoreLocked, fmt.Sprintf("Another gowhisk (process %s) uses %s.", pid, dir), map[string]string{"pid": pid}, nil)
}
