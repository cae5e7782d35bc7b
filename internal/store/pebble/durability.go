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
// never holds less than a newer one.
//
// Pebble never hears of an error of its log: it would panic at the next
// rotation, in a goroutine of its own. The store fails instead, so that
// nothing is acknowledged any more, and from then on the logs stay as they
// are: what is written is dropped, and new logs exist in name only.
//
// It depends on Pebble writing no sync offsets into its log (they would claim
// as durable what is not): see formatMajorVersion.
type durability struct {
	hard    atomic.Int64 // hard commits under way
	failure *failure
}

// dead reports whether the store failed, now or earlier.
func (d *durability) dead(err error) bool {
	if err != nil {
		d.failure.set(err)
	}
	return d.failure.get() != nil
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
	if c != walCategory {
		return f.FS.Create(name, c)
	}
	if f.d.dead(nil) {
		return deadFile{}, nil
	}
	file, err := f.FS.Create(name, c)
	return f.wrap(file, err)
}

// ReuseForWrite renames a file and opens it again; a log is wrapped.
func (f walFS) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if c != walCategory {
		return f.FS.ReuseForWrite(from, to, c)
	}
	if f.d.dead(nil) {
		return deadFile{}, nil
	}
	file, err := f.FS.ReuseForWrite(from, to, c)
	return f.wrap(file, err)
}

func (f walFS) wrap(file vfs.File, err error) (vfs.File, error) {
	if err != nil {
		f.d.failure.set(err)
		return deadFile{}, nil
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
}

// Write hands p to the operating system.
func (f *walFile) Write(p []byte) (int, error) {
	if f.d.dead(nil) {
		return len(p), nil
	}
	_, err := f.File.Write(p)
	f.d.dead(err)
	f.dirty.Store(true) // not before: a sync meanwhile may have missed p
	return len(p), nil
}

// Sync is SyncData: Pebble asks for no more on a log.
func (f *walFile) Sync() error { return f.SyncData() }

// SyncData syncs now if a hard commit waits for it, else soon.
func (f *walFile) SyncData() error {
	if f.d.hard.Load() > 0 {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.syncLocked()
		return nil
	}
	if f.armed.CompareAndSwap(false, true) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.timer = time.AfterFunc(softDelay, f.syncLater)
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
	f.syncLocked()
	f.armed.Store(false)
	if f.dirty.Load() && f.armed.CompareAndSwap(false, true) {
		f.timer.Reset(softDelay)
	}
}

// syncLocked trusts no sync after one that failed: the pages that failed may
// count as clean.
func (f *walFile) syncLocked() {
	if !f.d.dead(nil) && f.dirty.Swap(false) {
		f.d.dead(f.File.SyncData())
	}
}

// Close makes what was written durable and closes the file.
func (f *walFile) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	if f.timer != nil {
		f.timer.Stop()
	}
	f.syncLocked()
	f.d.dead(f.File.Close())
	return nil
}
