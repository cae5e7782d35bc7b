package imagebuild

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/gowhisk/gowhisk/internal/fault"
)

// Progress is told how much of an image has been pushed, in bytes; both grow.
type Progress func(done, total int64)

// Digest is that of the manifest or index: the same input gives the same.
func (i *Image) Digest() (v1.Hash, error) {
	if i.index {
		return i.asIndex().Digest()
	}
	return i.parts[0].image.Digest()
}

// Platforms are those that the image is for.
func (i *Image) Platforms() []string {
	var names []string
	for _, p := range i.parts {
		names = append(names, p.platform.String())
	}
	return names
}

func (i *Image) asIndex() v1.ImageIndex {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range i.parts {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: p.image, Descriptor: v1.Descriptor{Platform: &p.platform}})
	}
	return index
}

// Push writes the image to a registry: first the layers that it lacks, last the manifest under the
// tag, so that nobody can pull half of it. It returns the reference with the digest.
func (b *Builder) Push(ctx context.Context, i *Image, ref string, tell Progress) (string, error) {
	to, err := parseReference(ref)
	if err != nil {
		return "", err
	}
	digest, err := i.Digest()
	if err != nil {
		return "", fmt.Errorf("assemble the image: %w", err)
	}
	if asked, ok := to.(name.Digest); ok && asked.DigestStr() != digest.String() {
		return "", refusedBase(ref, "An image is pushed under a tag; this digest is not the image's, which is "+digest.String()+".", nil)
	}
	options, done := b.pushOptions(ctx, tell)
	if i.index {
		err = remote.WriteIndex(to, i.asIndex(), options...)
	} else {
		err = remote.Write(to, i.parts[0].image, options...)
	}
	done()
	if ctx.Err() != nil {
		err = errors.Join(err, context.Cause(ctx))
	}
	if err != nil {
		return "", registryFailed(ref, to.Context().RegistryStr(), err)
	}
	return to.Context().Digest(digest.String()).String(), nil
}

// pushOptions reports progress until done is called.
func (b *Builder) pushOptions(ctx context.Context, tell Progress) (options []remote.Option, done func()) {
	if tell == nil {
		return b.options(ctx), func() {}
	}
	updates := make(chan v1.Update, 64)
	told := make(chan struct{})
	go func() {
		defer close(told)
		for u := range updates { // closed by the writer
			tell(u.Complete, u.Total)
		}
	}()
	return b.options(ctx, remote.WithProgress(updates)), func() { <-told }
}

func targetFailed(target string, err error) error {
	return fault.New(fault.TargetFailed, oneLine(err.Error()), map[string]string{"target": target}, err)
}

// WriteLayout writes the image as the one image of an OCI layout. The folder is made; one that is an
// OCI layout already is replaced as a whole, any other that is not empty is refused.
func (i *Image) WriteLayout(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case err == nil && len(entries) == 0:
		return i.fillLayout(dir)
	case err == nil && !isLayout(dir):
		return targetFailed(dir, errors.New("the folder exists and holds something else than an OCI layout"))
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return targetFailed(dir, err)
	}
	return i.replaceLayout(dir)
}

// fillLayout writes into an empty folder, which may be a volume and stays the same folder.
func (i *Image) fillLayout(dir string) error {
	err := i.layout(dir)
	if err == nil {
		return nil
	}
	entries, cleanup := os.ReadDir(dir)
	for _, e := range entries {
		cleanup = errors.Join(cleanup, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return targetFailed(dir, errors.Join(err, cleanup))
}

func (i *Image) layout(dir string) error {
	p, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	if i.index {
		return p.AppendIndex(i.asIndex())
	}
	return p.AppendImage(i.parts[0].image, layout.WithPlatform(i.parts[0].platform))
}

// replaceLayout writes beside the folder and renames.
func (i *Image) replaceLayout(dir string) (err error) {
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return targetFailed(dir, err)
	}
	temporary, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+"-")
	if err != nil {
		return targetFailed(dir, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temporary)) }()
	fresh := filepath.Join(temporary, "new")
	if err := i.layout(fresh); err != nil {
		return targetFailed(dir, err)
	}
	if err := os.Rename(dir, filepath.Join(temporary, "old")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return targetFailed(dir, err)
	}
	if err := os.Rename(fresh, dir); err != nil {
		return targetFailed(dir, errors.Join(err, os.Rename(filepath.Join(temporary, "old"), dir)))
	}
	return nil
}

// WriteTar writes the image as `docker load` reads it, under the name ref. It must be of one platform.
func (i *Image) WriteTar(file, ref string) error {
	if len(i.parts) != 1 {
		return targetFailed(file, fmt.Errorf("such a file holds one platform, the image is for %d: choose one with --platform", len(i.parts)))
	}
	tag, err := name.NewTag(ref)
	if err != nil {
		return targetFailed(file, err)
	}
	err = writeWhole(file, func(w io.Writer) error { return tarball.Write(tag, i.parts[0].image, w) })
	if err != nil {
		return targetFailed(file, err)
	}
	return nil
}
