package pebble_test

import (
	"bytes"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"github.com/gowhisk/gowhisk/internal/store/pebble"
	"github.com/gowhisk/gowhisk/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestStoreOnDiskPassesTheKit uses the operating system's files.
func TestStoreOnDiskPassesTheKit(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Medium {
		dir := t.TempDir()
		return storetest.Medium{Open: func(t *testing.T) storetest.Ports {
			return open(t, dir, pebble.Options{})
		}}
	})
}

// TestStoreInMemoryPassesTheKit uses files that forget what was not synced.
func TestStoreInMemoryPassesTheKit(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Medium {
		m := &memory{fs: vfs.NewCrashableMem()}
		return storetest.Medium{Open: m.open, PowerCut: m.powerCut}
	})
}

// memory is a medium that can lose its power.
type memory struct {
	fs *vfs.MemFS
	db *pebble.DB
}

func (m *memory) open(t *testing.T) storetest.Ports {
	m.db = open(t, "store", pebble.Options{FS: m.fs, Seal: testSeal(t)})
	return m.db
}

// powerCut keeps what is synced at this moment, and nothing else.
func (m *memory) powerCut(t *testing.T) {
	left := m.fs.CrashClone(vfs.CrashCloneCfg{})
	if err := m.db.Close(); err != nil {
		t.Fatal(err)
	}
	m.fs = left
}

func open(t testing.TB, dir string, o pebble.Options) *pebble.DB {
	t.Helper()
	db, err := pebble.Open(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func testSeal(t testing.TB) *pebble.Seal {
	t.Helper()
	seal, err := pebble.NewSeal(bytes.Repeat([]byte("k"), pebble.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return seal
}
