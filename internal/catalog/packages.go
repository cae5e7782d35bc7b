package catalog

import (
	"context"
	"errors"
	"slices"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// packageRecord is the stored form of a package.
type packageRecord struct {
	Version     entity.Version    `json:"version"`
	Publish     bool              `json:"publish,omitempty"`
	Binding     *entity.Name      `json:"binding,omitempty"`
	Parameters  entity.Parameters `json:"parameters"`
	Annotations entity.Parameters `json:"annotations"`
}

var packages = &kind[entity.Package, packageRecord]{
	collection: entity.Packages,
	noun:       "package",
	record: func(p *entity.Package) packageRecord {
		r := packageRecord{Version: p.Version, Publish: p.Publish, Parameters: p.Parameters, Annotations: p.Annotations}
		if p.IsBinding() {
			r.Binding = &p.Binding
		}
		return r
	},
	entity: func(r packageRecord, doc store.Document) *entity.Package {
		p := &entity.Package{
			Name: doc.Name, Version: r.Version, Publish: r.Publish, Parameters: r.Parameters, Annotations: r.Annotations,
			Updated: doc.Updated, Revision: doc.Revision,
		}
		if r.Binding != nil {
			p.Binding = *r.Binding
		}
		return p
	},
}

// Package returns the package or binding of that name. Errors:
// entity.ErrNotFound, entity.ErrWrongType.
func (c *Catalog) Package(ctx context.Context, name entity.Name) (*entity.Package, error) {
	return packages.get(ctx, c, name)
}

// PutPackage stores p as PutAction does an action.
func (c *Catalog) PutPackage(ctx context.Context, p *entity.Package) (*entity.Package, error) {
	return packages.put(ctx, c, p, p.Name, p.Revision)
}

// DeletePackage removes the package or binding and returns what it was. A
// package that holds actions is refused unless force is set: then they go with
// it, all in one step. What a binding is bound to stays. Errors:
// entity.ErrNotFound, ErrWrongType, ErrModified, kind Conflict for what is not
// empty. OpenWhisk 5.3.10.
func (c *Catalog) DeletePackage(ctx context.Context, name entity.Name, force bool) (*entity.Package, error) {
	c.members.Lock() // so that no action is put into it meanwhile
	defer c.members.Unlock()
	p, revision, err := packages.read(ctx, c, name)
	if errors.Is(err, entity.ErrCorrupted) {
		p, err = packages.unreadable(name), nil
	}
	if err != nil {
		return nil, err
	}
	docs, err := c.entities.List(ctx, membersOf(name))
	if err != nil {
		return nil, packages.wrap("list actions of", name, err)
	}
	if len(docs) > 0 && !force {
		return nil, notEmpty(len(docs))
	}
	if err := c.removeAll(ctx, append(docs, store.Document{Name: name, Revision: revision})); err != nil {
		return nil, packages.wrap("delete", name, err)
	}
	return p, nil
}

// removeAll removes documents in one step, but before it those that cannot be
// read, which have no revision.
func (c *Catalog) removeAll(ctx context.Context, docs []store.Document) error {
	var names []entity.Name
	var changes []store.Change
	defer func() { c.forget(names...) }()
	for _, doc := range docs {
		names = append(names, doc.Name)
		if doc.Revision != 0 {
			changes = append(changes, store.Change{Document: doc, Delete: true})
		} else if err := c.entities.Discard(ctx, doc.Name); err != nil {
			return err
		}
	}
	if len(changes) == 0 {
		return nil
	}
	_, err := c.entities.Apply(ctx, changes)
	return err
}

func membersOf(pkg entity.Name) store.EntityQuery {
	return store.EntityQuery{Collection: entity.Actions, Namespace: pkg.Namespace, Package: &pkg.Name}
}

func notEmpty(n int) error {
	noun := "entities"
	if n == 1 {
		noun = "entity"
	}
	return entity.Errorf(entity.Conflict, "Package not empty (contains %d %s). Set force param or delete package contents.", n, noun)
}

// PublicPackages returns what a stranger sees of a namespace: its published
// packages without bindings, newest first. OpenWhisk 5.3.9.
func (c *Catalog) PublicPackages(ctx context.Context, namespace string) ([]*entity.Package, error) {
	all, err := c.ListPackages(ctx, store.EntityQuery{Namespace: namespace})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(p *entity.Package) bool { return !p.Publish || p.IsBinding() }), nil
}

// Members returns the actions of a package, newest first; a binding has none
// of its own.
func (c *Catalog) Members(ctx context.Context, pkg entity.Name) ([]*entity.Action, error) {
	return actions.list(ctx, c, membersOf(pkg))
}

// ListPackages returns one page of packages and bindings, newest first.
func (c *Catalog) ListPackages(ctx context.Context, q store.EntityQuery) ([]*entity.Package, error) {
	return packages.list(ctx, c, q)
}
