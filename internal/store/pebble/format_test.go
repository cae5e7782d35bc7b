package pebble_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	cockroach "github.com/cockroachdb/pebble/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
	"github.com/gowhisk/gowhisk/internal/store/pebble"
)

// written unpacks a store that the first release of a format wrote.
func written(t *testing.T, format string) (dir string) {
	t.Helper()
	packed, err := zip.OpenReader("testdata/" + format + ".zip")
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "store")
	if err := errors.Join(os.CopyFS(dir, packed), packed.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestAStoreOfFormatOneIsReadAndBecomesANewerOne(t *testing.T) {
	dir := written(t, "format1")
	want := store.Document{
		Name: entity.Name{Namespace: "guest", Package: "tools", Name: "old"}, Collection: entity.Actions, Revision: 1,
		Updated: time.UnixMilli(1_700_000_000_000), Body: []byte(`{"parameters":[{"key":"old","value":"secret"}]}`), CodeID: "first",
	}
	for range 2 { // as it was, then as a newer one
		db := open(t, dir, pebble.Options{})
		got, err := db.Entities().Get(t.Context(), want.Name)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Fatalf("Get: %v\n%s", err, diff)
		}
		if code, err := db.Entities().Code(t.Context(), want.Name, "first"); string(code) != "function main() {}" || err != nil {
			t.Errorf("code is %q, %v", code, err)
		}
		if s, err := db.Subjects().SubjectOfKey(t.Context(), "f00dc0de-uuid"); s.Name != "annabel" || err != nil {
			t.Errorf("subject is %+v, %v", s, err)
		}
		want.Body = []byte(`{}`)
		if want.Revision, err = db.Entities().Put(t.Context(), withBody(got, want.Body), nil); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var format struct{ Version int }
	text, err := os.ReadFile(filepath.Join(dir, "FORMAT"))
	if err := errors.Join(err, json.Unmarshal(text, &format)); err != nil || format.Version != pebble.FormatVersion {
		t.Errorf("FORMAT is %s, %v", text, err)
	}
}

func TestALargeOutcomeOfFormatTwoIsRead(t *testing.T) {
	db := open(t, written(t, "format2"), pebble.Options{})
	got, err := db.Activations().Get(t.Context(), "guest", entity.ActivationID(strings.Repeat("2", 32)))
	if err != nil {
		t.Fatal(err)
	}
	var lengths []int
	for _, line := range got.Logs {
		lengths = append(lengths, len(line))
	}
	if string(got.Response.Result) != `{"a":1}` || !slices.Equal(lengths, []int{3, 400_000, 0, 200_000}) {
		t.Errorf("got %s and lines of %d bytes", got.Response.Result, lengths)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func withBody(doc store.Document, body []byte) store.Document {
	doc.Body = body
	return doc
}

func TestCodeOfFormatOneIsGoneOnceItIsReplaced(t *testing.T) {
	dir := written(t, "format1")
	db := open(t, dir, pebble.Options{})
	doc, err := db.Entities().Get(t.Context(), entity.Name{Namespace: "guest", Package: "tools", Name: "old"})
	if err != nil {
		t.Fatal(err)
	}
	if doc.Revision, err = db.Entities().Put(t.Context(), doc, []byte("function main() {}")); err != nil {
		t.Fatal(err)
	}
	if err := db.Entities().Delete(t.Context(), doc.Name, doc.Revision); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Entities().Code(t.Context(), doc.Name, doc.CodeID); !errors.Is(err, entity.ErrNotFound) {
		t.Errorf("code of the deleted action: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestADocumentMovedToAnotherNamespaceDoesNotOpen does what who can write the
// medium, but has no key, may try: to give himself another's document.
func TestADocumentMovedToAnotherNamespaceDoesNotOpen(t *testing.T) {
	mine := entity.Name{Namespace: "mine", Name: "a"}
	dir := closed(t, func(db *pebble.DB) error {
		for _, ns := range []string{"mine", "your"} {
			doc := store.Document{Name: entity.Name{Namespace: ns, Name: "a"}, Collection: entity.Actions, Body: []byte(ns), CodeID: "c"}
			if _, err := db.Entities().Put(t.Context(), doc, []byte("code of "+ns)); err != nil {
				return err
			}
		}
		return nil
	})
	move(t, filepath.Join(dir, "db"), "your", "mine")
	db := open(t, dir, pebble.Options{})
	if _, err := db.Entities().Get(t.Context(), mine); !errors.Is(err, entity.ErrCorrupted) {
		t.Errorf("Get: %v", err)
	}
	if _, err := db.Entities().Code(t.Context(), mine, "c"); !errors.Is(err, entity.ErrCorrupted) {
		t.Errorf("Code: %v", err)
	}
	discardsUnreadable(t, db.Entities(), mine)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// discardsUnreadable finds the unreadable document of that name in lists and
// frees the name.
func discardsUnreadable(t *testing.T, entities store.Entities, name entity.Name) {
	t.Helper()
	q := store.EntityQuery{Collection: entity.Actions, Namespace: name.Namespace}
	list, err := entities.List(t.Context(), q)
	if err != nil || len(list) != 1 || list[0].Name != name || list[0].Body != nil || list[0].Revision != 0 {
		t.Errorf("List: %+v, %v", list, err)
	}
	if err := entities.Discard(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if _, err := entities.Get(t.Context(), name); !errors.Is(err, entity.ErrNotFound) {
		t.Errorf("Get of what was discarded: %v", err)
	}
	if n, err := entities.Count(t.Context(), q); n != 0 || err != nil {
		t.Errorf("Count: %d, %v", n, err)
	}
	if _, err := entities.Put(t.Context(), store.Document{Name: name, Collection: entity.Actions, Body: []byte("{}")}, nil); err != nil {
		t.Errorf("Put under the free name: %v", err)
	}
}

// move puts the values of all keys with from in them under the keys with to.
func move(t *testing.T, dir, from, to string) {
	t.Helper()
	raw, err := cockroach.Open(dir, &cockroach.Options{FormatMajorVersion: cockroach.FormatColumnarBlocks})
	if err != nil {
		t.Fatal(err)
	}
	iter, err := raw.NewIter(nil)
	if err != nil {
		t.Fatal(err)
	}
	moved := 0
	for ok := iter.First(); ok; ok = iter.Next() {
		if key := replaced(iter.Key(), from, to); key != nil {
			if err := raw.Set(key, iter.Value(), cockroach.Sync); err != nil {
				t.Fatal(err)
			}
			moved++
		}
	}
	if err := errors.Join(iter.Close(), raw.Close()); err != nil || moved == 0 {
		t.Fatalf("moved %d, %v", moved, err)
	}
}

// replaced returns key with to for from, nil if from is not in it.
func replaced(key []byte, from, to string) []byte {
	before, after, ok := bytes.Cut(key, []byte(from))
	if !ok {
		return nil
	}
	return slices.Concat(before, []byte(to), after)
}
