package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

func name(local ...string) entity.Name {
	n := entity.Name{Namespace: "guest", Name: local[len(local)-1]}
	if len(local) > 1 {
		n.Package = local[0]
	}
	return n
}

func action(n entity.Name, ms int) store.Document {
	return store.Document{
		Name: n, Collection: entity.Actions, Updated: wellAfter(ms),
		Body: []byte(`{"exec":{"kind":"nodejs:20"},"of":"` + n.String() + `"}`),
	}
}

// put stores doc without code and returns it as it must read from then on.
func (f *fixture) put(t *testing.T, doc store.Document) store.Document {
	t.Helper()
	rev, err := f.Entities().Put(t.Context(), doc, nil)
	must(t, err)
	doc.Revision = rev
	return doc
}

func (f *fixture) wantDocument(t *testing.T, want store.Document) {
	t.Helper()
	got, err := f.Entities().Get(t.Context(), want.Name)
	must(t, err)
	if d := diff(got, want); d != "" {
		t.Errorf("Get(%s) (-want +got):\n%s", want.Name, d)
	}
}

func (f *fixture) wantCode(t *testing.T, n entity.Name, id string, want []byte) {
	t.Helper()
	got, err := f.Entities().Code(t.Context(), n, id)
	if want == nil {
		wantError(t, "Code", err, entity.ErrNotFound)
		return
	}
	must(t, err)
	if !bytes.Equal(got, want) {
		t.Errorf("Code(%s, %s) = %d bytes, want %d", n, id, len(got), len(want))
	}
}

func wantError(t *testing.T, call string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", call, got, want)
	}
}

