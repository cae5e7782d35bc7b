package entitlement_test

import (
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
)

func TestWhatIsForExecutionOnlyIsNotShown(t *testing.T) {
	s := entitlement.DefaultSettings()
	open := entitlement.New(s, world(), time.Now)
	s.SharedPackagesExecuteOnly = true
	closed := entitlement.New(s, world(), time.Now)
	in := func(ns, p string) entity.Name { return entity.Name{Namespace: ns, Package: p, Name: "a"} }
	const private = "The supplied authentication is not authorized to access 'other/private'."
	for _, row := range []struct {
		c          entity.Collection
		name       entity.Name
		open, want string
	}{
		{entity.Packages, name("guest", "private"), "", ""},
		{entity.Packages, name("guest", "own"), "", ""},
		{entity.Packages, name("guest", "shared"), "", "GET not permitted since shared is a binding of a shared package"},
		{entity.Packages, name("other", "public"), "", "GET not permitted for 'other/public' since it's a shared package"},
		{entity.Packages, name("other", "private"), private, private},
		{entity.Actions, name("guest", "a"), "", ""},
		{entity.Actions, in("guest", "private"), "", ""},
		{entity.Actions, in("guest", "own"), "", ""},
		{entity.Actions, in("guest", "shared"), "", "GET not permitted for 'guest/shared/a'. Resource does not exist or is an action in a shared package binding."},
		{entity.Actions, in("other", "public"), "", "GET not permitted for 'other/public' since it's an action in a shared package"},
		{entity.Actions, in("other", "private"), private, private},
	} {
		for e, want := range map[*entitlement.Entitlement]string{open: row.open, closed: row.want} {
			got := ""
			if err := e.CheckShow(t.Context(), identity("guest"), entitlement.Resource{Collection: row.c, Name: row.name}); err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("%s %s: got %q, want %q", row.c, row.name, got, want)
			}
		}
		err := closed.Check(t.Context(), identity("guest"), entitlement.Activate, entitlement.Resource{Collection: row.c, Name: row.name})
		if row.c == entity.Actions && (err == nil) != (row.open == "") {
			t.Errorf("%s cannot be called: %v", row.name, err)
		}
	}
}
