package entitlement

import (
	"context"
	"errors"
	"slices"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
)

// Privilege is what a request wants to do with a resource.
type Privilege uint8

// The privileges. OpenWhisk 1.3.9.
const (
	Read Privilege = iota
	Put
	Delete
	Activate
)

// Resource is an entity, or a whole collection if Name.Name is empty.
type Resource struct {
	Collection entity.Collection
	Name       entity.Name
}

// Check reports whether the identity may do that to the resource. Errors
// have OpenWhisk's texts: kind Forbidden where the identity has no right,
// NotFound where a package of its own is missing, Malformed for a write
// through a binding. A foreign entity that does not exist is Forbidden.
// OpenWhisk 1.3.6–1.3.12, 5.3.13.
func (e *Entitlement) Check(ctx context.Context, id *entity.Identity, p Privilege, r Resource) error {
	own := r.Name.Namespace == id.Namespace.Name
	switch {
	case r.Collection == entity.Packages && r.Name.Name == "":
		return nil // a foreign list shows what is public
	case r.Collection == entity.Packages && p == Read:
		return e.checkPackage(ctx, id, r.Name, true)
	case r.Collection == entity.Actions && r.Name.Package != "":
		pkg := entity.Name{Namespace: r.Name.Namespace, Name: r.Name.Package}
		if p == Read || p == Activate {
			return e.checkPackage(ctx, id, pkg, false)
		}
		return e.checkMember(ctx, own, pkg)
	case own:
		return nil
	}
	return forbidden(r.Name)
}

// checkPackage reports whether the identity may read the package and what is
// in it. named selects the text that names a missing package of one's own.
func (e *Entitlement) checkPackage(ctx context.Context, id *entity.Identity, name entity.Name, named bool) error {
	own := name.Namespace == id.Namespace.Name
	pkg, err := e.lookup(ctx, name)
	if err != nil {
		return missing(err, own, named, name)
	}
	if !pkg.IsBinding() {
		if own || pkg.Publish {
			return nil
		}
		return forbidden(name)
	}
	if !own {
		return forbidden(name)
	}
	ownProvider := pkg.Binding.Namespace == id.Namespace.Name
	provider, err := e.lookup(ctx, pkg.Binding)
	if err != nil && ownProvider {
		return missing(err, true, named, name)
	}
	if err != nil {
		return missing(err, false, named, pkg.Binding)
	}
	if ownProvider || provider.Publish {
		return nil
	}
	return forbidden(pkg.Binding)
}

// checkMember reports whether an entity of the package may be written.
func (e *Entitlement) checkMember(ctx context.Context, own bool, name entity.Name) error {
	if !own {
		return forbidden(name)
	}
	pkg, err := e.lookup(ctx, name)
	if err != nil {
		return err
	}
	if pkg.IsBinding() {
		return entity.Errorf(entity.Malformed, "Operation not permitted on package binding.")
	}
	return nil
}

func (e *Entitlement) lookup(ctx context.Context, name entity.Name) (*entity.Package, error) {
	if e.packages == nil {
		return nil, entity.ErrNotFound
	}
	return e.packages.Package(ctx, name)
}

// missing is what a package that cannot be had looks like from outside.
func missing(err error, own, named bool, name entity.Name) error {
	known := slices.ContainsFunc([]error{entity.ErrNotFound, entity.ErrWrongType}, func(e error) bool { return errors.Is(err, e) })
	switch {
	case !own && known:
		return forbidden(name)
	case named && errors.Is(err, entity.ErrNotFound):
		return entity.Errorf(entity.NotFound, "The requested resource '%s' does not exist.", shown(name)).WithCode(fault.NotFound)
	}
	return err
}

// forbidden names the resource. OpenWhisk 1.3.7, 1.3.11.
func forbidden(name entity.Name) error {
	return entity.Errorf(entity.Forbidden,
		"The supplied authentication is not authorized to access '%s'.", shown(name)).WithCode(fault.NotEntitled)
}

func shown(name entity.Name) string {
	if name.Name == "" {
		return name.Path()
	}
	return name.String()
}
