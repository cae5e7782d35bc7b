package storetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// model is a store of entities that is a map.
type model map[entity.Name]store.Document

// checkAgainstModel plays scripts of random calls on the store and on a map.
func checkAgainstModel(t *testing.T, f *fixture) {
	script := 0
	rapid.Check(t, func(r *rapid.T) {
		script++ // every script has a namespace of its own
		m := make(model)
		namespace := fmt.Sprint("script", script)
		names := rapid.Custom(func(r *rapid.T) entity.Name {
			return entity.Name{
				Namespace: namespace,
				Package:   rapid.SampledFrom([]string{"", "p", "q"}).Draw(r, "package"),
				Name:      rapid.SampledFrom([]string{"a", "b", "p"}).Draw(r, "name"),
			}
		})
		r.Repeat(map[string]func(*rapid.T){
			"put":    func(r *rapid.T) { m.put(t, r, f.Entities(), names.Draw(r, "name")) },
			"delete": func(r *rapid.T) { m.delete(t, r, f.Entities(), names.Draw(r, "name")) },
			"list":   func(r *rapid.T) { m.list(t, r, f.Entities(), namespace) },
			"": func(r *rapid.T) {
				for n, want := range m {
					got, err := f.Entities().Get(t.Context(), n)
					if err != nil || diff(got, want) != "" {
						r.Fatalf("Get(%s): %v\n%s", n, err, diff(got, want))
					}
				}
			},
		})
	})
}

func (m model) put(t *testing.T, r *rapid.T, s store.Entities, n entity.Name) {
	doc := store.Document{
		Name:       n,
		Collection: rapid.SampledFrom([]entity.Collection{entity.Actions, entity.Triggers}).Draw(r, "collection"),
		Updated:    wellAfter(rapid.IntRange(0, 5).Draw(r, "updated")),
		Body:       []byte(rapid.SampledFrom([]string{`{}`, `{"a":1}`}).Draw(r, "body")),
	}
	old, there := m[n]
	var want error
	switch rapid.SampledFrom([]string{"create", "update", "stale"}).Draw(r, "how") {
	case "create":
		if there {
			want = entity.ErrExists
		}
	case "update":
		if !there {
			return
		}
		doc.Revision, doc.Collection = old.Revision, old.Collection
	case "stale":
		doc.Revision, want = old.Revision+1_000_000, entity.ErrModified
	}
	rev, err := s.Put(t.Context(), doc, nil)
	if !errors.Is(err, want) {
		r.Fatalf("Put(%+v): got error %v, want %v", doc, err, want)
	}
	if err == nil {
		doc.Revision = rev
		m[n] = doc
	}
}

func (m model) delete(t *testing.T, r *rapid.T, s store.Entities, n entity.Name) {
	old, there := m[n]
	rev, want := old.Revision, error(nil)
	switch {
	case !there:
		want = entity.ErrNotFound
	case rapid.Bool().Draw(r, "stale"):
		rev, want = rev+1_000_000, entity.ErrModified
	}
	if err := s.Delete(t.Context(), n, rev); !errors.Is(err, want) {
		r.Fatalf("Delete(%s, %d): got error %v, want %v", n, rev, err, want)
	}
	if want == nil {
		delete(m, n)
	}
}

func (m model) list(t *testing.T, r *rapid.T, s store.Entities, namespace string) {
	q := store.EntityQuery{Collection: entity.Actions, Namespace: namespace}
	if rapid.Bool().Draw(r, "of a package") {
		pkg := rapid.SampledFrom([]string{"", "p", "q"}).Draw(r, "package")
		q.Package = &pkg
	}
	want := slices.DeleteFunc(slices.Collect(maps.Values(m)), func(d store.Document) bool {
		return d.Collection != q.Collection || q.Package != nil && d.Name.Package != *q.Package
	})
	slices.SortFunc(want, func(a, b store.Document) int {
		if c := b.Updated.Compare(a.Updated); c != 0 {
			return c
		}
		return strings.Compare(a.Name.Local(), b.Name.Local())
	})
	if n, err := s.Count(t.Context(), q); err != nil || n != len(want) {
		r.Fatalf("Count(%+v) = %d, %v, want %d", q, n, err, len(want))
	}
	q.Skip, q.Limit = rapid.IntRange(0, 4).Draw(r, "skip"), rapid.IntRange(0, 4).Draw(r, "limit")
	want = want[min(q.Skip, len(want)):]
	if q.Limit > 0 {
		want = want[:min(q.Limit, len(want))]
	}
	if got, err := s.List(t.Context(), q); err != nil || diff(got, want) != "" {
		r.Fatalf("List(%+v): %v (-want +got)\n%s", q, err, diff(got, want))
	}
}
