package pebble_test

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/store"
	"github.com/gowhisk/gowhisk/internal/store/pebble"
)

// TestPruneGivesDiskSpaceBack removes nine of ten of 20,000 records and
// looks at the files.
func TestPruneGivesDiskSpaceBack(t *testing.T) {
	const records = 20_000
	dir := t.TempDir()
	db := open(t, dir, pebble.Options{})
	cutoff := time.Now().Add(-records / 10 * time.Millisecond)
	fill(t, db, records) // one for each millisecond until now
	full := tables(t, dir)
	began := time.Now()
	removed, err := db.Activations().Prune(t.Context(), cutoff, 0)
	if err != nil || removed < records*8/10 || removed == records {
		t.Fatalf("Prune = %d, %v", removed, err)
	}
	took := time.Since(began)
	eventually(t, 10*time.Second, func() bool { return tables(t, dir) < full/4 })
	left, err := db.Activations().Count(t.Context(), store.ActivationQuery{Namespace: "guest"})
	if err != nil || left != records-removed {
		t.Errorf("Count = %d, %v, want %d", left, err, records-removed)
	}
	t.Logf("removed %d of %d in %v: tables shrank from %d to %d KB", removed, records, took, full>>10, tables(t, dir)>>10)
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// TestListsSkipWhatIsPrunedMeanwhile lists records whose results lie apart
// from them while they are removed.
func TestListsSkipWhatIsPrunedMeanwhile(t *testing.T) {
	db := open(t, t.TempDir(), pebble.Options{})
	for round := range 5 {
		for n := range 300 {
			a := record(numberedID(1000*round+n), time.Now())
			a.Response.Result = noise(20_000, uint64(n))
			if err := db.Activations().Put(t.Context(), a); err != nil {
				t.Fatal(err)
			}
		}
		var pruning sync.WaitGroup
		pruning.Go(func() {
			if _, err := db.Activations().Prune(t.Context(), time.Now().Add(time.Hour), 0); err != nil {
				t.Error(err)
			}
		})
		for left := 1; left > 0; {
			list, err := db.Activations().List(t.Context(), store.ActivationQuery{Namespace: "guest", Docs: true})
			if err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			left = len(list)
		}
		pruning.Wait()
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// tables is the size of all tables; logs are kept to be used again.
func tables(t *testing.T, dir string) (total int64) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "db", "*.sst"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		total += sizeOf(t, path)
	}
	return total
}
