package pebble_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
	"github.com/gowhisk/gowhisk/internal/store/pebble"
)

// filesIn reads all files below dir but the lock.
func filesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "LOCK" || d.Name() == "reserve" {
			return err
		}
		text, err := os.ReadFile(path)
		files[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// closed makes a store with some content and returns its directory.
func closed(t *testing.T, fill func(db *pebble.DB) error) string {
	t.Helper()
	dir := t.TempDir()
	db := open(t, dir, pebble.Options{})
	if err := errors.Join(fill(db), db.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func nothing(*pebble.DB) error { return nil }

func TestOpenRefusesANewerFormatAndChangesNothing(t *testing.T) {
	dir := closed(t, nothing)
	if err := os.WriteFile(filepath.Join(dir, "FORMAT"), []byte(`{"version":99,"key":"x"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	before := filesIn(t, dir)
	_, err := pebble.Open(t.Context(), dir, pebble.Options{})
	wantCode(t, err, "GW5203")
	for _, version := range []string{"99", fmt.Sprint(pebble.FormatVersion)} {
		if !strings.Contains(err.Error(), "format "+version) {
			t.Errorf("error %q does not name version %s", err, version)
		}
	}
	if !maps.Equal(before, filesIn(t, dir)) {
		t.Error("files changed")
	}
}

func TestOpenOfAStoreInUseNamesTheProcess(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, pebble.Options{})
	_, err := pebble.Open(t.Context(), dir, pebble.Options{})
	wantCode(t, err, "GW5205")
	if want := fmt.Sprintf("process %d", os.Getpid()); !strings.Contains(err.Error(), want) {
		t.Errorf("error %q does not say %q", err, want)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := open(t, dir, pebble.Options{}).Close(); err != nil {
		t.Error(err)
	}
}

func TestTheKeyFileIsTheOwnersAloneAndStays(t *testing.T) {
	dir := closed(t, nothing)
	path := filepath.Join(dir, "secret.key")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("secret.key: %v, %v", info, err)
	}
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	if _, err := pebble.Open(t.Context(), dir, pebble.Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open without the key: got error %v, want fs.ErrNotExist", err)
	}
	if _, err := pebble.Open(t.Context(), dir, pebble.Options{Seal: testSeal(t)}); err == nil {
		t.Error("Open with another key succeeded")
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	if err := open(t, dir, pebble.Options{}).Close(); err != nil {
		t.Error(err)
	}
}

func TestKeysAndBodiesAreNotReadableOnTheMedium(t *testing.T) {
	secrets := []string{"f00dc0de-uuid", strings.Repeat("topsecretkey", 5), "queuedsecret", "parametersecret", "codesecret"}
	dir := closed(t, func(db *pebble.DB) error {
		s := entity.Subject{Name: "annabel", Namespaces: []entity.Namespace{{Name: "one", UUID: secrets[0], Key: secrets[1]}}}
		doc := store.Document{
			Name: entity.Name{Namespace: "guest", Name: "a"}, Collection: entity.Actions, Body: []byte(secrets[3]), CodeID: "c",
		}
		_, err := db.Entities().Put(t.Context(), doc, []byte(secrets[4]))
		return errors.Join(err,
			db.Subjects().PutSubject(t.Context(), s),
			db.Queue().Enqueue(t.Context(), numberedID(1), []byte(secrets[2])))
	})
	for path, text := range filesIn(t, dir) {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s contains %q", path, secret)
			}
		}
	}
}

func TestASealOpensOnlyWhatItClosedForThatPlace(t *testing.T) {
	seal := testSeal(t)
	other, err := pebble.NewSeal(bytes.Repeat([]byte("o"), pebble.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	text, place := []byte("text"), []byte("place")
	sealed := seal.Close(text, place)
	if got, err := seal.Open(sealed, place); err != nil || !bytes.Equal(got, text) {
		t.Errorf("Open = %q, %v, want %q", got, err, text)
	}
	if bytes.Equal(sealed, seal.Close(text, place)) {
		t.Error("the same text was sealed to the same bytes twice")
	}
	changed := slices.Clone(sealed)
	changed[len(changed)-1] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"another place": func() ([]byte, error) { return seal.Open(sealed, []byte("elsewhere")) },
		"another key":   func() ([]byte, error) { return other.Open(sealed, place) },
		"changed bytes": func() ([]byte, error) { return seal.Open(changed, place) },
		"no bytes":      func() ([]byte, error) { return seal.Open(nil, place) },
	} {
		if _, err := open(); err == nil {
			t.Errorf("%s: Open succeeded", name)
		}
	}
	mine := seal.Namespace("mine").Close(text, place)
	if got, err := seal.Namespace("mine").Open(mine, place); err != nil || !bytes.Equal(got, text) {
		t.Errorf("Open in the namespace = %q, %v, want %q", got, err, text)
	}
	for name, s := range map[string]pebble.Sealer{"another namespace": seal.Namespace("yours"), "none": seal.Sealer, "of another store": other.Namespace("mine")} {
		if _, err := s.Open(mine, place); err == nil {
			t.Errorf("%s: Open of what a namespace closed succeeded", name)
		}
	}
	if bytes.Equal(seal.Mark("a"), seal.Mark("b")) || !bytes.Equal(seal.Mark("a"), seal.Mark("a")) ||
		bytes.Equal(seal.Mark("a"), other.Mark("a")) {
		t.Error("marks do not tell texts and keys apart")
	}
}
