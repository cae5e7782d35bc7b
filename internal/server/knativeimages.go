package server

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/gowhisk/gowhisk/internal/backend/knative"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/imagebuild"
)

// actionImages makes the images of actions for a cluster: with a registry a layer on the kind's image,
// without one the kind's image itself.
type actionImages struct {
	registry string            // registry and folder; empty for none
	bases    map[string]string // image of a kind
	proxies  []string
	environ  []string

	mu       sync.Mutex
	runtimes map[string]knative.Image // with proxy, by kind; guarded by mu
}

// Image implements knative.Images.
func (i *actionImages) Image(ctx context.Context, a *entity.Action, code, name, tag string) (image knative.Image, err error) {
	b, done, err := i.builder()
	if err != nil {
		return image, err
	}
	defer func() { err = errors.Join(err, done()) }()
	ref := i.registry + "/" + name + ":" + tag
	if a.Exec.Kind == entity.KindBlackbox && (a.Exec.Image != entity.SkeletonImage || i.bases[entity.KindBlackbox] == "") {
		return i.named(ctx, b, a, code, ref)
	}
	runtime, err := i.runtime(ctx, b, a.Exec.Kind)
	if err != nil {
		return image, err
	}
	if i.registry == "" || code == "" || onNodes(runtime.Reference) {
		return runtime, nil
	}
	built, err := b.Action(ctx, imagebuild.ActionSpec{
		Code: code, Binary: a.Exec.Binary, Name: a.Name.Name, Version: a.Version.String(),
		Kind: a.Exec.Kind, Main: a.Exec.Main, Base: runtime.Reference, Serve: "knative",
	})
	if imagebuild.IsAbsent(err) { // the registry has been emptied
		i.forget(a.Exec.Kind)
	}
	if refused, ok := errors.AsType[*fault.Error](err); ok && a.Exec.Binary && refused.Report.Code == fault.SourceRefused && refused.Err != nil {
		return image, entity.Errorf(entity.Malformed, "%s", refused.Err).WithCode(fault.ArchiveRefused).Because(err)
	}
	if err != nil {
		return image, blame(err)
	}
	return push(ctx, b, built, ref)
}

// Runtime is the image of a kind for stem cells.
func (i *actionImages) Runtime(ctx context.Context, kind string) (image knative.Image, err error) {
	i.mu.Lock()
	known, ok := i.runtimes[kind]
	i.mu.Unlock()
	if ok {
		return known, nil
	}
	b, done, err := i.builder()
	if err != nil {
		return image, err
	}
	defer func() { err = errors.Join(err, done()) }()
	return i.runtime(ctx, b, kind)
}

// builder works in a folder of its own, until done is called.
func (i *actionImages) builder() (b *imagebuild.Builder, done func() error, err error) {
	work, err := os.MkdirTemp("", "gowhisk-image-")
	if err != nil {
		return nil, nil, fmt.Errorf("make a folder for the image: %w", err)
	}
	return &imagebuild.Builder{Work: work, Proxies: i.proxies, Environ: i.environ}, func() error { return os.RemoveAll(work) }, nil
}

// forget has the runtime image of a kind made anew.
func (i *actionImages) forget(kind string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.runtimes, kind)
}

