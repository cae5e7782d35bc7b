package systempackages

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// installation is that of one package.
type installation struct {
	c         Catalog
	namespace string
	pkg       *Package
}

// run writes the package, then its actions, and removes the actions that it
// had in the version before.
func (in *installation) run(ctx context.Context, before []string) error {
	if err := in.putPackage(ctx); err != nil {
		return err
	}
	work := &group{}
	for i := range in.pkg.Actions {
		work.do(func() error { return in.putAction(ctx, &in.pkg.Actions[i]) })
	}
	for _, name := range before {
		if !slices.ContainsFunc(in.pkg.Actions, func(a Action) bool { return a.Name == name }) {
			work.do(func() error { return in.deleteAction(ctx, name) })
		}
	}
	return work.wait()
}

func (in *installation) putPackage(ctx context.Context) error {
	name := entity.Name{Namespace: in.namespace, Name: in.pkg.Name}
	p := &entity.Package{
		Name: name, Version: in.pkg.Version, Publish: in.pkg.Publish,
		Parameters: in.pkg.Parameters, Annotations: in.pkg.Annotations,
	}
	old, err := in.c.Package(ctx, name)
	switch {
	case err == nil:
		p.Revision, p.Version = old.Revision, later(old.Version, p.Version)
	case !errors.Is(err, entity.ErrNotFound):
		return err
	}
	_, err = in.c.PutPackage(ctx, p)
	return err
}

// actionName is the full name of an action of the package.
func (in *installation) actionName(name string) entity.Name {
	return entity.Name{Namespace: in.namespace, Package: in.pkg.Name, Name: name}
}

func (in *installation) putAction(ctx context.Context, wanted *Action) error {
	a := &entity.Action{
		Name: in.actionName(wanted.Name), Version: in.pkg.Version, Exec: wanted.Exec,
		Parameters: wanted.Parameters, Limits: entity.DefaultLimits(),
	}
	if wanted.Limits != nil {
		a.Limits = *wanted.Limits
	}
	a.Annotations = wanted.Annotations.Over(entity.Parameters{}.
		Set(entity.AnnotationProvideAPIKey, "false").
		Set(entity.AnnotationExec, strconv.Quote(wanted.Exec.Kind)))
	old, err := in.c.Action(ctx, a.Name)
	switch {
	case err == nil:
		a.Revision, a.Version = old.Revision, later(old.Version, a.Version)
	case !errors.Is(err, entity.ErrNotFound):
		return fmt.Errorf("action %s: %w", wanted.Name, err)
	}
	if _, err := in.c.PutAction(ctx, a); err != nil {
		return fmt.Errorf("action %s: %w", wanted.Name, err)
	}
	return nil
}

func (in *installation) deleteAction(ctx context.Context, name string) error {
	_, err := in.c.DeleteAction(ctx, in.actionName(name))
	if err != nil && !errors.Is(err, entity.ErrNotFound) {
		return fmt.Errorf("action %s: %w", name, err)
	}
	return nil
}

// later is the version that what is there with version old gets when it is
// installed anew.
func later(old, wanted entity.Version) entity.Version {
	if compare(wanted, old) > 0 {
		return wanted
	}
	return old.Next()
}
