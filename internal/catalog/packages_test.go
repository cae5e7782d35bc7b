package catalog_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/gowhisk/gowhisk/internal/catalog"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

func putPackage(t *testing.T, c *catalog.Catalog, p *entity.Package) {
	t.Helper()
	p.Version = entity.FirstVersion
	if _, err := c.PutPackage(t.Context(), p); err != nil {
		t.Fatal(err)
	}
}

// set makes parameters of which each has the same value.
func set(value string, keys ...string) (p entity.Parameters) {
	for _, key := range keys {
		p = p.Set(key, value)
	}
	return p
}

func TestResolveMergesPackageBelowBindingBelowAction(t *testing.T) {
	c, _ := open(t)
	putPackage(t, c, &entity.Package{Name: guests("tools"), Parameters: set(`"package"`, "p", "pb", "pa", "pba")})
	bound := entity.Name{Namespace: "other", Name: "bound"}
	putPackage(t, c, &entity.Package{Name: bound, Binding: guests("tools"), Parameters: set(`"binding"`, "pb", "ba", "pba")})
	a := action()
	a.Name = entity.Name{Namespace: "guest", Package: "tools", Name: "run"}
	a.Parameters = set(`"action"`, "pa", "ba", "pba", "a")
	put(t, c, a)

	for _, row := range []struct {
		through entity.Name
		want    string
	}{
		{guests("tools"), `a="action" ba="action" p="package" pa="action" pb="package" pba="action"`},
		{bound, `a="action" ba="action" p="package" pa="action" pb="binding" pba="action"`},
	} {
		got, err := c.Resolve(t.Context(), entity.Name{Namespace: row.through.Namespace, Package: row.through.Name, Name: "run"})
		if err != nil {
			t.Fatal(err)
		}
		if text := sorted(got.Action.Parameters); text != row.want || got.Action.Name != a.Name {
			t.Errorf("through %s: %s has %s, want %s", row.through, got.Action.Name, text, row.want)
		}
		if isBinding := got.Binding != (entity.Name{}); isBinding != (row.through == bound) {
			t.Errorf("through %s: binding %s", row.through, got.Binding)
		}
	}
	stored, err := c.Action(t.Context(), a.Name)
	if err != nil || len(stored.Parameters) != 4 {
		t.Errorf("the action itself has %s, %v", sorted(stored.Parameters), err)
	}
}

func sorted(p entity.Parameters) (text string) {
	var all []string
	for _, e := range p {
		all = append(all, e.Key+"="+string(e.Value))
	}
	slices.Sort(all)
	for i, e := range all {
		if i > 0 {
			text += " "
		}
		text += e
	}
	return text
}

func TestForcedDeletionOfAPackageTakesAllOfItAtOnce(t *testing.T) {
	c, _ := open(t)
	const n = 100
	for i := range n {
		a := action()
		a.Name.Name = fmt.Sprint("a", i)
		put(t, c, a)
	}
	pkg := guests(name.Package)
	if _, err := c.DeletePackage(t.Context(), pkg, false); entity.KindOf(err) != entity.Conflict {
		t.Errorf("deletion of what is not empty: %v", err)
	}
	if p, err := c.DeletePackage(t.Context(), pkg, true); err != nil || p.Name != pkg {
		t.Fatalf("deleted %v, %v", p, err)
	}
	if left, err := c.Count(t.Context(), store.EntityQuery{Collection: entity.Actions, Namespace: "guest"}); left != 0 || err != nil {
		t.Errorf("%d actions are left, %v", left, err)
	}
	for i := range n {
		if _, err := c.Action(t.Context(), entity.Name{Namespace: "guest", Package: name.Package, Name: fmt.Sprint("a", i)}); !errors.Is(err, entity.ErrNotFound) {
			t.Fatalf("an action that was deleted is still known: %v", err)
		}
	}
}

// An action that is put while its package is deleted either keeps the package
// or is refused: none is left without one.
func TestNoActionIsPutIntoAPackageThatIsDeleted(t *testing.T) {
	c, _ := open(t)
	pkg := guests(name.Package)
	for range 30 {
		var puts, deleted error
		var both sync.WaitGroup
		both.Go(func() { _, puts = c.PutAction(t.Context(), action()) })
		both.Go(func() { _, deleted = c.DeletePackage(t.Context(), pkg, false) })
		both.Wait()
		switch {
		case puts == nil && entity.KindOf(deleted) == entity.Conflict:
			if _, err := c.DeletePackage(t.Context(), pkg, true); err != nil {
				t.Fatal(err)
			}
		case deleted == nil && errors.Is(puts, entity.ErrNotFound):
		default:
			t.Fatalf("put: %v, delete: %v", puts, deleted)
		}
		putPackage(t, c, &entity.Package{Name: pkg})
	}
}

func TestNothingIsPutIntoBindings(t *testing.T) {
	c, _ := open(t)
	putPackage(t, c, &entity.Package{Name: guests("bound"), Binding: guests(name.Package)})
	a := action()
	a.Name.Package = "bound"
	if _, err := c.PutAction(t.Context(), a); err == nil || err.Error() != "Operation not permitted on package binding." {
		t.Errorf("got %v", err)
	}
}

// Containers are told apart by revision, and init parameters are their
// environment.
func TestInitParametersOfPackagesMakeAnotherRevision(t *testing.T) {
	c, _ := open(t)
	stored := put(t, c, action())
	revision := func(pkg string) uint64 {
		t.Helper()
		got, err := c.Resolve(t.Context(), entity.Name{Namespace: "guest", Package: pkg, Name: name.Name})
		if err != nil {
			t.Fatal(err)
		}
		return got.Action.Revision
	}
	secret := func(value string) entity.Parameters {
		return entity.Parameters{{Key: "SECRET", Value: []byte(value), Init: true}}
	}
	putPackage(t, c, &entity.Package{Name: guests("plain"), Binding: guests(name.Package), Parameters: set(`1`, "x")})
	for _, b := range []string{"one", "two"} {
		putPackage(t, c, &entity.Package{Name: guests(b), Binding: guests(name.Package), Parameters: secret(`"` + b + `"`)})
	}
	if revision("plain") != stored.Revision || revision(name.Package) != stored.Revision {
		t.Error("parameters that are no environment make another revision")
	}
	one := revision("one")
	if one == revision("two") || one == stored.Revision || one != revision("one") {
		t.Errorf("revisions are %d and %d, of the action %d", one, revision("two"), stored.Revision)
	}
	p, err := c.Package(t.Context(), guests("one"))
	if err != nil {
		t.Fatal(err)
	}
	next := *p
	next.Parameters = secret(`"new"`)
	if _, err := c.PutPackage(t.Context(), &next); err != nil {
		t.Fatal(err)
	}
	if revision("one") == one {
		t.Error("the revision stays although the environment is another one")
	}
}