func entityTests() []namedTest {
	return append([]namedTest{
		{"PutThenGetReturnsTheSameDocument", func(t *testing.T, f *fixture) {
			doc := f.put(t, action(name("pkg", "hello"), 1))
			f.wantDocument(t, doc)
			f.reopen(t)
			f.wantDocument(t, doc)
		}},
		{"GetOfAMissingNameIsNotFound", func(t *testing.T, f *fixture) {
			f.put(t, action(name("hello"), 1))
			_, err := f.Entities().Get(t.Context(), name("pkg", "hello"))
			wantError(t, "Get", err, entity.ErrNotFound)
		}},
		{"NamesThatJoinToTheSameTextAreDifferent", func(t *testing.T, f *fixture) {
			a := f.put(t, action(entity.Name{Namespace: "ab", Name: "c"}, 1))
			b := f.put(t, action(entity.Name{Namespace: "a", Name: "bc"}, 1))
			c := f.put(t, action(entity.Name{Namespace: "a", Package: "b", Name: "c"}, 1))
			for _, doc := range []store.Document{a, b, c} {
				f.wantDocument(t, doc)
			}
		}},
		{"RevisionIsNeverZero", func(t *testing.T, f *fixture) {
			if doc := f.put(t, action(name("hello"), 1)); doc.Revision == 0 {
				t.Error("got revision 0")
			}
		}},
		{"CreateOfATakenNameIsErrExists", func(t *testing.T, f *fixture) {
			doc := f.put(t, action(name("hello"), 1))
			_, err := f.Entities().Put(t.Context(), action(name("hello"), 2), nil)
			wantError(t, "Put", err, entity.ErrExists)
			f.wantDocument(t, doc)
		}},
		{"ANameBelongsToOneDocumentOverAllCollections", func(t *testing.T, f *fixture) {
			f.put(t, action(name("hello"), 1))
			for _, c := range []entity.Collection{entity.Triggers, entity.Rules, entity.Packages} {
				doc := action(name("hello"), 2)
				doc.Collection = c
				_, err := f.Entities().Put(t.Context(), doc, nil)
				wantError(t, "Put", err, entity.ErrExists)
			}
		}},
		{"UpdateReplacesTheDocumentOfThatRevision", func(t *testing.T, f *fixture) {
			doc := f.put(t, action(name("hello"), 1))
			doc.Body, doc.Updated = []byte(`{"new":true}`), wellAfter(2)
			old := doc.Revision
			doc = f.put(t, doc)
			if doc.Revision == old {
				t.Error("the revision stayed the same")
			}
			f.wantDocument(t, doc)
		}},
		{"UpdateOfAnotherRevisionIsErrModified", func(t *testing.T, f *fixture) {
			first := f.put(t, action(name("hello"), 1))
			second := f.put(t, first)
			_, err := f.Entities().Put(t.Context(), first, nil)
			wantError(t, "Put", err, entity.ErrModified)
			f.wantDocument(t, second)
		}},
		{"UpdateAfterDeleteIsErrModified", func(t *testing.T, f *fixture) {
			doc := f.put(t, action(name("hello"), 1))
			must(t, f.Entities().Delete(t.Context(), doc.Name, doc.Revision))
			_, err := f.Entities().Put(t.Context(), doc, nil)
			wantError(t, "Put", err, entity.ErrModified)
		}},
		{"DeleteRemovesTheDocument", func(t *testing.T, f *fixture) {
			doc := f.put(t, action(name("hello"), 1))
			must(t, f.Entities().Delete(t.Context(), doc.Name, doc.Revision))
			f.reopen(t)
			_, err := f.Entities().Get(t.Context(), doc.Name)
			wantError(t, "Get", err, entity.ErrNotFound)
			err = f.Entities().Delete(t.Context(), doc.Name, doc.Revision)
			wantError(t, "second Delete", err, entity.ErrNotFound)
		}},
		{"DeleteOfAnotherRevisionIsErrModified", func(t *testing.T, f *fixture) {
			first := f.put(t, action(name("hello"), 1))
			second := f.put(t, first)
			wantError(t, "Delete", f.Entities().Delete(t.Context(), first.Name, first.Revision), entity.ErrModified)
			f.wantDocument(t, second)
		}},
		{"DiscardLeavesNothingOfAName", func(t *testing.T, f *fixture) {
			doc := action(name("pkg", "hello"), 1)
			doc.CodeID = "one"
			_, err := f.Entities().Put(t.Context(), doc, []byte("code"))
			must(t, err)
			kept := f.put(t, action(name("hello"), 1))
			must(t, f.Entities().Discard(t.Context(), doc.Name))
			must(t, f.Entities().Discard(t.Context(), name("none")))
			f.powerCut(t)
			_, err = f.Entities().Get(t.Context(), doc.Name)
			wantError(t, "Get", err, entity.ErrNotFound)
			f.wantCode(t, doc.Name, "one", nil)
			f.wantDocument(t, kept)
			for _, q := range []store.EntityQuery{{}, {Package: &doc.Name.Package}} {
				q.Collection, q.Namespace = entity.Actions, "guest"
				docs, err := f.Entities().List(t.Context(), q)
				must(t, err)
				for _, d := range docs {
					f.wantDocument(t, d)
				}
			}
			f.put(t, action(doc.Name, 2))
		}},
		{"RevisionsAreNeverUsedAgain", func(t *testing.T, f *fixture) {
			seen := make(map[uint64]bool)
			for i := range 20 {
				doc := f.put(t, action(name("hello"), i))
				if seen[doc.Revision] {
					t.Fatalf("revision %d came twice", doc.Revision)
				}
				seen[doc.Revision] = true
				must(t, f.Entities().Delete(t.Context(), doc.Name, doc.Revision))
				if i%5 == 0 {
					f.reopen(t)
				}
			}
		}},
		{"EveryWriteSurvivesAPowerCut", func(t *testing.T, f *fixture) {
			kept := f.put(t, action(name("kept"), 1))
			gone := f.put(t, action(name("gone"), 1))
			must(t, f.Entities().Delete(t.Context(), gone.Name, gone.Revision))
			f.powerCut(t)
			f.wantDocument(t, kept)
			_, err := f.Entities().Get(t.Context(), gone.Name)
			wantError(t, "Get", err, entity.ErrNotFound)
			again := f.put(t, action(name("gone"), 2))
			if again.Revision == gone.Revision {
				t.Errorf("revision %d came twice", gone.Revision)
			}
		}},
		{"WhatIsReturnedIsTheCallersOwn", func(t *testing.T, f *fixture) {
			body := []byte(`{"a":1}`)
			doc := action(name("hello"), 1)
			doc.Body = body
			doc = f.put(t, doc)
			copy(body, "XXXXXXX")
			doc.Body = []byte(`{"a":1}`)
			got, err := f.Entities().Get(t.Context(), doc.Name)
			must(t, err)
			copy(got.Body, "YYYYYYY")
			f.wantDocument(t, doc)
		}},
	}, append(codeTests(), entityListTests()...)...)
}

