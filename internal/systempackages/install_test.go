package systempackages_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/catalog"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
	"github.com/gowhisk/gowhisk/internal/store/pebble"
	"github.com/gowhisk/gowhisk/internal/systempackages"
)

// place is where packages are installed: a real store.
type place struct {
	t *testing.T
	c *catalog.Catalog
	r store.Registry
}

func newPlace(t *testing.T) *place {
	db, err := pebble.Open(t.Context(), t.TempDir(), pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return &place{t, catalog.New(db.Entities(), time.Now), db.Registry()}
}

const system = "whisk.system"

func (p *place) install(packages ...systempackages.Package) {
	p.t.Helper()
	if err := systempackages.Install(p.t.Context(), p.c, p.r, system, packages); err != nil {
		p.t.Fatal(err)
	}
}

// action returns the version and the code of an action, "" if it is not there.
func (p *place) action(name string) string {
	p.t.Helper()
	a, err := p.c.Action(p.t.Context(), entity.Name{Namespace: system, Package: "utils", Name: name})
	if errors.Is(err, entity.ErrNotFound) {
		return ""
	}
	if err != nil {
		p.t.Fatal(err)
	}
	code, err := p.c.Code(p.t.Context(), a)
	if err != nil {
		p.t.Fatal(err)
	}
	return a.Version.String() + " " + code
}

func (p *place) is(name, want string) {
	p.t.Helper()
	if got := p.action(name); got != want {
		p.t.Errorf("action %s is %q, want %q", name, got, want)
	}
}

func utils(patch int, codes map[string]string) systempackages.Package {
	pkg := systempackages.Package{Name: "utils", Version: entity.Version{Major: 1, Patch: patch}, Publish: true}
	for name, code := range codes {
		pkg.Actions = append(pkg.Actions, systempackages.Action{Name: name, Exec: entity.Exec{Kind: "nodejs:20", Code: code}})
	}
	return pkg
}

func TestPackagesAreInstalledOnceForEveryVersion(t *testing.T) {
	p := newPlace(t)
	one := utils(0, map[string]string{"a": "a1", "b": "b1", "c": "c1"})
	p.install(one)
	p.is("a", "1.0.0 a1")

	// The owner changes one action and deletes another.
	name := entity.Name{Namespace: system, Package: "utils", Name: "a"}
	a, err := p.c.Action(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	mine := *a
	mine.Exec.Code, mine.Version = "mine", a.Version.Next()
	if _, err := p.c.PutAction(t.Context(), &mine); err != nil {
		t.Fatal(err)
	}
	name.Name = "b"
	if _, err := p.c.DeleteAction(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	p.install(one)
	p.is("a", "1.0.1 mine")
	p.is("b", "")

	p.install(utils(1, map[string]string{"a": "a2", "b": "b2", "d": "d2"}))
	p.is("a", "1.0.2 a2")
	p.is("b", "1.0.1 b2")
	p.is("c", "")
	p.is("d", "1.0.1 d2")

	p.install(one) // an older server on the same data
	p.is("a", "1.0.2 a2")
}

func TestWhatOneFailureKeptOutComesInLater(t *testing.T) {
	p := newPlace(t)
	trigger := &entity.Trigger{Name: entity.Name{Namespace: system, Name: "utils"}, Version: entity.FirstVersion}
	if _, err := p.c.PutTrigger(t.Context(), trigger); err != nil {
		t.Fatal(err)
	}
	packages := []systempackages.Package{utils(0, map[string]string{"a": "a1"}), systempackages.APIManagement()}
	if err := systempackages.Install(t.Context(), p.c, p.r, system, packages); !errors.Is(err, entity.ErrWrongType) {
		t.Errorf("a name that a trigger has: %v", err)
	}
	if _, err := p.c.Package(t.Context(), entity.Name{Namespace: system, Name: "apimgmt"}); err != nil {
		t.Errorf("the other package is not installed: %v", err)
	}
	if _, err := p.c.DeleteTrigger(t.Context(), trigger.Name); err != nil {
		t.Fatal(err)
	}
	p.install(packages...)
	p.is("a", "1.0.0 a1")
}

func TestAPIManagementIsOfWebActionsThatTheServerRuns(t *testing.T) {
	p := newPlace(t)
	p.install(systempackages.APIManagement())
	pkg, err := p.c.Package(context.WithoutCancel(t.Context()), entity.Name{Namespace: system, Name: "apimgmt"})
	if err != nil || pkg.Publish {
		t.Fatalf("package %+v, %v: it must not be public", pkg, err)
	}
	for _, name := range []string{"createApi", "getApi", "deleteApi"} {
		a, err := p.c.Action(t.Context(), entity.Name{Namespace: system, Package: "apimgmt", Name: name})
		if err != nil {
			t.Fatal(err)
		}
		if a.Exec.Kind != entity.KindBuiltin || a.Exec.Main != "apimgmt/"+name || !a.Annotations.IsTrue("web-export") || !a.IsFinal() ||
			string(a.Annotations.Get("exec")) != `"builtin"` || a.WantsAPIKey() {
			t.Errorf("%s is %+v", name, a)
		}
	}
}
