package server

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"slices"

	"github.com/gowhisk/gowhisk/internal/admin"
	"github.com/gowhisk/gowhisk/internal/backend/knative"
	"github.com/gowhisk/gowhisk/internal/catalog"
	"github.com/gowhisk/gowhisk/internal/config"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/imagebuild"
	"github.com/gowhisk/gowhisk/internal/manifest"
	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/internal/store"
	"github.com/gowhisk/gowhisk/runtimes"
)

// onKnative is the value of the setting backend for a cluster.
const onKnative = "knative"

// makeKnative joins the server to a cluster, which need not answer yet.
func (p *platform) makeKnative(ctx context.Context, c config.Config, names *catalog.Catalog, o Options) error {
	k := c.Knative
	client, where, err := knative.Connect(k.Kubeconfig, "gowhisk/"+o.Version)
	if err != nil {
		return err
	}
	if k.Anchor != "" {
		client = knative.Anchored(client, k.Namespace, k.Anchor)
	}
	secret, err := knativeSecret(ctx, p.db.Registry())
	if err != nil {
		return err
	}
	executable, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find own program: %w", err)
	}
	proxies := k.Proxies
	if len(proxies) == 0 {
		proxies = imagebuild.ProxiesBeside(executable)
	}
	var ingress *url.URL
	if k.Ingress != "" {
		if ingress, err = url.Parse(k.Ingress); err != nil {
			return fmt.Errorf("knative.ingress: %w", err)
		}
	}
	roots, err := authorities(k.CA)
	if err != nil {
		return err
	}
	images := &actionImages{
		registry: k.Registry, bases: k.Images, proxies: proxies,
		environ: []string{"PATH=" + o.Path, "HOME=" + o.Home}, runtimes: map[string]knative.Image{},
	}
	p.where = fmt.Sprintf("pods of Knative in namespace %s of %s", k.Namespace, where)
	p.knative = knative.New(knative.Options{
		Client: client, Namespace: k.Namespace, Owner: k.Owner, Secret: secret, Ingress: ingress, Roots: roots, PullSecret: k.PullSecret, APIHost: p.actionURL, Logger: o.Log, Catalog: names,
		Actions: func(ctx context.Context) ([]entity.Name, error) {
			return allNames(ctx, p.db.Entities(), entity.Actions)
		},
		Lazy:   func(namespace string) bool { return namespace == admin.System },
		Images: images, Runtime: images.Runtime,
	})
	err = p.makeChannels(c, knative.ChannelOptions{Client: client, Namespace: k.Namespace, Owner: k.Owner, Secret: secret, Logger: o.Log}, names)
	names.Observe(func(written ...entity.Name) {
		for _, name := range written {
			p.knative.Changed(name)
			if p.channels != nil {
				p.channels.Changed(name)
			}
		}
	})
	return err
}

// allNames are those of a collection in all namespaces.
func allNames(ctx context.Context, e store.Entities, of entity.Collection) ([]entity.Name, error) {
	namespaces, err := e.Namespaces(ctx, of)
	if err != nil {
		return nil, fmt.Errorf("list the namespaces: %w", err)
	}
	var names []entity.Name
	for _, namespace := range namespaces {
		documents, err := e.List(ctx, store.EntityQuery{Collection: of, Namespace: namespace})
		if err != nil {
			return names, fmt.Errorf("list the %s of %s: %w", of, namespace, err)
		}
		for _, d := range documents {
			names = append(names, d.Name)
		}
	}
	return names, nil
}

// authorities are those of a file, nil for the system's.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("knative.ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("knative.ca: %s has no certificate in PEM", file)
	}
	return pool, nil
}

// knativeSecret is what the keys of pods are derived from: made once, then kept.
func knativeSecret(ctx context.Context, r store.Registry) ([]byte, error) {
	const kind, key = "knative", "secret"
	secret, err := r.Entry(ctx, kind, key)
	if err == nil && len(secret) > 0 {
		return secret, nil
	}
	if err != nil && !errors.Is(err, entity.ErrNotFound) {
		return nil, fmt.Errorf("read the secret for pods: %w", err)
	}
	secret = make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return nil, fmt.Errorf("make the secret for pods: %w", err)
	}
	if err := r.PutEntries(ctx, store.Entry{Kind: kind, Key: key, Body: secret}); err != nil {
		return nil, fmt.Errorf("keep the secret for pods: %w", err)
	}
	return secret, nil
}

// kindsInCluster are those that the operator has named an image for.
func kindsInCluster(c config.Config, log *slog.Logger) []runtimes.Host {
	var hosts []runtimes.Host
	for _, kind := range slices.Sorted(maps.Keys(c.Knative.Images)) {
		family, ok := runtimes.FamilyOf(kind)
		if !ok {
			log.Warn("knative.images names a kind that is not known", "kind", kind)
			continue
		}
		hosts = append(hosts, runtimes.Host{Kind: kind, Family: family})
	}
	return hosts
}

// stemCellMemory is that of stem cells of which the manifest does not say it, in MB: the default of
// actions. OpenWhisk 2.5.2.
const stemCellMemory = 256

// allKinds in the setting stands for every kind that has an image.
const allKinds = "all"

// stemCellsInCluster are those of the manifest whose kind has an image, and the operator's over them.
func stemCellsInCluster(m *manifest.Manifest, k config.Knative) map[knative.StemCell]int {
	cells := map[knative.StemCell]int{}
	for r := range m.Runtimes() {
		if _, ok := k.Images[r.Kind]; !ok {
			continue
		}
		for _, s := range r.StemCells {
			cells[knative.StemCell{Kind: r.Kind, Memory: s.Memory}] = s.Count
		}
		n, ok := k.StemCells[r.Kind]
		if !ok {
			n, ok = k.StemCells[allKinds]
		}
		if !ok {
			continue
		}
		if len(r.StemCells) == 0 {
			cells[knative.StemCell{Kind: r.Kind, Memory: stemCellMemory}] = n
		}
		for _, s := range r.StemCells {
			cells[knative.StemCell{Kind: r.Kind, Memory: s.Memory}] = n
		}
	}
	maps.DeleteFunc(cells, func(_ knative.StemCell, n int) bool { return n == 0 })
	return cells
}

// placement is what users see of where their action runs.
func (p *platform) placement(a *entity.Action) entity.Parameters {
	if p.knative == nil {
		return nil
	}
	how, why := p.knative.Placement(a)
	if how == "" {
		return nil
	}
	shown := entity.Parameters{{Key: "placement", Value: protocol.AppendString(nil, how)}, {Key: "placement-reason", Value: protocol.AppendString(nil, why)}}
	if url := p.knative.WebURL(a); url != "" {
		shown = append(shown, entity.Parameter{Key: "web-url", Value: protocol.AppendString(nil, url)})
	}
	return shown
}
