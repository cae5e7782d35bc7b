package server

import (
	"context"

	"github.com/gowhisk/gowhisk/internal/config"
	"github.com/gowhisk/gowhisk/internal/manifest"
	"github.com/gowhisk/gowhisk/runtimes"
)

// kinds is what this host can run. Interpreters are asked for their versions
// in the background: what needs to know waits, and nothing else does.
type kinds struct {
	known    chan struct{} // closed when the rest is set
	hosts    []runtimes.Host
	manifest *manifest.Manifest
	err      error
}

// findKinds begins to look. An operator's manifest that cannot be used is an
// error at once.
func findKinds(ctx context.Context, c config.Config, o Options) (*kinds, error) {
	if c.Runtimes != "" {
		if _, err := readManifest(c.Runtimes, nil); err != nil {
			return nil, err
		}
	}
	k := &kinds{known: make(chan struct{})}
	go func() {
		defer close(k.known)
		if c.Backend == onKnative {
			k.hosts = kindsInCluster(c, o.Log)
			k.manifest, k.err = readManifest(c.Runtimes, k.hosts)
			return
		}
		if k.hosts, k.err = runtimes.Discover(ctx, runtimes.Search(o.Path, o.Home)); k.err == nil {
			k.manifest, k.err = readManifest(c.Runtimes, k.hosts)
		}
	}()
	return k, nil
}

// Hosts returns what the host has for every kind.
func (k *kinds) Hosts(ctx context.Context) ([]runtimes.Host, error) {
	select {
	case <-k.known:
		return k.hosts, k.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Manifest returns the kinds that actions may have.
func (k *kinds) Manifest(ctx context.Context) (*manifest.Manifest, error) {
	select {
	case <-k.known:
		return k.manifest, k.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
