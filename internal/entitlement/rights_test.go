package entitlement_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
)

// packages is a small world: guest and other, each with what the tests need.
type packages map[entity.Name]*entity.Package

func (p packages) Package(_ context.Context, name entity.Name) (*entity.Package, error) {
	if pkg, ok := p[name]; ok {
		return pkg, nil
	}
	return nil, entity.ErrNotFound
}

func name(ns, n string) entity.Name { return entity.Name{Namespace: ns, Name: n} }

func world() packages {
	bind := func(ns, n string) *entity.Package { return &entity.Package{Binding: name(ns, n)} }
	return packages{
		name("guest", "private"):        {},
		name("guest", "own"):            bind("guest", "private"),
		name("guest", "shared"):         bind("other", "public"),
		name("guest", "closed"):         bind("other", "private"),
		name("guest", "dangling"):       bind("guest", "gone"),
		name("guest", "danglingabroad"): bind("other", "gone"),
		name("other", "public"):         {Publish: true},
		name("other", "private"):        {},
		name("other", "binding"):        {Publish: true, Binding: name("other", "public")},
	}
}

func TestRightsFollowTheMatrix(t *testing.T) {
	const no, gone = "The supplied authentication is not authorized to access '", "The requested resource does not exist."
	const binding = "Operation not permitted on package binding."
	e := entitlement.New(entitlement.DefaultSettings(), world(), time.Now)
	pkg, action := entity.Packages, entity.Actions
	in := func(ns, p string) entity.Name { return entity.Name{Namespace: ns, Package: p, Name: "a"} }
	for _, row := range []struct {
		p    entitlement.Privilege
		c    entity.Collection
		name entity.Name
		want string // "" is yes
	}{
		{entitlement.Read, action, name("guest", "a"), ""},
		{entitlement.Put, action, name("guest", "a"), ""},
		{entitlement.Read, action, name("other", "a"), no + "other/a'."},
		{entitlement.Read, action, name("other", ""), no + "other'."},
		{entitlement.Read, entity.Activations, name("other", ""), no + "other'."},
		{entitlement.Activate, entity.Triggers, name("other", "t"), no + "other/t'."},
		{entitlement.Read, pkg, name("other", ""), ""},
		{entitlement.Read, pkg, name("unheard", ""), ""},
		{entitlement.Read, pkg, name("other", "public"), ""},
		{entitlement.Put, pkg, name("other", "public"), no + "other/public'."},
		{entitlement.Read, pkg, name("other", "private"), no + "other/private'."},
		{entitlement.Read, pkg, name("other", "gone"), no + "other/gone'."},
		{entitlement.Read, pkg, name("other", "binding"), no + "other/binding'."},
		{entitlement.Read, pkg, name("guest", "gone"), "The requested resource 'guest/gone' does not exist."},
		{entitlement.Read, pkg, name("guest", "own"), ""},
		{entitlement.Read, pkg, name("guest", "shared"), ""},
		{entitlement.Read, pkg, name("guest", "closed"), no + "other/private'."},
		{entitlement.Read, pkg, name("guest", "dangling"), "The requested resource 'guest/dangling' does not exist."},
		{entitlement.Read, pkg, name("guest", "danglingabroad"), no + "other/gone'."},
		{entitlement.Activate, action, in("guest", "private"), ""},
		{entitlement.Activate, action, in("guest", "gone"), gone},
		{entitlement.Activate, action, in("guest", "dangling"), gone},
		{entitlement.Activate, action, in("guest", "closed"), no + "other/private'."},
		{entitlement.Activate, action, in("guest", "shared"), ""},
		{entitlement.Activate, action, in("other", "public"), ""},
		{entitlement.Read, action, entity.Name{Namespace: "other", Package: "public"}, ""},
		{entitlement.Read, action, in("other", "private"), no + "other/private'."},
		{entitlement.Read, action, in("other", "gone"), no + "other/gone'."},
		{entitlement.Read, action, in("other", "binding"), no + "other/binding'."},
		{entitlement.Put, action, in("other", "public"), no + "other/public'."},
		{entitlement.Put, action, in("guest", "private"), ""},
		{entitlement.Put, action, in("guest", "gone"), gone},
		{entitlement.Delete, action, in("guest", "own"), binding},
		{entitlement.Put, action, in("guest", "dangling"), binding},
	} {
		err := e.Check(t.Context(), identity("guest"), row.p, entitlement.Resource{Collection: row.c, Name: row.name})
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != row.want {
			t.Errorf("privilege %d on %s %s: got %q, want %q", row.p, row.c, row.name, got, row.want)
		}
	}
}

