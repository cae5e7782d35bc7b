package pebble_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
	"github.com/gowhisk/gowhisk/internal/store/pebble"
)

// TestAFlippedBitGivesNoWrongAnswer flips one bit of one file of a store at a
// time. Opening it then fails or works, but never panics; a record is right
// or refused. What a damaged log loses is missing, and nothing else.
func TestAFlippedBitGivesNoWrongAnswer(t *testing.T) {
	const records, flips = 1500, 60
	start := time.Now()
	made := func(n int) *entity.Activation {
		a := record(numberedID(n), start.Add(time.Duration(n)))
		a.Response.Result = noise(800, uint64(n))
		return a
	}
	dir := closed(t, func(db *pebble.DB) error {
		for n := range records {
			if err := db.Activations().Put(t.Context(), made(n)); err != nil {
				return err
			}
		}
		return nil
	})
	files := filesIn(t, filepath.Join(dir, "db"))
	random := rand.New(rand.NewPCG(3, 3))
	refused, wrong, missing := 0, 0, 0
	for range flips {
		path, text := pick(random, files)
		flipped := []byte(text)
		flipped[random.IntN(len(flipped))] ^= 1 << random.IntN(8)
		restore(t, filepath.Join(dir, "db"), files)
		if err := os.WriteFile(path, flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := pebble.Open(t.Context(), dir, pebble.Options{})
		if err != nil {
			refused++
			continue
		}
		isLog := strings.HasSuffix(path, ".log")
		for range 100 {
			n := random.IntN(records)
			got, err := db.Activations().Get(t.Context(), "guest", numberedID(n))
			switch {
			case err == nil && cmp.Equal(got, made(n)):
			case errors.Is(err, entity.ErrCorrupted):
				refused++
			case errors.Is(err, entity.ErrNotFound) && isLog:
				missing++
			default:
				wrong++
				t.Errorf("%s: record %d: %v", filepath.Base(path), n, err)
			}
		}
		_, err = db.Activations().List(t.Context(), store.ActivationQuery{Namespace: "guest"})
		if err != nil && !errors.Is(err, entity.ErrCorrupted) {
			t.Errorf("%s: List: %v", filepath.Base(path), err)
		}
		if err := db.Close(); err != nil {
			t.Logf("%s: Close: %v", filepath.Base(path), err)
		}
	}
	t.Logf("%d flips: %d refused, %d missing of damaged logs, %d wrong", flips, refused, missing, wrong)
}

// TestAQueuedBodyThatIsDamagedHidesNoOther flips one bit of many bodies that
// lie in tables: the others are visited all the same.
func TestAQueuedBodyThatIsDamagedHidesNoOther(t *testing.T) {
	const items = 200
	dir := closed(t, func(db *pebble.DB) (err error) {
		for n := range items {
			err = errors.Join(err, db.Queue().Enqueue(t.Context(), numberedID(n), noise(64<<10, uint64(n))))
		}
		return err
	})
	path, largest := "", 0
	for name, text := range filesIn(t, filepath.Join(dir, "db")) {
		if strings.HasSuffix(name, ".sst") && len(text) > largest {
			path, largest = name, len(text)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	db := open(t, dir, pebble.Options{})
	whole, damaged := 0, 0
	err = db.Queue().Items(t.Context(), func(it store.Item) error {
		if it.Body == nil {
			damaged++
		} else {
			whole++
		}
		return nil
	})
	if whole != items-1 || damaged != 1 || err != nil {
		t.Errorf("visited %d whole and %d damaged of %d, %v", whole, damaged, items, err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// pick chooses a file with content, large files as likely as small ones.
func pick(random *rand.Rand, files map[string]string) (path, text string) {
	for {
		skip := random.IntN(len(files))
		for path, text = range files {
			if skip--; skip < 0 {
				break
			}
		}
		if text != "" {
			return path, text
		}
	}
}

// restore makes dir hold those files and no other.
func restore(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for path, text := range files {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
