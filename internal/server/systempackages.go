package server

import (
	"context"
	"log/slog"

	"github.com/gowhisk/gowhisk/internal/admin"
	"github.com/gowhisk/gowhisk/internal/catalog"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
	"github.com/gowhisk/gowhisk/internal/systempackages"
)

// installation brings in the packages of whisk.system while the server answers
// already: which kinds they may have is known late. Whoever reads that
// namespace meanwhile waits.
type installation struct {
	store.Entities
	ended  chan struct{} // closed when everything is there, or will not be
	cancel context.CancelFunc
}

// installing marks the context of the installation itself.
type installing struct{}

func newInstallation(e store.Entities) *installation {
	return &installation{Entities: e, ended: make(chan struct{}), cancel: func() {}}
}

// begin installs in the background. What fails is logged and tried at the next
// start: the server is of use without it.
func (i *installation) begin(names *catalog.Catalog, r store.Registry, k *kinds, log *slog.Logger) {
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), installing{}, true))
	i.cancel = cancel
	go func() {
		defer close(i.ended)
		packages, err := systemPackages(ctx, k)
		if err == nil {
			err = systempackages.Install(ctx, names, r, admin.System, packages)
		}
		if err != nil && ctx.Err() == nil {
			log.Error("packages of "+admin.System+" are not all installed", "error", err)
		}
	}()
}

// systemPackages are those that this host can run.
func systemPackages(ctx context.Context, k *kinds) ([]systempackages.Package, error) {
	packages := []systempackages.Package{
		systempackages.APIManagement(), systempackages.Alarms(), systempackages.Webhook(), systempackages.GitHub(),
		systempackages.Messaging(),
	}
	m, err := k.Manifest(ctx)
	if err != nil {
		return nil, err
	}
	node, err := m.Resolve("nodejs:default")
	if err != nil {
		return packages, nil //nolint:nilerr // no Node.js here: nothing of the catalogue could run
	}
	more, err := systempackages.Catalogue(node.Kind)
	return append(packages, more...), err
}

// end stops an installation that is under way.
func (i *installation) end() {
	i.cancel()
	<-i.ended
}

// wait returns when the namespace may be read.
func (i *installation) wait(ctx context.Context, namespace string) error {
	if namespace != admin.System || ctx.Value(installing{}) != nil {
		return nil
	}
	select {
	case <-i.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Get returns a document; see store.Entities.
func (i *installation) Get(ctx context.Context, name entity.Name) (store.Document, error) {
	if err := i.wait(ctx, name.Namespace); err != nil {
		return store.Document{}, err
	}
	return i.Entities.Get(ctx, name)
}

// List returns documents; see store.Entities.
func (i *installation) List(ctx context.Context, q store.EntityQuery) ([]store.Document, error) {
	if err := i.wait(ctx, q.Namespace); err != nil {
		return nil, err
	}
	return i.Entities.List(ctx, q)
}

// Count counts documents; see store.Entities.
func (i *installation) Count(ctx context.Context, q store.EntityQuery) (int, error) {
	if err := i.wait(ctx, q.Namespace); err != nil {
		return 0, err
	}
	return i.Entities.Count(ctx, q)
}
