package entitlement

import (
	"context"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
)

// CheckShow reports whether the identity may be shown the package or the
// action itself: as Check for Read, and if shared packages are for execution
// only, not what is another namespace's. Errors are those of Check.
// OpenWhisk 5.3.16.
func (e *Entitlement) CheckShow(ctx context.Context, id *entity.Identity, r Resource) error {
	if err := e.Check(ctx, id, Read, r); err != nil || !e.settings.SharedPackagesExecuteOnly {
		return err
	}
	of, inPackage := r.Name, r.Collection == entity.Actions
	if inPackage && of.Package == "" {
		return nil // one's own
	}
	if inPackage {
		of = entity.Name{Namespace: r.Name.Namespace, Name: r.Name.Package}
	}
	switch own := id.Namespace.Name; {
	case of.Namespace != own && inPackage:
		return hidden("GET not permitted for '%s' since it's an action in a shared package", r.Name.Path())
	case of.Namespace != own:
		return hidden("GET not permitted for '%s' since it's a shared package", of)
	}
	pkg, err := e.lookup(ctx, of)
	switch {
	case err != nil:
		return err
	case !pkg.IsBinding() || pkg.Binding.Namespace == of.Namespace:
		return nil
	case inPackage:
		return hidden("GET not permitted for '%s'. Resource does not exist or is an action in a shared package binding.", r.Name)
	}
	return hidden("GET not permitted since %s is a binding of a shared package", of.Name)
}

func hidden(format string, name any) error {
	return entity.Errorf(entity.Forbidden, format, name).WithCode(fault.NotEntitled)
}
