package storetest

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

func (f *fixture) prune(t *testing.T, before time.Time, maxBytes int64) int {
	t.Helper()
	n, err := f.Activations().Prune(t.Context(), before, maxBytes)
	must(t, err)
	return n
}

func pruneTests() []namedTest {
	guest := store.ActivationQuery{Namespace: "guest"}
	return []namedTest{
		{"PruneRemovesWhatStartedBeforeTheCutoff", func(t *testing.T, f *fixture) {
			fillActivations(t, f)
			if n := f.prune(t, wellAfter(30), 0); n != 2 {
				t.Errorf("Prune removed %d records, want 2", n)
			}
			wantIDs(t, f, guest, 7, 5, 3, 4)
			f.reopen(t)
			wantIDs(t, f, store.ActivationQuery{Namespace: "guest", Local: "pkg/hello"}, 3, 4)
			f.wantNoActivation(t, "guest", activationID(1))
			f.wantActivation(t, finished(3, 30))
			f.store(t, finished(1, 31))
			f.wantActivation(t, finished(1, 31))
		}},
		{"PruneWorksInAllNamespaces", func(t *testing.T, f *fixture) {
			fillActivations(t, f)
			if n := f.prune(t, wellAfter(1000), 0); n != 7 {
				t.Errorf("Prune removed %d records, want 7", n)
			}
			wantIDs(t, f, guest)
			wantIDs(t, f, store.ActivationQuery{Namespace: "guest2"})
		}},
		{"PruneWithoutACutoffOrBoundRemovesNothing", func(t *testing.T, f *fixture) {
			fillActivations(t, f)
			if n := f.prune(t, time.Time{}, 0); n != 0 {
				t.Errorf("Prune removed %d records, want 0", n)
			}
			if n := f.prune(t, time.Time{}, 1<<40); n != 0 {
				t.Errorf("Prune removed %d records, want 0", n)
			}
			wantIDs(t, f, guest, 7, 5, 3, 4, 2, 1)
		}},
		{"PruneRemovesMoreThanOneStep", func(t *testing.T, f *fixture) {
			fillMany(t, f, 3000)
			if n := f.prune(t, wellAfter(2500), 0); n != 2500 {
				t.Errorf("Prune removed %d records, want 2500", n)
			}
			if n, err := f.Activations().Count(t.Context(), guest); err != nil || n != 500 {
				t.Errorf("Count = %d, %v, want 500", n, err)
			}
		}},
		{"PruneByBytesRemovesTheOldest", func(t *testing.T, f *fixture) {
			fillMany(t, f, 3000) // about 4 KB each that do not compress
			const bound = 4 << 20
			removed := f.prune(t, time.Time{}, bound)
			left, err := f.Activations().List(t.Context(), guest)
			must(t, err)
			if removed+len(left) != 3000 || len(left) < 300 || len(left) > 1100 {
				t.Errorf("Prune removed %d and left %d of 3000", removed, len(left))
			}
			for i, a := range left {
				if a.ID != activationID(2999-i) {
					t.Fatalf("record %d is %s, want the newest to stay", i, a.ID)
				}
			}
			if again := f.prune(t, time.Time{}, bound); again != 0 {
				t.Errorf("a second Prune removed %d records", again)
			}
		}},
	}
}

// fillMany stores n records with results of noise.
func fillMany(t *testing.T, f *fixture, n int) {
	t.Helper()
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	random := rand.New(rand.NewPCG(1, 1))
	records := make(chan *entity.Activation)
	go func() {
		defer close(records)
		for i := range n {
			noise := make([]byte, 4096)
			for j := range noise {
				noise[j] = letters[random.IntN(len(letters))]
			}
			a := finished(i, i)
			a.Response.Result = json.RawMessage(`{"noise":"` + string(noise) + `"}`)
			records <- a
		}
	}()
	together(func(int) {
		for a := range records {
			if err := f.Activations().Put(t.Context(), a); err != nil {
				t.Error(err)
			}
		}
	})
}
