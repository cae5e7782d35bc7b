package pebble_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	cockroach "github.com/cockroachdb/pebble/v2"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
	"github.com/gowhisk/gowhisk/internal/store/pebble"
)

// spaceItemShare is the space of what queued items share.
const spaceItemShare = 0x32

// shares counts what queued items share in a store that is closed, and leaves
// a copy of each under a key that no item names.
func shares(t *testing.T, dir string) (n int) {
	t.Helper()
	raw, err := cockroach.Open(filepath.Join(dir, "db"), &cockroach.Options{FormatMajorVersion: cockroach.FormatColumnarBlocks})
	if err != nil {
		t.Fatal(err)
	}
	iter, err := raw.NewIter(&cockroach.IterOptions{LowerBound: []byte{spaceItemShare}, UpperBound: []byte{spaceItemShare + 1}})
	if err != nil {
		t.Fatal(err)
	}
	for ok := iter.First(); ok; ok = iter.Next() {
		n++
		left := append([]byte{spaceItemShare, 0xff}, iter.Key()[2:]...)
		if err := raw.Set(left, iter.Value(), cockroach.Sync); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(iter.Close(), raw.Close()); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWhatItemsShareIsKeptOnceAndGoesWithTheLastOfThem(t *testing.T) {
	dir, items := t.TempDir(), make([]store.Item, 10)
	for i := range items {
		items[i] = store.Item{ID: entity.ActivationID(fmt.Sprintf("%032x", i)), Body: []byte("body"), Shared: []byte("shared")}
	}
	// with opens the store, and returns how many shares it leaves.
	with := func(do func(store.Queue) error) int {
		t.Helper()
		db, err := pebble.Open(t.Context(), dir, pebble.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(do(db.Queue()), db.Close()); err != nil {
			t.Fatal(err)
		}
		return shares(t, dir)
	}
	remove := func(items ...store.Item) func(store.Queue) error {
		return func(q store.Queue) (err error) {
			for _, it := range items {
				err = errors.Join(err, q.Remove(t.Context(), it.ID))
			}
			return err
		}
	}
	if n := with(func(q store.Queue) error { return q.Accept(t.Context(), items, nil) }); n != 1 {
		t.Errorf("%d items share %d bodies", len(items), n)
	}
	if n := with(remove(items[:4]...)); n != 1 {
		t.Errorf("%d bodies are left for six items", n)
	}
	if n := with(remove(items[4:]...)); n != 0 {
		t.Errorf("%d bodies are left for none", n)
	}
}
