package imagebuild

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Scratch is the name of the base image without anything.
const Scratch = "scratch"

// base is an image of one platform to build on.
type base struct {
	platform v1.Platform
	name     string  // reference without digest; empty for scratch and images of this host
	digest   v1.Hash // of the manifest of this platform; zero for scratch
	config   *v1.ConfigFile
	layers   []v1.Layer
}

// bases are the images behind one reference, by platform.
type bases struct {
	list   []base
	index  bool   // the reference names an index
	digest string // the reference with the digest of what it names; empty outside of registries
}

// newBase checks that the image can be built on. open reads the compressed bytes of a layer.
func newBase(ref string, digest v1.Hash, m *v1.Manifest, config *v1.ConfigFile, open func(v1.Hash) (io.ReadCloser, error)) (base, error) {
	b := base{digest: digest, config: config, name: ref}
	if len(m.Layers) != len(config.RootFS.DiffIDs) {
		return base{}, refusedBase(ref, fmt.Sprintf("Its manifest has %d layers, its configuration %d.", len(m.Layers), len(config.RootFS.DiffIDs)), nil)
	}
	for i, desc := range m.Layers {
		if !desc.MediaType.IsDistributable() || len(desc.URLs) > 0 {
			return base{}, refusedBase(ref, fmt.Sprintf("Its layer %s is foreign: registries do not have it, it would have to be loaded from elsewhere.", desc.Digest), nil)
		}
		if !desc.MediaType.IsLayer() {
			return base{}, refusedBase(ref, fmt.Sprintf("It is not an image: a part of it is %q.", desc.MediaType), nil)
		}
		desc.MediaType = ociLayer(desc.MediaType)
		b.layers = append(b.layers, &baseLayer{desc, config.RootFS.DiffIDs[i], open})
	}
	b.platform = v1.Platform{OS: config.OS, Architecture: config.Architecture, Variant: config.Variant}
	if b.platform.OS == "" {
		b.platform.OS = "linux"
	}
	if b.platform.Architecture == "" {
		return base{}, refusedBase(ref, "Its configuration names no architecture.", nil)
	}
	if b.platform.OS != "linux" {
		return base{}, refusedBase(ref, "It is for "+b.platform.String()+"; gowhisk's proxy is a program for Linux.", nil)
	}
	return b, nil
}

// ociLayer is the media type of the same bytes in an OCI manifest.
func ociLayer(t types.MediaType) types.MediaType {
	switch t {
	case types.DockerLayer:
		return types.OCILayer
	case types.DockerUncompressedLayer:
		return types.OCIUncompressedLayer
	}
	return t
}

// mountable makes registries take the layers from repo when they are pushed beside it.
func (b *base) mountable(repo name.Reference) {
	for i, l := range b.layers {
		b.layers[i] = &remote.MountableLayer{Layer: l, Reference: repo}
	}
}

// scratch is the empty base of a platform.
func scratch(p v1.Platform) base {
	return base{platform: p, config: &v1.ConfigFile{
		Architecture: p.Architecture, OS: p.OS, Variant: p.Variant, RootFS: v1.RootFS{Type: "layers"},
	}}
}

// baseLayer is a layer that stays where it is unless it has to be copied.
type baseLayer struct {
	desc   v1.Descriptor
	diffID v1.Hash
	fetch  func(v1.Hash) (io.ReadCloser, error)
}

func (l *baseLayer) Digest() (v1.Hash, error)            { return l.desc.Digest, nil }
func (l *baseLayer) DiffID() (v1.Hash, error)            { return l.diffID, nil }
func (l *baseLayer) Size() (int64, error)                { return l.desc.Size, nil }
func (l *baseLayer) MediaType() (types.MediaType, error) { return l.desc.MediaType, nil }
func (l *baseLayer) Compressed() (io.ReadCloser, error)  { return l.fetch(l.desc.Digest) }

func (l *baseLayer) Uncompressed() (io.ReadCloser, error) {
	switch l.desc.MediaType {
	case types.OCILayer:
		return unzipped(l.Compressed)
	case types.OCIUncompressedLayer:
		return l.Compressed()
	}
	return nil, fmt.Errorf("layer %s: its compression %q can not be read here", l.desc.Digest, l.desc.MediaType)
}

// choose keeps the platforms that are asked for, in the order of the base.
func (bs *bases) choose(ref string, wanted []v1.Platform) error {
	var have []string
	for _, b := range bs.list {
		have = append(have, b.platform.String())
	}
	for _, p := range wanted {
		if !slices.ContainsFunc(bs.list, func(b base) bool { return b.platform.Satisfies(p) }) {
			return refusedBase(ref, fmt.Sprintf("It is not for %s, only for %s.", p, strings.Join(have, ", ")), nil)
		}
	}
	if len(wanted) > 0 {
		bs.list = slices.DeleteFunc(bs.list, func(b base) bool {
			return !slices.ContainsFunc(wanted, func(p v1.Platform) bool { return b.platform.Satisfies(p) })
		})
	}
	return nil
}
