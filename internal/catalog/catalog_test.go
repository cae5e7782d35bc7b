package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gowhisk/gowhisk/internal/catalog"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
	"github.com/gowhisk/gowhisk/internal/store/pebble"
)

// counting counts the reads of a real store.
type counting struct {
	store.Entities
	gets   atomic.Int32
	before func() // called before a Get returns, nil for nothing
}

func (c *counting) Get(ctx context.Context, name entity.Name) (store.Document, error) {
	c.gets.Add(1)
	doc, err := c.Entities.Get(ctx, name)
	if c.before != nil {
		c.before()
	}
	return doc, err
}

func open(t *testing.T) (*catalog.Catalog, *counting) {
	db, err := pebble.Open(t.Context(), t.TempDir(), pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	entities := &counting{Entities: db.Entities()}
	c := catalog.New(entities, func() time.Time { return time.UnixMilli(1763600000000).Add(time.Microsecond) })
	pkg := entity.Package{Name: entity.Name{Namespace: name.Namespace, Name: name.Package}, Version: entity.FirstVersion}
	if _, err := c.PutPackage(t.Context(), &pkg); err != nil {
		t.Fatal(err)
	}
	return c, entities
}

var name = entity.Name{Namespace: "guest", Package: "p", Name: "hello"}

func action() *entity.Action {
	three := 3
	return &entity.Action{
		Name: name, Version: entity.Version{Minor: 2}, Publish: true,
		Exec:        entity.Exec{Kind: "nodejs:20", Code: "function main() {}", Main: "go", Binary: true},
		Parameters:  entity.Parameters{{Key: "a", Value: []byte(`{"b":"<&>"}`), Init: true}},
		Annotations: entity.Parameters{}.Set("final", `true`),
		Limits:      entity.Limits{Timeout: time.Second, Memory: 128, Logs: 1, Concurrency: 5, Instances: &three},
	}
}

func put(t *testing.T, c *catalog.Catalog, a *entity.Action) *entity.Action {
	t.Helper()
	stored, err := c.PutAction(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

func TestActionComesBackAsItWasStoredWithoutItsCode(t *testing.T) {
	c, _ := open(t)
	stored := put(t, c, action())
	got, err := c.Action(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	want := action()
	want.Exec.Code, want.Exec.CodeID = "", got.Exec.CodeID
	want.Updated, want.Revision = time.UnixMilli(1763600000000), got.Revision
	for from, a := range map[string]*entity.Action{"read": got, "written": stored} {
		if diff := cmp.Diff(want, a, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })); diff != "" {
			t.Errorf("%s differs:\n%s", from, diff)
		}
	}
	if code, err := c.Code(t.Context(), got); code != "function main() {}" || err != nil {
		t.Errorf("code is %q, %v", code, err)
	}
	if got.Revision == 0 || got.Exec.CodeID == "" {
		t.Errorf("revision %d, code id %q", got.Revision, got.Exec.CodeID)
	}
}

func TestActionIsReadFromTheStoreOnce(t *testing.T) {
	c, entities := open(t)
	put(t, c, action())
	entities.gets.Store(0)
	for range 10 {
		if _, err := c.Action(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if n := entities.gets.Load(); n != 1 {
		t.Errorf("%d reads, want 1", n)
	}
}

func TestActionsThatAreMissingAreAskedForAgain(t *testing.T) {
	c, _ := open(t)
	if _, err := c.Action(t.Context(), name); !errors.Is(err, entity.ErrNotFound) {
		t.Errorf("error is %v", err)
	}
	put(t, c, action())
	if _, err := c.Action(t.Context(), name); err != nil {
		t.Errorf("error after creation is %v", err)
	}
}

func TestUpdateKeepsTheCodeThatItDoesNotBring(t *testing.T) {
	c, _ := open(t)
	next := *put(t, c, action())
	next.Annotations = next.Annotations.Set("x", `1`)
	updated := put(t, c, &next)
	if updated.Revision == next.Revision {
		t.Error("the revision stays")
	}
	if code, err := c.Code(t.Context(), updated); code != "function main() {}" || err != nil {
		t.Errorf("code is %q, %v", code, err)
	}
}

func TestActionWhoseCodeWasReplacedIsReadAnew(t *testing.T) {
	c, entities := open(t)
	old := put(t, c, action())
	if _, err := c.Action(t.Context(), name); err != nil { // remembers it
		t.Fatal(err)
	}
	next := action()
	next.Exec.Code, next.Revision = "function main() { return {}; }", old.Revision
	put(t, catalog.New(entities, time.Now), next) // a write whose end c does not know
	if _, err := c.Code(t.Context(), old); !errors.Is(err, entity.ErrNotFound) {
		t.Fatalf("the old code: %v", err)
	}
	now, err := c.Action(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if code, err := c.Code(t.Context(), now); code != next.Exec.Code {
		t.Errorf("got %q, %v", code, err)
	}
}

func TestActionCreatedAnewIsAnotherRevision(t *testing.T) {
	c, _ := open(t)
	first := put(t, c, action())
	if _, err := c.DeleteAction(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Action(t.Context(), name); !errors.Is(err, entity.ErrNotFound) {
		t.Errorf("error after deletion is %v", err)
	}
	if second := put(t, c, action()); second.Revision == first.Revision {
		t.Errorf("revision is %d again: warm containers of the deleted action would serve it", second.Revision)
	}
	if _, err := c.Code(t.Context(), first); err != nil && !errors.Is(err, entity.ErrNotFound) {
		t.Errorf("code of the deleted action: %v", err)
	}
}

func TestConflictingWritesAreTold(t *testing.T) {
	c, _ := open(t)
	stored := put(t, c, action())
	if _, err := c.PutAction(t.Context(), action()); !errors.Is(err, entity.ErrExists) {
		t.Errorf("creation of what exists: %v", err)
	}
	old := *stored
	put(t, c, stored)
	if _, err := c.PutAction(t.Context(), &old); !errors.Is(err, entity.ErrModified) {
		t.Errorf("update of an old revision: %v", err)
	}
	if _, err := c.DeleteAction(t.Context(), entity.Name{Namespace: "guest", Name: "none"}); !errors.Is(err, entity.ErrNotFound) {
		t.Errorf("deletion of what is not there: %v", err)
	}
}

func TestEntityOfAnotherCollectionIsOfTheWrongType(t *testing.T) {
	c, entities := open(t)
	_, err := entities.Put(t.Context(), store.Document{Name: name, Collection: entity.Triggers, Updated: time.UnixMilli(1), Body: []byte(`{}`)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Action(t.Context(), name); !errors.Is(err, entity.ErrWrongType) {
		t.Errorf("read: %v", err)
	}
	if _, err := c.DeleteAction(t.Context(), name); !errors.Is(err, entity.ErrWrongType) {
		t.Errorf("delete: %v", err)
	}
}

func TestDocumentThatCannotBeReadIsCorrupted(t *testing.T) {
	for _, body := range []string{``, `{`, `7`, `{"version":"x"}`, `{"parameters":{}}`, `{"limits":[]}`} {
		c, entities := open(t)
		_, err := entities.Put(t.Context(), store.Document{Name: name, Collection: entity.Actions, Updated: time.UnixMilli(1), Body: []byte(body)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Action(t.Context(), name); !errors.Is(err, entity.ErrCorrupted) {
			t.Errorf("%q: %v", body, err)
		}
	}
}

// A write that ends between a reader's read and its remembering must win.
func TestReaderDoesNotRememberWhatWasOverwrittenMeanwhile(t *testing.T) {
	c, entities := open(t)
	stored := put(t, c, action())
	var once sync.Once
	entities.before = func() {
		once.Do(func() {
			next := *stored
			next.Version = next.Version.Next()
			put(t, c, &next)
		})
	}
	if _, err := c.Action(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if a, err := c.Action(t.Context(), name); err != nil || a.Version != stored.Version.Next() {
		t.Errorf("version is %s, %v: the old action is remembered", a.Version, err)
	}
}

// Readers must never see a version older than one whose write had returned.
func TestReadersSeeEveryWriteThatHasReturned(t *testing.T) {
	c, _ := open(t)
	stored := put(t, c, action())
	var written atomic.Int64
	done := make(chan struct{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				least := written.Load()
				a, err := c.Action(t.Context(), name)
				if err != nil || int64(a.Version.Patch) < least {
					t.Errorf("version is %s, %v, want at least patch %d", a.Version, err, least)
					return
				}
			}
		})
	}
	for range 200 {
		next := *stored
		next.Version = next.Version.Next()
		stored = put(t, c, &next)
		written.Store(int64(stored.Version.Patch))
	}
	close(done)
	all.Wait()
}

func TestListsAndCountsAreOfActions(t *testing.T) {
	c, entities := open(t)
	for i := range 5 {
		a := action()
		a.Name.Name = fmt.Sprint("a", i)
		put(t, c, a)
	}
	trigger := store.Document{Name: entity.Name{Namespace: "guest", Name: "t"}, Collection: entity.Triggers, Updated: time.UnixMilli(1), Body: []byte(`{}`)}
	if _, err := entities.Put(t.Context(), trigger, nil); err != nil {
		t.Fatal(err)
	}
	list, err := c.ListActions(t.Context(), store.EntityQuery{Namespace: "guest", Skip: 1, Limit: 3})
	if err != nil || len(list) != 3 || list[0].Exec.Code != "" || !strings.HasPrefix(list[0].Name.Name, "a") {
		t.Errorf("list is %v, %v", list, err)
	}
	if n, err := c.Count(t.Context(), store.EntityQuery{Namespace: "guest", Collection: entity.Actions}); n != 5 || err != nil {
		t.Errorf("count is %d, %v", n, err)
	}
}