func TestWithoutPackagesEveryPackageIsMissing(t *testing.T) {
	e := entitlement.New(entitlement.DefaultSettings(), nil, time.Now)
	err := e.Check(t.Context(), identity("guest"), entitlement.Read,
		entitlement.Resource{Collection: entity.Actions, Name: entity.Name{Namespace: "guest", Package: "p", Name: "a"}})
	if entity.KindOf(err) != entity.NotFound {
		t.Errorf("got %v", err)
	}
}

func TestLimitsDocumentShowsTheSystemsDefaults(t *testing.T) {
	e := provider(at(0, 0, 0), nil)
	got, err := json.Marshal(e.Limits(identity("guest")))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"invocationsPerMinute":60,"concurrentInvocations":30,"firesPerMinute":60,"minActionMemory":128,"maxActionMemory":512,` +
		`"minActionLogs":0,"maxActionLogs":10,"minActionTimeout":100,"maxActionTimeout":300000,"minActionConcurrency":1,` +
		`"maxActionConcurrency":500,"maxParameterSize":"1048576 B","maxActionInstances":30}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestOverridesOfLimitsAreCappedByTheSystem(t *testing.T) {
	e := provider(at(0, 0, 0), nil)
	id := identity("guest")
	id.Limits = entity.NamespaceLimits{
		MinActionMemory: of(int64(1)), MaxActionMemory: of(int64(384)), MaxActionLogs: of(int64(99)),
		MaxActionTimeout: of(int64(1000)), MinActionTimeout: of(int64(1 << 62)), MinActionConcurrency: of(2), MaxParameterSize: of(int64(10)),
		MaxPayloadSize: of(int64(1 << 40)), TruncationSize: of(int64(5)), ConcurrentInvocations: of(3),
	}
	want := entity.LimitRange{
		MinMemory: 128, MaxMemory: 384, MinLogs: 0, MaxLogs: 10, MinTimeout: 5 * time.Minute, MaxTimeout: time.Second,
		MinConcurrency: 2, MaxConcurrency: 500,
	}
	if diff := cmp.Diff(want, e.Range(id)); diff != "" {
		t.Error(diff)
	}
	doc := e.Limits(id)
	if doc.MaxParameterSize != "10 B" || doc.MaxPayloadSize != "1048576 B" || doc.TruncationSize != "5 B" || doc.MaxActionInstances != 3 {
		t.Errorf("got %+v", doc)
	}
}

func TestKindsAreAllowedByTheSystemOrTheNamespace(t *testing.T) {
	e := provider(at(0, 0, 0), func(s *entitlement.Settings) { s.AllowedKinds = []string{"nodejs:20"} })
	id := identity("guest")
	id.Limits.AllowedKinds = []string{"blackbox"}
	for kind, want := range map[string]bool{"nodejs:20": true, "blackbox": true, "python:3.11": false} {
		err := e.CheckKind(id, kind)
		if (err == nil) != want {
			t.Errorf("%s: %v", kind, err)
		}
		if err != nil && err.Error() != "The supplied authentication is not authorized to access actions of kind 'python:3.11'." {
			t.Errorf("text: %v", err)
		}
	}
	if err := provider(at(0, 0, 0), nil).CheckKind(identity("guest"), "any:1"); err != nil {
		t.Errorf("no list allows all: %v", err)
	}
}
