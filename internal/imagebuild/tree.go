package imagebuild

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// tree reads the documents behind a reference, wherever they are.
type tree struct {
	read  func(context.Context, v1.Descriptor) ([]byte, error)
	blob  func(v1.Hash) (io.ReadCloser, error)
	label string // the reference as it was given, for errors
	name  string // as base.name
}

// loadTree adds the image, or every image of the index, that top describes.
func loadTree(ctx context.Context, top v1.Descriptor, into *bases, t tree) error {
	switch {
	case top.MediaType == types.DockerManifestSchema1 || top.MediaType == types.DockerManifestSchema1Signed:
		return refusedBase(t.label, "It is an image of schema 1, a format without configuration that is no longer written.", nil)
	case top.MediaType.IsImage():
		return t.image(ctx, top, into)
	case !top.MediaType.IsIndex():
		return refusedBase(t.label, fmt.Sprintf("It is %q, not an image.", top.MediaType), nil)
	}
	text, err := t.read(ctx, top)
	if err != nil {
		return err
	}
	var index v1.IndexManifest
	if err := json.Unmarshal(text, &index); err != nil {
		return refusedBase(t.label, "Its index can not be read: "+oneLine(err.Error()), err)
	}
	into.index = true
	for _, d := range index.Manifests {
		// Attestations stand beside images as ones for an unknown platform.
		if !d.MediaType.IsImage() || d.Platform == nil || d.Platform.OS != "linux" {
			continue
		}
		if err := t.image(ctx, d, into); err != nil {
			return err
		}
	}
	if len(into.list) == 0 {
		return refusedBase(t.label, "Its index has no image for Linux.", nil)
	}
	return nil
}

func (t tree) image(ctx context.Context, d v1.Descriptor, into *bases) error {
	text, err := t.read(ctx, d)
	if err != nil {
		return err
	}
	m, err := v1.ParseManifest(bytes.NewReader(text))
	if err != nil {
		return refusedBase(t.label, "Its manifest can not be read: "+oneLine(err.Error()), err)
	}
	if !m.Config.MediaType.IsConfig() {
		return refusedBase(t.label, fmt.Sprintf("It is not an image: its configuration is %q.", m.Config.MediaType), nil)
	}
	if text, err = t.read(ctx, m.Config); err != nil {
		return err
	}
	config, err := v1.ParseConfigFile(bytes.NewReader(text))
	if err != nil {
		return refusedBase(t.label, "Its configuration can not be read: "+oneLine(err.Error()), err)
	}
	b, err := newBase(t.label, d.Digest, m, config, t.blob)
	if err != nil {
		return err
	}
	b.name = t.name
	into.list = append(into.list, b)
	return nil
}

// mediaTypeOf reads the type that a manifest says of itself; those of OCI may leave it out.
func mediaTypeOf(manifest []byte) types.MediaType {
	var m struct {
		MediaType     types.MediaType `json:"mediaType"`
		SchemaVersion int             `json:"schemaVersion"`
		Manifests     json.RawMessage `json:"manifests"`
	}
	switch err := json.Unmarshal(manifest, &m); {
	case err != nil:
		return ""
	case m.MediaType != "":
		return m.MediaType
	case m.SchemaVersion == 1:
		return types.DockerManifestSchema1
	case m.Manifests != nil:
		return types.OCIImageIndex
	}
	return types.OCIManifestSchema1
}
