package catalog

import (
	"context"

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

// ListPackages returns one page of packages and bindings, newest first.
func (c *Catalog) ListPackages(ctx context.Context, q store.EntityQuery) ([]*entity.Package, error) {
	return packages.list(ctx, c, q)
}