func codeTests() []namedTest {
	withCode := func(id string) store.Document {
		doc := action(name("hello"), 1)
		doc.CodeID = id
		return doc
	}
	return []namedTest{
		{"CodeIsAttachedUnderItsID", func(t *testing.T, f *fixture) {
			code := bytes.Repeat([]byte("0123456789abcdef"), 1<<18) // 4 MB
			_, err := f.Entities().Put(t.Context(), withCode("one"), code)
			must(t, err)
			f.reopen(t)
			f.wantCode(t, name("hello"), "one", code)
			f.wantCode(t, name("hello"), "two", nil)
			f.wantCode(t, name("other"), "one", nil)
		}},
		{"CodeMayBeEmpty", func(t *testing.T, f *fixture) {
			_, err := f.Entities().Put(t.Context(), withCode("none"), []byte{})
			must(t, err)
			f.wantCode(t, name("hello"), "none", []byte{})
		}},
		{"AnUpdateWithNilKeepsTheCode", func(t *testing.T, f *fixture) {
			rev, err := f.Entities().Put(t.Context(), withCode("one"), []byte("code"))
			must(t, err)
			doc := withCode("one")
			doc.Revision, doc.Updated = rev, wellAfter(9)
			f.wantDocument(t, f.put(t, doc))
			f.wantCode(t, doc.Name, "one", []byte("code"))
		}},
		{"AnUpdateWithNilAndACodeThatIsNotThereFails", func(t *testing.T, f *fixture) {
			if _, err := f.Entities().Put(t.Context(), withCode("missing"), nil); err == nil {
				t.Error("Put succeeded")
			}
			_, err := f.Entities().Get(t.Context(), name("hello"))
			wantError(t, "Get", err, entity.ErrNotFound)
		}},
		{"CodeThatNoDocumentNamesAnyLongerIsRemoved", func(t *testing.T, f *fixture) {
			rev, err := f.Entities().Put(t.Context(), withCode("one"), []byte("1"))
			must(t, err)
			doc := withCode("two")
			doc.Revision = rev
			doc.Revision, err = f.Entities().Put(t.Context(), doc, []byte("2"))
			must(t, err)
			f.wantCode(t, doc.Name, "one", nil)
			f.wantCode(t, doc.Name, "two", []byte("2"))
			doc.CodeID = ""
			f.put(t, doc)
			f.wantCode(t, doc.Name, "two", nil)
		}},
		{"DeleteRemovesTheCode", func(t *testing.T, f *fixture) {
			rev, err := f.Entities().Put(t.Context(), withCode("one"), []byte("1"))
			must(t, err)
			must(t, f.Entities().Delete(t.Context(), name("hello"), rev))
			f.wantCode(t, name("hello"), "one", nil)
		}},
		{"ARefusedWriteAttachesNoCode", func(t *testing.T, f *fixture) {
			f.put(t, action(name("hello"), 1))
			_, err := f.Entities().Put(t.Context(), withCode("one"), []byte("1"))
			wantError(t, "Put", err, entity.ErrExists)
			f.wantCode(t, name("hello"), "one", nil)
		}},
	}
}

