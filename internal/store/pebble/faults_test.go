package pebble_test

import (
	"errors"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store/pebble"
)

// faultyFS fails syncs of files, from the moment that broken is set on.
type faultyFS struct {
	vfs.FS
	broken *atomic.Bool
}

func (f faultyFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, c)
	return faultyFile{file, f.broken}, err
}

func (f faultyFS) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.ReuseForWrite(from, to, c)
	return faultyFile{file, f.broken}, err
}

type faultyFile struct {
	vfs.File
	broken *atomic.Bool
}

func (f faultyFile) Sync() error { return f.SyncData() }
func (f faultyFile) SyncData() error {
	if f.broken.Load() {
		return syscall.EIO
	}
	return f.File.SyncData()
}

// TestNothingIsAcknowledgedAfterASyncThatFailed breaks the disk for one
// moment: later syncs would succeed, but the store does not trust them.
func TestNothingIsAcknowledgedAfterASyncThatFailed(t *testing.T) {
	writes := map[string]func(db *pebble.DB, n int) error{
		"hard": func(db *pebble.DB, n int) error { return db.Queue().Enqueue(t.Context(), numberedID(n), nil) },
		"soft": func(db *pebble.DB, n int) error {
			return db.Activations().Put(t.Context(), record(numberedID(n), time.Now()))
		},
	}
	for name, write := range writes {
		t.Run(name, func(t *testing.T) {
			fs, broken := vfs.NewCrashableMem(), new(atomic.Bool)
			db := open(t, "store", pebble.Options{FS: faultyFS{fs, broken}, Seal: testSeal(t)})
			if err := write(db, 0); err != nil {
				t.Fatal(err)
			}
			broken.Store(true)
			err := write(db, 1)
			if name == "hard" && err == nil {
				t.Fatal("a hard write was acknowledged without a sync")
			}
			<-db.Failed() // a soft one fails in the background
			broken.Store(false)
			for n := range 20 {
				wantFailed(t, write(db, 100+n))
			}
			_, err = db.Activations().Get(t.Context(), "guest", numberedID(0))
			wantFailed(t, err)
			wantFailed(t, db.Err())
			wantFailed(t, db.Close())
			reopened := open(t, "store", pebble.Options{FS: fs.CrashClone(vfs.CrashCloneCfg{}), Seal: testSeal(t)})
			if err := reopened.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func wantFailed(t *testing.T, err error) {
	t.Helper()
	wantCode(t, err, "GW5202")
	if entity.KindOf(err) != entity.Unavailable || !errors.Is(err, syscall.EIO) {
		t.Errorf("got %v, want kind Unavailable because of EIO", err)
	}
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	e, ok := errors.AsType[*entity.Error](err)
	if !ok || e.Code != code {
		t.Errorf("got error %v, want code %s", err, code)
	}
}
