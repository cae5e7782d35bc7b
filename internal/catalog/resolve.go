package catalog

import (
	"context"
	"encoding/binary"
	"hash/fnv"
	"slices"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// Resolved is an action as an invocation sees it.
type Resolved struct {
	// Action has the parameters of its package, and of the binding over them,
	// under its own. Name is where it really lies. Revision is that of the
	// action, or another one that stands for all of them if there are init
	// parameters among theirs: those are the environment of a container.
	Action *entity.Action

	// Binding is the binding that it was named through, zero if none.
	Binding entity.Name
}

// ResolvePackage returns the package of that name as a reader sees it: a
// binding has the parameters of what it is bound to under its own. from is
// where its actions lie. Errors: entity.ErrNotFound if the package or what it
// is bound to is missing, entity.ErrWrongType. OpenWhisk 5.3.4.
func (c *Catalog) ResolvePackage(ctx context.Context, name entity.Name) (p *entity.Package, from entity.Name, err error) {
	p, err = c.Package(ctx, name)
	if err != nil || !p.IsBinding() {
		return p, name, err
	}
	provider, err := c.provider(ctx, p)
	if err != nil {
		return nil, entity.Name{}, err
	}
	merged := *p
	merged.Parameters = p.Parameters.Over(provider.Parameters)
	return &merged, provider.Name, nil
}

// provider returns what the binding is bound to. OpenWhisk 5.3.5.
func (c *Catalog) provider(ctx context.Context, binding *entity.Package) (*entity.Package, error) {
	if binding.Binding == binding.Name {
		return nil, entity.Errorf(entity.Unprocessable, "Package binding '%s' contains a circular reference.", binding.Name)
	}
	return c.Package(ctx, binding.Binding)
}

// Resolve finds the action that name stands for, also through a binding,
// without code. It asks for no right. Errors: entity.ErrNotFound if the action,
// its package or the bound package is missing, entity.ErrWrongType, kind
// Unprocessable for a binding to itself.
// OpenWhisk 2.7.1, 5.3.4, 5.3.15.
func (c *Catalog) Resolve(ctx context.Context, name entity.Name) (Resolved, error) {
	if name.Package == "" {
		a, err := c.Action(ctx, name)
		return Resolved{Action: a}, err
	}
	pkg, err := c.Package(ctx, entity.Name{Namespace: name.Namespace, Name: name.Package})
	if err != nil {
		return Resolved{}, err
	}
	var out Resolved
	parameters, written := pkg.Parameters, []uint64{pkg.Revision}
	if pkg.IsBinding() {
		out.Binding = pkg.Name
		name.Namespace, name.Package = pkg.Binding.Namespace, pkg.Binding.Name
		provider, err := c.provider(ctx, pkg)
		if err != nil {
			return Resolved{}, err
		}
		parameters, written = parameters.Over(provider.Parameters), append(written, provider.Revision)
	}
	a, err := c.Action(ctx, name)
	if err != nil {
		return Resolved{}, err
	}
	if len(parameters) > 0 {
		merged := *a
		merged.Parameters = a.Parameters.Over(parameters)
		merged.Revision = revisionWith(a.Revision, parameters, written)
		a = &merged
	}
	out.Action = a
	return out, nil
}

// revisionWith returns the revision of an action with the parameters of
// packages that have these revisions.
func revisionWith(action uint64, parameters entity.Parameters, packages []uint64) uint64 {
	if !slices.ContainsFunc(parameters, func(p entity.Parameter) bool { return p.Init }) {
		return action
	}
	sum := fnv.New64a()
	for _, revision := range append(packages, action) {
		sum.Write(binary.BigEndian.AppendUint64(nil, revision)) // a hash takes everything
	}
	return sum.Sum64() | 1<<63 // the store counts from 1
}
