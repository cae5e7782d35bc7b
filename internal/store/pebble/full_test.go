package pebble_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sys/unix"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
	"github.com/gowhisk/gowhisk/internal/store/pebble"
)

// smallDisk mounts a tmpfs of that many MB.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("cannot mount a tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestAFullDiskRefusesNewDataUntilThereIsRoom fills a disk of 64 MB by
// records, reads and deletes on it, makes room by pruning and goes on.
func TestAFullDiskRefusesNewDataUntilThereIsRoom(t *testing.T) {
	dir := smallDisk(t, "64m")
	db := open(t, dir, pebble.Options{})
	defer func() {
		if err := errors.Join(db.Err(), db.Close()); err != nil {
			t.Error(err)
		}
	}()
	doc := store.Document{Name: entity.Name{Namespace: "guest", Name: "kept"}, Collection: entity.Actions}
	rev, err := db.Entities().Put(t.Context(), doc, nil)
	if err != nil {
		t.Fatal(err)
	}
	acked := putUntilRefused(t, db)
	began := time.Now()
	wantCode(t, db.Queue().Enqueue(t.Context(), numberedID(1), nil), "GW5201")
	doc.Revision = rev
	_, err = db.Entities().Put(t.Context(), doc, nil)
	wantCode(t, err, "GW5201")
	if took := time.Since(began); took > 50*time.Millisecond {
		t.Errorf("refusing took %v", took)
	}
	for _, id := range acked {
		if _, err := db.Activations().Get(t.Context(), "guest", id); err != nil {
			t.Fatalf("acknowledged record %s: %v", id, err)
		}
	}
	if err := db.Entities().Delete(t.Context(), doc.Name, rev); err != nil {
		t.Errorf("Delete on a full disk: %v", err)
	}
	if _, err := db.Activations().Prune(t.Context(), time.Now().Add(time.Hour), 0); err != nil {
		t.Errorf("Prune on a full disk: %v", err)
	}
	t.Logf("%d records were stored; %d MB of 64 are used after Prune", len(acked), sizeOf(t, dir)>>20)
	eventually(t, 5*time.Second, func() bool { return db.Queue().Enqueue(t.Context(), numberedID(2), nil) == nil })
}

// putUntilRefused stores records that do not compress from many callers, and
// returns the ids of those that were acknowledged.
func putUntilRefused(t *testing.T, db *pebble.DB) (acked []entity.ActivationID) {
	t.Helper()
	var mu sync.Mutex
	var busy sync.WaitGroup
	var next atomic.Int64
	for range 16 {
		busy.Go(func() {
			for {
				a := record(numberedID(1000+int(next.Add(1))), time.Now())
				a.Response.Result = noise(4000, uint64(next.Load()))
				if err := db.Activations().Put(t.Context(), a); err != nil {
					wantCode(t, err, "GW5201")
					return
				}
				mu.Lock()
				acked = append(acked, a.ID)
				mu.Unlock()
			}
		})
	}
	busy.Wait()
	return acked
}

// eventually tries for that long; what it waits for goes on in the
// background of the store.
func eventually(t *testing.T, limit time.Duration, happens func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); !happens(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("did not happen within %v", limit)
		}
	}
}