// named is the image that a user named, with the proxy in front. One that gowhisk built is as it is.
func (i *actionImages) named(ctx context.Context, b *imagebuild.Builder, a *entity.Action, code, ref string) (knative.Image, error) {
	image := a.Exec.Image
	digest, facts, _, err := b.Inspect(ctx, image)
	switch {
	case imagebuild.IsAbsent(err) || imagebuild.IsDenied(err):
		return knative.Image{}, entity.Errorf(entity.Malformed, "Failed to pull container image '%s'.", image).WithCode(fault.RegistryFailed).Because(err)
	case err != nil:
		return knative.Image{}, blame(err)
	case facts.Stage == imagebuild.StageShim:
		return knative.Image{Reference: digest, Port: facts.Port, Code: facts.Code, Binary: facts.Binary, Numbered: facts.Numbered}, nil
	case facts.Stage != "":
		made := knative.Image{Reference: digest, Port: facts.Port, Numbered: facts.Numbered, Kind: facts.Kind, Main: facts.Main}
		if code == "" {
			made.Code, made.Binary = facts.Code, facts.Binary
		}
		return made, nil
	case i.registry == "":
		return knative.Image{}, entity.Errorf(entity.Malformed, "The image %s can run in the cluster only with a registry, to which it goes with the proxy in front.", image)
	}
	spec := imagebuild.ShimSpec{Image: image, Code: []byte(code), Binary: a.Exec.Binary}
	if a.Exec.Binary {
		if spec.Code, err = base64.StdEncoding.DecodeString(code); err != nil {
			return knative.Image{}, entity.Errorf(entity.Malformed, "The code of the action is marked as binary but is no base64.").Because(err)
		}
	}
	built, err := b.Shim(ctx, spec)
	if err != nil {
		return knative.Image{}, blame(err)
	}
	return push(ctx, b, built, ref)
}

func push(ctx context.Context, b *imagebuild.Builder, built *imagebuild.Image, ref string) (knative.Image, error) {
	facts, err := built.Facts()
	if err != nil {
		return knative.Image{}, err
	}
	digest, err := b.Push(ctx, built, ref, nil)
	if err != nil {
		return knative.Image{}, err
	}
	return knative.Image{Reference: digest, Port: facts.Port, Code: facts.Code, Binary: facts.Binary, Numbered: facts.Numbered}, nil
}

// blame tells the action's mistakes from the registry's.
func blame(err error) error {
	refused, ok := errors.AsType[*fault.Error](err)
	if !ok || !slices.Contains([]string{fault.SourceRefused, fault.BaseRefused, fault.CompileFailed}, refused.Report.Code) {
		return err
	}
	text := strings.TrimSpace(refused.Report.What + " " + refused.Report.Why)
	return entity.Errorf(entity.Malformed, "No image can be made of the action: %s", text).WithCode(refused.Report.Code).Because(err)
}

// runtime is the image of a kind with the proxy in it: the operator's, or one that is made of it once.
func (i *actionImages) runtime(ctx context.Context, b *imagebuild.Builder, kind string) (knative.Image, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if known, ok := i.runtimes[kind]; ok {
		return known, nil
	}
	base, ok := i.bases[kind]
	if !ok {
		return knative.Image{}, entity.Errorf(entity.Malformed, "The cluster has no image for actions of kind %s.", kind)
	}
	if onNodes(base) {
		i.runtimes[kind] = knative.Image{Reference: base, Numbered: true}
		return i.runtimes[kind], nil
	}
	digest, facts, ready, err := b.Inspect(ctx, base)
	if err != nil {
		return knative.Image{}, err
	}
	image := knative.Image{Reference: digest, Port: facts.Port, Numbered: facts.Numbered}
	if !ready {
		if i.registry == "" {
			return knative.Image{}, entity.Errorf(entity.Malformed, "The image for actions of kind %s lacks the proxy, and without a registry it cannot be added.", kind)
		}
		built, err := b.Runtime(ctx, imagebuild.RuntimeSpec{Base: base, Kind: kind, Serve: "knative"})
		if err != nil {
			return knative.Image{}, err
		}
		if image, err = push(ctx, b, built, i.registry+"/runtime-"+strings.ReplaceAll(kind, ":", "-")+":latest"); err != nil {
			return knative.Image{}, err
		}
	}
	i.runtimes[kind] = image
	return image, nil
}

// onNodes tells whether an image has been loaded onto the nodes and is in no registry: the registries
// that Knative, too, does not ask. It must be gowhisk's.
func onNodes(image string) bool {
	registry, _, _ := strings.Cut(image, "/")
	return slices.Contains([]string{"dev.local", "kind.local", "ko.local"}, registry)
}
