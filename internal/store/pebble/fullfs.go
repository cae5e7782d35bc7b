package pebble

import (
	"errors"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// fullPause is how long a writer waits before it tries a full disk again.
const fullPause = 50 * time.Millisecond

// fullFS waits where Pebble cannot bear a full disk: a log or a manifest
// that fails once is broken for good, so a write to them is held until it
// fits. Everything else fails after a pause; Pebble tries that again by
// itself, at once and for ever.
type fullFS struct {
	vfs.FS
	closing <-chan struct{} // waiting ends
	full    func()          // called for every write that did not fit
}

// Unwrap returns the FS below.
func (f fullFS) Unwrap() vfs.FS { return f.FS }

// Create makes a file whose writes follow the FS.
func (f fullFS) Create(name string, c vfs.DiskWriteCategory) (file vfs.File, err error) {
	err = f.try(vital(c), func() (err error) {
		file, err = f.FS.Create(name, c)
		return err
	})
	return f.wrap(file, c, err)
}

// ReuseForWrite renames a file and opens it for writes that follow the FS.
func (f fullFS) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.ReuseForWrite(from, to, c)
	return f.wrap(file, c, err)
}

func (f fullFS) wrap(file vfs.File, c vfs.DiskWriteCategory, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return fullFile{file, f, vital(c)}, nil
}

func vital(c vfs.DiskWriteCategory) bool {
	return c == walCategory || c == "pebble-manifest" || c == vfs.WriteCategoryUnspecified
}

// try does the deed, again and again if the disk is full and it is vital.
func (f fullFS) try(vital bool, deed func() error) error {
	for {
		err := deed()
		if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
			return err
		}
		f.full()
		timer := time.NewTimer(fullPause)
		select {
		case <-f.closing:
			timer.Stop()
			return err
		case <-timer.C:
		}
		if !vital {
			return err
		}
	}
}

// fullFile is a file of a fullFS.
type fullFile struct {
	vfs.File
	fs    fullFS
	vital bool
}

// Write goes on after what was written already when the disk was full.
func (f fullFile) Write(p []byte) (n int, err error) {
	err = f.fs.try(f.vital, func() error {
		m, err := f.File.Write(p[n:])
		n += m
		return err
	})
	return n, err
}
