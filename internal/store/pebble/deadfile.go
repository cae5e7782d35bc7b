package pebble

import (
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// deadFile is what a log is once the store failed: it takes everything and
// keeps nothing.
type deadFile struct{}

func (deadFile) Close() error                           { return nil }
func (deadFile) Read([]byte) (int, error)               { return 0, fs.ErrClosed }
func (deadFile) ReadAt([]byte, int64) (int, error)      { return 0, fs.ErrClosed }
func (deadFile) Write(p []byte) (int, error)            { return len(p), nil }
func (deadFile) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
func (deadFile) Preallocate(_, _ int64) error           { return nil }
func (deadFile) Stat() (vfs.FileInfo, error)            { return nil, fs.ErrClosed }
func (deadFile) Sync() error                            { return nil }
func (deadFile) SyncTo(int64) (bool, error)             { return false, nil }
func (deadFile) SyncData() error                        { return nil }
func (deadFile) Prefetch(_, _ int64) error              { return nil }
func (deadFile) Fd() uintptr                            { return vfs.InvalidFd }
