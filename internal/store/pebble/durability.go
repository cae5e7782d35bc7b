package pebble

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// softDelay bounds how much time of soft records a power cut can take.
const softDelay = 100 * time.Millisecond

// walCategory is the name by which Pebble opens its write-ahead logs.
const walCategory vfs.DiskWriteCategory = "pebble-wal"

// durability decides what a sync of the write-ahead log means. Pebble's log
// writer writes what is pending to the file and then syncs it; both are asked
// for by every commit. While a hard commit is under way the sync is real.
// Else it is put off: the data is in the operating system's hands already,
// which is all that a soft commit promises, and softDelay later it is synced
// in the background.
//
// A log is always synced for real before it is closed, so that an older log
// never holds less than a newer one, and a failed sync is never forgotten:
// the pages that failed may count as clean ever after.
//
// It depends on Pebble writing no sync offsets into its log (they would claim
// as durable what is not): see formatMajorVersion.
type durability struct {
	hard atomic.Int64 // hard commits under way
	fail func(error)  // called with the first error of a background sync
}

// walFS makes the write-ahead logs on an FS follow a durability.
type walFS struct {
	vfs.FS
	d *durability
}

// Unwrap returns the FS below.
func (f walFS) Unwrap() vfs.FS { return f.FS }

// Create makes a file; a log is wrapped.
func (f walFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, c)
	return f.wrap(file, c, err)
}

// ReuseForWrite renames a file and opens it again; a log is wrapped.
func (f walFS) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.ReuseForWrite(from, to, c)
	return f.wrap(file, c, err)
}

func (f walFS) wrap(file vfs.File, c vfs.DiskWriteCategory, err error) (vfs.File, error) {
	if err != nil || c != walCategory {
		return file, err
	}
	return &walFile{File: file, d: f.d}, nil
}

// walFile is one write-ahead log. Pebble calls Write and Sync one at a time.
type walFile struct {
	vfs.File
	d     *durability
	dirty atomic.Bool // a write ended since the last real sync began
	armed atomic.Bool // a background sync is to come

	mu     sync.Mutex // held during real syncs and Close
	timer  *time.Timer
	closed bool
	err    error // of the first sync that failed
}

// Write hands p to the operating system.
func (f *walFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	f.dirty.Store(true) // not before: a sync meanwhile may have missed p
	return n, err
}

// Sync is SyncData: Pebble asks for no more on a log.
func (f *walFile) Sync() error { return f.SyncData() }

// SyncData syncs now if a hard commit waits for it, else soon.
func (f *walFile) SyncData() error {
	if f.d.hard.Load() > 0 {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.syncLocked()
	}
	if f.armed.CompareAndSwap(false, true) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.timer = time.AfterFunc(softDelay, f.syncLater)
		return f.err
	}
	return nil
}

// syncLater runs softDelay after the first put off sync.
func (f *walFile) syncLater() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	if err := f.syncLocked(); err != nil {
		f.d.fail(err)
		return
	}
	f.armed.Store(false)
	if f.dirty.Load() && f.armed.CompareAndSwap(false, true) {
		f.timer.Reset(softDelay)
	}
}

func (f *walFile) syncLocked() error {
	if f.err == nil && f.dirty.Swap(false) {
		f.err = f.File.SyncData()
	}
	return f.err
}

// Close makes what was written durable and closes the file.
func (f *walFile) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	if f.timer != nil {
		f.timer.Stop()
	}
	err := f.syncLocked()
	if closeErr := f.File.Close(); err == nil {
		err = closeErr
	}
	return err
}
