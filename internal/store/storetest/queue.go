package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

func item(n int, started bool) store.Item {
	return store.Item{ID: activationID(n), Started: started, Body: fmt.Appendf(nil, "body of %d", n)}
}

func (f *fixture) enqueue(t *testing.T, numbers ...int) {
	t.Helper()
	for _, n := range numbers {
		must(t, f.Queue().Enqueue(t.Context(), activationID(n), item(n, false).Body))
	}
}

func (f *fixture) wantItems(t *testing.T, want ...store.Item) {
	t.Helper()
	var got []store.Item
	must(t, f.Queue().Items(t.Context(), func(it store.Item) error {
		got = append(got, it)
		return nil
	}))
	if d := diff(got, want); d != "" {
		t.Errorf("Items (-want +got):\n%s", d)
	}
}

func queueTests() []namedTest {
	return []namedTest{
		{"ItemsComeOldestFirstAlsoAfterARestart", func(t *testing.T, f *fixture) {
			f.enqueue(t, 9, 2, 5)
			f.wantItems(t, item(9, false), item(2, false), item(5, false))
			f.reopen(t)
			f.enqueue(t, 1)
			f.wantItems(t, item(9, false), item(2, false), item(5, false), item(1, false))
		}},
		{"StartMarksTheItem", func(t *testing.T, f *fixture) {
			f.enqueue(t, 1, 2)
			must(t, f.Queue().Start(t.Context(), activationID(1)))
			f.wantItems(t, item(1, true), item(2, false))
			f.reopen(t)
			f.wantItems(t, item(1, true), item(2, false))
		}},
		{"RemoveForgetsTheItem", func(t *testing.T, f *fixture) {
			f.enqueue(t, 1, 2, 3)
			must(t, f.Queue().Start(t.Context(), activationID(2)))
			must(t, f.Queue().Remove(t.Context(), activationID(2)))
			f.wantItems(t, item(1, false), item(3, false))
			f.reopen(t)
			f.wantItems(t, item(1, false), item(3, false))
			f.wantNoActivation(t, "guest", activationID(2))
		}},
		{"VisitEndsTheWalkWithItsError", func(t *testing.T, f *fixture) {
			f.enqueue(t, 1, 2, 3)
			enough, visited := errors.New("enough"), 0
			err := f.Queue().Items(t.Context(), func(store.Item) error {
				visited++
				return enough
			})
			if !errors.Is(err, enough) || visited != 1 {
				t.Errorf("Items visited %d and returned %v, want 1 and %v", visited, err, enough)
			}
		}},
		{"VisitMayChangeTheQueue", func(t *testing.T, f *fixture) {
			f.enqueue(t, 1, 2, 3)
			must(t, f.Queue().Items(t.Context(), func(it store.Item) error {
				return f.Queue().Remove(t.Context(), it.ID)
			}))
			f.wantItems(t)
		}},
		{"AcceptedItemsSurviveAPowerCut", func(t *testing.T, f *fixture) {
			f.enqueue(t, 1, 2, 3)
			must(t, f.Queue().Start(t.Context(), activationID(1)))
			f.powerCut(t)
			f.wantItems(t, item(1, true), item(2, false), item(3, false))
		}},
		{"ItemsOfManyCallersAreAllThere", func(t *testing.T, f *fixture) {
			together(func(i int) {
				for n := range 10 {
					id := activationID(i*10 + n)
					if err := f.Queue().Enqueue(t.Context(), id, []byte("body")); err != nil {
						t.Error(err)
					}
					if err := f.Queue().Start(t.Context(), id); err != nil {
						t.Error(err)
					}
				}
			})
			f.powerCut(t)
			seen := make(map[entity.ActivationID]bool)
			must(t, f.Queue().Items(t.Context(), func(it store.Item) error {
				seen[it.ID] = it.Started
				return nil
			}))
			if len(seen) != callers*10 {
				t.Errorf("%d items, want %d", len(seen), callers*10)
			}
			for id, started := range seen {
				if !started {
					t.Errorf("%s is not started", id)
				}
			}
		}},
		{"ABodyMayBeLargeOrEmpty", func(t *testing.T, f *fixture) {
			large := store.Item{ID: activationID(1), Body: bytes.Repeat([]byte("x"), 2<<20)}
			empty := store.Item{ID: activationID(2)}
			must(t, f.Queue().Enqueue(t.Context(), large.ID, large.Body))
			must(t, f.Queue().Enqueue(t.Context(), empty.ID, nil))
			f.reopen(t)
			f.wantItems(t, large, empty)
		}},
	}
}