func entityListTests() []namedTest {
	list := func(t *testing.T, f *fixture, q store.EntityQuery, want ...string) {
		t.Helper()
		q.Collection, q.Namespace = entity.Actions, "guest"
		docs, err := f.Entities().List(t.Context(), q)
		must(t, err)
		var got []string
		for _, d := range docs {
			got = append(got, d.Name.Local())
			f.wantDocument(t, d)
		}
		if d := diff(got, want); d != "" {
			t.Errorf("List(%+v) (-want +got):\n%s", q, d)
		}
		if q.Skip != 0 || q.Limit != 0 {
			return
		}
		if n, err := f.Entities().Count(t.Context(), q); err != nil || n != len(want) {
			t.Errorf("Count(%+v) = %d, %v, want %d", q, n, err, len(want))
		}
	}
	none, pkg := "", "pkg"
	fill := func(t *testing.T, f *fixture) {
		f.put(t, action(name("b"), 10))
		f.put(t, action(name("a"), 10))
		f.put(t, action(name("old"), 1))
		f.put(t, action(name("pkg", "in"), 20))
		f.put(t, action(name("pkg", "early"), 5))
		f.put(t, action(name("pkg2", "in"), 15))
		f.put(t, action(entity.Name{Namespace: "guest2", Name: "foreign"}, 30))
		trigger := action(name("trigger"), 40)
		trigger.Collection = entity.Triggers
		f.put(t, trigger)
	}
	return []namedTest{
		{"ListReturnsTheNewestFirstThenByName", func(t *testing.T, f *fixture) {
			fill(t, f)
			list(t, f, store.EntityQuery{}, "pkg/in", "pkg2/in", "a", "b", "pkg/early", "old")
			f.reopen(t)
			list(t, f, store.EntityQuery{}, "pkg/in", "pkg2/in", "a", "b", "pkg/early", "old")
		}},
		{"NamespacesAreThoseThatHaveADocumentOfTheCollection", func(t *testing.T, f *fixture) {
			fill(t, f)
			f.put(t, action(entity.Name{Namespace: "z", Name: "short"}, 1))
			gone := f.put(t, action(entity.Name{Namespace: "gone", Name: "x"}, 1))
			must(t, f.Entities().Delete(t.Context(), gone.Name, gone.Revision))
			for c, want := range map[entity.Collection]string{entity.Actions: "guest guest2 z", entity.Triggers: "guest", entity.Rules: ""} {
				got, err := f.Entities().Namespaces(t.Context(), c)
				if err != nil || strings.Join(got, " ") != want {
					t.Errorf("Namespaces(%s) = %q, %v, want %s", c, got, err, want)
				}
			}
		}},
		{"ListOfAPackageHasOnlyThatPackage", func(t *testing.T, f *fixture) {
			fill(t, f)
			list(t, f, store.EntityQuery{Package: &pkg}, "pkg/in", "pkg/early")
			list(t, f, store.EntityQuery{Package: &none}, "a", "b", "old")
		}},
		{"ListSkipsAndStopsAtTheLimit", func(t *testing.T, f *fixture) {
			fill(t, f)
			list(t, f, store.EntityQuery{Skip: 1, Limit: 2}, "pkg2/in", "a")
			list(t, f, store.EntityQuery{Skip: 5, Limit: 2}, "old")
			list(t, f, store.EntityQuery{Skip: 9})
			list(t, f, store.EntityQuery{Package: &none, Skip: 1}, "b", "old")
		}},
		{"AnUpdatedDocumentMovesToTheFront", func(t *testing.T, f *fixture) {
			doc := f.put(t, action(name("old"), 1))
			f.put(t, action(name("new"), 2))
			doc.Updated = wellAfter(3)
			doc = f.put(t, doc)
			list(t, f, store.EntityQuery{}, "old", "new")
			doc.Body = []byte(`{"same":"time"}`)
			doc = f.put(t, doc)
			list(t, f, store.EntityQuery{}, "old", "new")
			must(t, f.Entities().Delete(t.Context(), doc.Name, doc.Revision))
			list(t, f, store.EntityQuery{}, "new")
			list(t, f, store.EntityQuery{Package: &none}, "new")
		}},
		{"AListOfManyDocumentsIsWhole", func(t *testing.T, f *fixture) {
			var want []string
			for i := range 300 {
				n := fmt.Sprintf("n%03d", 299-i)
				f.put(t, action(name(n), 299-i))
				want = append(want, n)
			}
			list(t, f, store.EntityQuery{}, want...)
			list(t, f, store.EntityQuery{Skip: 250, Limit: 30}, want[250:280]...)
		}},
	}
}
