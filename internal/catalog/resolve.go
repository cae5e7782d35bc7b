package catalog

import (
	"context"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// Resolved is an action as an invocation sees it.
type Resolved struct {
	// Action has the parameters of its package, and of the binding over them,
	// under its own. Name is where it really lies.
	Action *entity.Action

	// Binding is the binding that it was named through, zero if none.
	Binding entity.Name
}

// Resolve finds the action that name stands for, also through a binding,
// without code. It asks for no right. Errors: entity.ErrNotFound if the action,
// its package or the bound package is missing, entity.ErrWrongType.
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
	parameters := pkg.Parameters
	if pkg.IsBinding() {
		out.Binding = pkg.Name
		name.Namespace, name.Package = pkg.Binding.Namespace, pkg.Binding.Name
		provider, err := c.Package(ctx, pkg.Binding)
		if err != nil {
			return Resolved{}, err
		}
		parameters = parameters.Over(provider.Parameters)
	}
	a, err := c.Action(ctx, name)
	if err != nil {
		return Resolved{}, err
	}
	if len(parameters) > 0 {
		merged := *a
		merged.Parameters = a.Parameters.Over(parameters)
		a = &merged
	}
	out.Action = a
	return out, nil
}
