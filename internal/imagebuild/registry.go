package imagebuild

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// silence bounds how long a registry may let one request wait for the head of its answer.
const silence = time.Minute

// newTransport is that of every request to a registry.
func newTransport() http.RoundTripper {
	t := remote.DefaultTransport.(*http.Transport).Clone() //nolint:errcheck // its type is documented
	t.ResponseHeaderTimeout = silence
	t.DialContext = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	return t
}

// options of every call to a registry. Credentials are those of `docker login`. Plain HTTP is
// spoken with loopback and private addresses only: so package name decides.
func (b *Builder) options(ctx context.Context, more ...remote.Option) []remote.Option {
	b.once.Do(func() { b.transport = newTransport() })
	keychain := b.Keychain
	if keychain == nil {
		keychain = authn.DefaultKeychain
	}
	backoff := remote.Backoff{Duration: 200 * time.Millisecond, Factor: 3, Jitter: 0.1, Steps: 3}
	return append([]remote.Option{
		remote.WithContext(ctx), remote.WithTransport(b.transport), remote.WithAuthFromKeychain(keychain),
		remote.WithUserAgent("gowhisk"), remote.WithRetryBackoff(backoff),
	}, more...)
}

func parseReference(ref string) (name.Reference, error) {
	parsed, err := name.ParseReference(ref)
	if err != nil {
		return nil, refusedBase(ref, oneLine(err.Error()), err)
	}
	return parsed, nil
}

// load finds an image: scratch, the folder of an OCI layout, or a reference of a registry.
func (b *Builder) load(ctx context.Context, ref string, wanted []v1.Platform) (*bases, error) {
	found := &bases{}
	var err error
	switch {
	case ref == Scratch:
		if len(wanted) == 0 {
			wanted = []v1.Platform{b.platform()}
		}
		for _, p := range wanted {
			found.list = append(found.list, scratch(p))
		}
		found.index = len(wanted) > 1
	case isLayout(ref):
		err = loadLayout(ctx, ref, found)
	default:
		err = b.loadRemote(ctx, ref, found)
	}
	if err != nil {
		return nil, err
	}
	return found, found.choose(ref, wanted)
}

func isLayout(ref string) bool {
	_, err := os.Stat(filepath.Join(ref, "oci-layout"))
	return err == nil
}

// loadLayout takes the one image or index of an OCI layout.
func loadLayout(ctx context.Context, dir string, into *bases) error {
	p, err := layout.FromPath(dir)
	if err != nil {
		return refusedBase(dir, oneLine(err.Error()), err)
	}
	index, err := p.ImageIndex()
	if err != nil {
		return refusedBase(dir, oneLine(err.Error()), err)
	}
	m, err := index.IndexManifest()
	if err != nil {
		return refusedBase(dir, oneLine(err.Error()), err)
	}
	if len(m.Manifests) != 1 {
		return refusedBase(dir, fmt.Sprintf("The layout holds %d images; it must be one, or one index.", len(m.Manifests)), nil)
	}
	read := func(_ context.Context, d v1.Descriptor) ([]byte, error) {
		content, err := p.Bytes(d.Digest)
		if err != nil {
			return nil, refusedBase(dir, oneLine(err.Error()), err)
		}
		if sum, _, err := v1.SHA256(bytes.NewReader(content)); err != nil || sum != d.Digest {
			return nil, refusedBase(dir, fmt.Sprintf("Its blob %s is damaged.", d.Digest), err)
		}
		return content, nil
	}
	return loadTree(ctx, m.Manifests[0], into, tree{read: read, blob: p.Blob, label: dir})
}

// loadRemote takes an image of a registry. What has been read before is taken from the cache: a
// reference with digest needs no request then, one with a tag one.
func (b *Builder) loadRemote(ctx context.Context, ref string, into *bases) error {
	parsed, err := parseReference(ref)
	if err != nil {
		return err
	}
	repository := parsed.Context()
	puller, err := remote.NewPuller(b.options(ctx)...)
	if err != nil {
		return fmt.Errorf("read %s: %w", ref, err)
	}
	top, err := b.resolve(ctx, puller, parsed)
	if err != nil {
		return registryFailed(ref, repository.RegistryStr(), err)
	}
	read := func(ctx context.Context, d v1.Descriptor) ([]byte, error) {
		if known, ok := b.cache().get(d.Digest); ok {
			return known, nil
		}
		content, err := fetch(ctx, puller, repository.Digest(d.Digest.String()), d)
		if err != nil {
			return nil, registryFailed(ref, repository.RegistryStr(), err)
		}
		return content, b.cache().put(d.Digest, content)
	}
	blob := func(h v1.Hash) (io.ReadCloser, error) {
		l, err := puller.Layer(ctx, repository.Digest(h.String()))
		if err != nil {
			return nil, err
		}
		return l.Compressed()
	}
	into.digest = repository.Digest(top.Digest.String()).String()
	from := len(into.list)
	if err := loadTree(ctx, *top, into, tree{read: read, blob: blob, label: ref, name: nameOfBase(parsed)}); err != nil {
		return err
	}
	for i := range into.list[from:] {
		into.list[from+i].mountable(repository.Digest(top.Digest.String()))
	}
	return nil
}

// nameOfBase is a reference without digest, which has a label of its own.
func nameOfBase(ref name.Reference) string {
	if _, ok := ref.(name.Digest); ok {
		return ref.Context().Name()
	}
	return ref.Name()
}

// resolve finds the manifest of a reference.
func (b *Builder) resolve(ctx context.Context, puller *remote.Puller, ref name.Reference) (*v1.Descriptor, error) {
	if d, ok := ref.(name.Digest); ok {
		h, err := v1.NewHash(d.DigestStr())
		if err != nil {
			return nil, err
		}
		if known, ok := b.cache().get(h); ok {
			return &v1.Descriptor{Digest: h, Size: int64(len(known)), MediaType: mediaTypeOf(known)}, nil
		}
	}
	if d, err := puller.Head(ctx, ref); err == nil {
		return d, nil
	}
	// Some registries know no HEAD; the error of a GET says more than a status, too.
	d, err := puller.Get(ctx, ref)
	if err != nil {
		return nil, err
	}
	return &d.Descriptor, nil
}

// fetch reads a manifest or a configuration from the registry.
func fetch(ctx context.Context, puller *remote.Puller, ref name.Digest, d v1.Descriptor) ([]byte, error) {
	if d.MediaType.IsImage() || d.MediaType.IsIndex() || d.MediaType == types.DockerManifestSchema1 || d.MediaType == types.DockerManifestSchema1Signed {
		got, err := puller.Get(ctx, ref)
		if err != nil {
			return nil, err
		}
		return got.Manifest, nil
	}
	const most = 8 << 20
	if d.Size > most {
		return nil, fmt.Errorf("the configuration has %d bytes", d.Size)
	}
	l, err := puller.Layer(ctx, ref)
	if err != nil {
		return nil, err
	}
	content, err := l.Compressed()
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(content, most))
	return text, errors.Join(err, content.Close())
}