// TestADiskFilledBySomebodyElseEndsNothing takes the last byte of the disk
// while the store runs: deletes go on, and all works when the bytes are back.
func TestADiskFilledBySomebodyElseEndsNothing(t *testing.T) {
	dir := smallDisk(t, "64m")
	db := open(t, dir+"/store", pebble.Options{})
	defer func() {
		if err := errors.Join(db.Err(), db.Close()); err != nil {
			t.Error(err)
		}
	}()
	for n := range 200 {
		if err := db.Queue().Enqueue(t.Context(), numberedID(n), noise(4000, uint64(n))); err != nil {
			t.Fatal(err)
		}
	}
	long := func(n int) string { return fmt.Sprint(n) + strings.Repeat("n", 64<<10) }
	for n := range 100 {
		if err := db.Subjects().PutLimits(t.Context(), long(n), entity.NamespaceLimits{}); err != nil {
			t.Fatal(err)
		}
	}
	give := takeAllSpace(t, dir)
	eventually(t, time.Second, func() bool {
		err := db.Queue().Enqueue(t.Context(), numberedID(10_000), nil)
		if err != nil {
			wantCode(t, err, "GW5201")
			return true
		}
		if err := db.Queue().Remove(t.Context(), numberedID(10_000)); err != nil {
			t.Error(err)
		}
		return false
	})
	for n := range 200 {
		if err := db.Queue().Remove(t.Context(), numberedID(n)); err != nil {
			t.Fatalf("Remove on a full disk: %v", err)
		}
	}
	for n := range 100 { // more than the log had room for
		if err := db.Subjects().DeleteLimits(t.Context(), long(n)); err != nil {
			t.Fatalf("DeleteLimits on a full disk: %v", errors.Unwrap(err))
		}
	}
	if _, err := os.Stat(dir + "/store/reserve"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the reserve was not given up: %v", err)
	}
	give()
	eventually(t, 5*time.Second, func() bool { return db.Queue().Enqueue(t.Context(), numberedID(10_001), nil) == nil })
	if _, err := os.Stat(dir + "/store/reserve"); err != nil {
		t.Errorf("nothing is reserved for the next time: %v", err)
	}
}

// TestOpenOnAFullDiskSaysSo fills the disk while no store is open: with the
// reserve there is room to open it, without it Open must not wait for room.
func TestOpenOnAFullDiskSaysSo(t *testing.T) {
	for name, reserved := range map[string]bool{"with reserve": true, "without reserve": false} {
		t.Run(name, func(t *testing.T) {
			dir := smallDisk(t, "64m")
			db := open(t, dir+"/store", pebble.Options{})
			err := db.Queue().Enqueue(t.Context(), numberedID(1), noise(4000, 1))
			if err := errors.Join(err, db.Close()); err != nil {
				t.Fatal(err)
			}
			if !reserved {
				if err := os.Remove(dir + "/store/reserve"); err != nil {
					t.Fatal(err)
				}
			}
			give := takeAllSpace(t, dir)
			db, err = pebble.Open(t.Context(), dir+"/store", pebble.Options{})
			if !reserved {
				wantCode(t, err, "GW5201")
				give()
				db = open(t, dir+"/store", pebble.Options{})
			} else if err != nil {
				t.Fatal(err)
			}
			err = db.Queue().Remove(t.Context(), numberedID(1))
			if err := errors.Join(err, db.Close()); err != nil {
				t.Error(err)
			}
		})
	}
}

// quotaFS refuses writes while its quota is used up, which the free space of
// the disk does not tell.
type quotaFS struct {
	vfs.FS
	used *atomic.Bool
}

func (f quotaFS) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, c)
	return quotaFile{file, f.used}, err
}

func (f quotaFS) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.ReuseForWrite(from, to, c)
	return quotaFile{file, f.used}, err
}

type quotaFile struct {
	vfs.File
	used *atomic.Bool
}

func (f quotaFile) Write(p []byte) (int, error) {
	if f.used.Load() {
		return 0, syscall.EDQUOT
	}
	return f.File.Write(p)
}

func TestQuotaThatIsUsedUpIsLikeAFullDisk(t *testing.T) {
	used := new(atomic.Bool)
	db := open(t, "store", pebble.Options{FS: quotaFS{vfs.NewCrashableMem(), used}, Seal: testSeal(t)})
	used.Store(true)
	held := make(chan error, 1)
	go func() { held <- db.Queue().Enqueue(t.Context(), numberedID(0), nil) }()
	n := 0
	eventually(t, 5*time.Second, func() bool { // those who come at once are held, too
		n++
		refused, late := make(chan error, 1), record(numberedID(n), time.Now())
		go func() { refused <- db.Activations().Put(t.Context(), late) }()
		select {
		case err := <-refused:
			wantCode(t, err, "GW5201")
			return true
		case <-time.After(10 * time.Millisecond):
			return false
		}
	})
	used.Store(false)
	if err := <-held; err != nil {
		t.Errorf("the write that did not fit: %v", err)
	}
	eventually(t, 5*time.Second, func() bool { return db.Queue().Enqueue(t.Context(), numberedID(n+1), nil) == nil })
	if err := errors.Join(db.Err(), db.Close()); err != nil {
		t.Error(err)
	}
}
