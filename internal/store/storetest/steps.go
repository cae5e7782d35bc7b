package storetest

import (
	"sync/atomic"
	"testing"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// stepTests are of writes that change several things at once.
func stepTests() []namedTest {
	return []namedTest{
		{"ApplyMakesAllChanges", func(t *testing.T, f *fixture) {
			old, gone := f.put(t, action(name("old"), 1)), f.put(t, action(name("p", "gone"), 1))
			changed, created := action(name("old"), 2), action(name("p", "new"), 2)
			changed.Revision = old.Revision
			revisions, err := f.Entities().Apply(t.Context(), []store.Change{
				{Document: changed}, {Document: gone, Delete: true}, {Document: created},
			})
			must(t, err)
			if len(revisions) != 3 || revisions[1] != 0 {
				t.Fatalf("revisions %v", revisions)
			}
			changed.Revision, created.Revision = revisions[0], revisions[2]
			f.powerCut(t)
			f.wantDocument(t, changed)
			f.wantDocument(t, created)
			_, err = f.Entities().Get(t.Context(), gone.Name)
			wantError(t, "Get", err, entity.ErrNotFound)
		}},
		{"ApplyMakesNoChangeIfOneIsRefused", func(t *testing.T, f *fixture) {
			old := f.put(t, action(name("old"), 1))
			for _, c := range []struct {
				change store.Change
				want   error
			}{
				{store.Change{Document: action(name("old"), 2)}, entity.ErrExists},
				{store.Change{Document: store.Document{Name: name("old"), Collection: entity.Actions, Revision: old.Revision + 1}}, entity.ErrModified},
				{store.Change{Document: store.Document{Name: name("old"), Revision: old.Revision + 1}, Delete: true}, entity.ErrModified},
				{store.Change{Document: store.Document{Name: name("absent"), Revision: 1}, Delete: true}, entity.ErrNotFound},
				{store.Change{Document: store.Document{Name: name("old"), Collection: entity.Rules, Revision: old.Revision}}, entity.ErrWrongType},
			} {
				_, err := f.Entities().Apply(t.Context(), []store.Change{{Document: action(name("new"), 2)}, c.change})
				wantError(t, "Apply", err, c.want)
				_, err = f.Entities().Get(t.Context(), name("new"))
				wantError(t, "Get", err, entity.ErrNotFound)
			}
			f.wantDocument(t, old)
		}},
		{"OneOfManyAppliersWins", func(t *testing.T, f *fixture) {
			left, right := f.put(t, action(name("left"), 1)), f.put(t, action(name("right"), 1))
			var won atomic.Int32
			together(func(i int) {
				changes := []store.Change{{Document: left}, {Document: right}}
				if i%2 == 1 {
					changes[0], changes[1] = changes[1], changes[0]
				}
				if _, err := f.Entities().Apply(t.Context(), changes); err == nil {
					won.Add(1)
				} else {
					wantError(t, "Apply", err, entity.ErrModified)
				}
			})
			if won.Load() != 1 {
				t.Errorf("%d appliers won, want 1", won.Load())
			}
		}},
		{"AcceptAddsItemsAndTheRecordOfTheirCause", func(t *testing.T, f *fixture) {
			cause := finished(7, 1)
			entry := store.Entry{Kind: "event", Key: "k", Body: []byte("seen")}
			must(t, f.Queue().Accept(t.Context(), []store.Item{item(1, false), item(2, true)}, cause, entry))
			f.powerCut(t)
			f.wantItems(t, item(1, false), item(2, true))
			if body, err := f.Registry().Entry(t.Context(), "event", "k"); err != nil || string(body) != "seen" {
				t.Errorf("the entry is %q, %v", body, err)
			}
			got, err := f.Activations().Get(t.Context(), cause.Namespace, cause.ID)
			must(t, err)
			if d := diff(got.ID, cause.ID); d != "" {
				t.Error(d)
			}
		}},
		{"WhatItemsShareComesBackWithEachOfThem", func(t *testing.T, f *fixture) {
			one, two, three, four := item(1, false), item(2, false), item(3, false), item(4, false)
			one.Shared, two.Shared, four.Shared = []byte("same"), []byte("same"), []byte("other")
			must(t, f.Queue().Accept(t.Context(), []store.Item{one, two, three, four}, nil))
			must(t, f.Queue().Start(t.Context(), two.ID))
			two.Started = true
			f.powerCut(t)
			f.wantItems(t, one, two, three, four)
			must(t, f.Queue().Remove(t.Context(), one.ID))
			f.reopen(t)
			f.wantItems(t, two, three, four)
			must(t, f.Activations().Put(t.Context(), finished(2, 1)))
			must(t, f.Queue().Remove(t.Context(), three.ID))
			f.reopen(t)
			f.wantItems(t, four)
			f.enqueue(t, 5)
			f.wantItems(t, four, item(5, false))
		}},
		{"AcceptAddsNothingIfAnItemIsThere", func(t *testing.T, f *fixture) {
			f.enqueue(t, 2)
			cause := finished(7, 1)
			err := f.Queue().Accept(t.Context(), []store.Item{item(1, false), item(2, false)}, cause, store.Entry{Kind: "event", Key: "k"})
			wantError(t, "Accept", err, entity.ErrExists)
			_, err = f.Registry().Entry(t.Context(), "event", "k")
			wantError(t, "Entry", err, entity.ErrNotFound)
			f.wantItems(t, item(2, false))
			f.wantNoActivation(t, cause.Namespace, cause.ID)
			must(t, f.Queue().Accept(t.Context(), []store.Item{item(1, false)}, cause))
			f.wantItems(t, item(2, false), item(1, false))
		}},
	}
}
