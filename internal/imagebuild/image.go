package imagebuild

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Labels of an image and, the same, annotations of its manifest; those with org.opencontainers.image
// are OCI's.
const (
	LabelTitle      = "org.opencontainers.image.title"
	LabelVersion    = "org.opencontainers.image.version"
	LabelSource     = "org.opencontainers.image.source"
	LabelRevision   = "org.opencontainers.image.revision"
	LabelBaseName   = "org.opencontainers.image.base.name"
	LabelBaseDigest = "org.opencontainers.image.base.digest"

	// LabelStage is runtime, action, shim or server.
	LabelStage = "dev.gowhisk.stage"
	// LabelKind is the kind of the runtime.
	LabelKind = "dev.gowhisk.kind"
	// LabelMain, LabelCode and LabelBinary are of the action file: what /init would say.
	LabelMain   = "dev.gowhisk.main"
	LabelCode   = "dev.gowhisk.code"
	LabelBinary = "dev.gowhisk.binary"
	// LabelMethods are the methods of HTTP that reach the action, separated by commas.
	LabelMethods = "dev.gowhisk.methods"
	// LabelPort is where the proxy listens if the container's PORT does not say.
	LabelPort = "dev.gowhisk.port"
	// LabelLayers is how many layers belong to the runtime: those above are the action's.
	LabelLayers = "dev.gowhisk.runtime.layers"
)

// Stages, the values of LabelStage.
const (
	StageRuntime = "runtime"
	StageAction  = "action"
	StageShim    = "shim"
	stageServer  = "server"
)

// Where things are in an image; package actionproxy looks there.
const (
	proxyFile  = "/.whisk/actionproxy"
	actionFile = "/.whisk/action.json"
	shimFile   = "/.whisk/shim.json"
	shimCode   = "/.whisk/code"
	codeDir    = "/action"
	// launcherDir spares the proxy to write launchers.
	launcherDir = "/.whisk/launchers"
	// pythonDir has the packages that were installed for a Python action.
	pythonDir = "/.whisk/site-packages"
)

// platformVariable tells actionproxy which platform it serves. OpenWhisk 3.9.1.
const platformVariable = "__OW_RUNTIME_PLATFORM"

// Image is a built image: of one platform, or an index of several.
type Image struct {
	parts []part
	index bool
}

type part struct {
	platform v1.Platform
	image    v1.Image
}

// addition is a layer and what its line in the history of the image says.
type addition struct {
	layer v1.Layer
	note  string
}

// assemble makes an OCI image of the layers of b, more layers, and a configuration that change
// edits. Everything in it is a function of its input: times are the beginning of 1970.
func assemble(b base, added []addition, change func(*v1.Config)) (v1.Image, error) {
	epoch := v1.Time{Time: time.Unix(0, 0).UTC()}
	config := b.config.DeepCopy()
	config.Architecture, config.OS, config.Variant = b.platform.Architecture, b.platform.OS, b.platform.Variant
	config.Created, config.Container = epoch, ""
	var adds []mutate.Addendum
	for _, l := range b.layers {
		adds = append(adds, mutate.Addendum{Layer: l})
	}
	for _, a := range added {
		diffID, err := a.layer.DiffID()
		if err != nil {
			return nil, err
		}
		adds = append(adds, mutate.Addendum{Layer: a.layer})
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, diffID)
		config.History = append(config.History, v1.History{Created: epoch, CreatedBy: "gowhisk build", Comment: a.note})
	}
	change(&config.Config)
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.Append(image, adds...)
	if err != nil {
		return nil, fmt.Errorf("assemble the image: %w", err)
	}
	if image, err = mutate.ConfigFile(image, config); err != nil {
		return nil, fmt.Errorf("assemble the image: %w", err)
	}
	annotated, ok := mutate.Annotations(image, ownLabels(config.Config.Labels)).(v1.Image)
	if !ok {
		return nil, fmt.Errorf("assemble the image: annotations make it a %T", annotated)
	}
	return annotated, nil
}

// ownLabels are those that a build writes.
func ownLabels(labels map[string]string) map[string]string {
	own := maps.Clone(labels)
	maps.DeleteFunc(own, func(key, _ string) bool {
		return !strings.HasPrefix(key, "dev.gowhisk.") && !strings.HasPrefix(key, "org.opencontainers.image.")
	})
	return own
}

// label sets a label, or removes it when the value is empty.
func label(c *v1.Config, key, value string) {
	if value == "" {
		delete(c.Labels, key)
		return
	}
	if c.Labels == nil {
		c.Labels = map[string]string{}
	}
	c.Labels[key] = value
}

// setEnv sets a variable of the image, or removes it when the value is empty.
func setEnv(c *v1.Config, key, value string) {
	c.Env = slices.DeleteFunc(slices.Clone(c.Env), func(e string) bool { return strings.HasPrefix(e, key+"=") })
	if value != "" {
		c.Env = append(c.Env, key+"="+value)
	}
}

// hasEnv says whether the image sets a variable.
func hasEnv(c *v1.Config, key string) bool {
	return slices.ContainsFunc(c.Env, func(e string) bool { return strings.HasPrefix(e, key+"=") })
}

// runtimeLayers reads LabelLayers.
func runtimeLayers(b base) (int, bool) {
	n, err := strconv.Atoi(b.config.Config.Labels[LabelLayers])
	return n, err == nil && n >= 0 && n <= len(b.layers)
}

// result joins the parts as the base was: one image, or an index.
func result(parts []part, index bool) *Image {
	return &Image{parts: parts, index: index || len(parts) > 1}
}
