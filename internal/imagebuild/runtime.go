package imagebuild

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/gowhisk/gowhisk/runtimes"
)

// RuntimeSpec says what stage one makes.
type RuntimeSpec struct {
	// Base is a reference, the folder of an OCI layout, or Scratch. It brings the interpreter.
	Base string
	// Kind is what the image runs, such as nodejs:20.
	Kind string
	// Serve is what the proxy serves: openwhisk or knative. Empty means knative.
	Serve string
	// Debug makes the proxy trace.
	Debug bool
	// User runs the container; empty keeps the base's, and is 65532 where that is root by default.
	User string
	// Platforms to build for; none means all of the base that there is a proxy for.
	Platforms []v1.Platform
}

// nobody is the user of images whose base names none: no file belongs to it.
const nobody = "65532:65532"

// Runtime makes a runtime image: the base and, on it, the proxy with its launchers.
func (b *Builder) Runtime(ctx context.Context, spec RuntimeSpec) (*Image, error) {
	kind, err := fullKind(spec.Kind)
	if err != nil {
		return nil, err
	}
	spec.Kind = kind
	found, err := b.load(ctx, spec.Base, spec.Platforms)
	if err != nil {
		return nil, err
	}
	if err := b.supported(found, spec.Platforms); err != nil {
		return nil, refusedBase(spec.Base, oneLine(err.Error()), err)
	}
	var parts []part
	for _, base := range found.list {
		if ours(base) {
			return nil, refusedBase(spec.Base, "It has gowhisk's proxy already. To move actions to a new runtime, use gowhisk build rebase.", nil)
		}
		made, err := b.runtimeOn(base, spec)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part{base.platform, made})
	}
	return result(parts, found.index), nil
}

// ours says whether the image starts gowhisk's proxy.
func ours(b base) bool {
	entrypoint := b.config.Config.Entrypoint
	return len(entrypoint) > 0 && entrypoint[0] == proxyFile
}

func checkKind(kind string) error {
	if _, ok := runtimes.FamilyOf(kind); !ok {
		return fmt.Errorf("kind %q is not one that the proxy runs", kind)
	}
	return nil
}

func (b *Builder) runtimeOn(on base, spec RuntimeSpec) (v1.Image, error) {
	recipe, err := runtimes.RecipeOf(spec.Kind)
	if err != nil {
		return nil, err
	}
	if err := b.checkVersion(on, spec, recipe); err != nil {
		return nil, err
	}
	launchers, err := b.launchers(spec.Kind)
	if err != nil {
		return nil, err
	}
	added, err := b.proxyLayer(on, launchers...)
	if err != nil {
		return nil, err
	}
	return assemble(on, []addition{added}, func(c *v1.Config) {
		serveWith(c, spec.Serve, spec.Debug)
		for _, key := range slices.Sorted(maps.Keys(recipe.Env)) {
			if !hasEnv(c, key) {
				setEnv(c, key, recipe.Env[key])
			}
		}
		c.Entrypoint, c.Cmd = []string{proxyFile, "--kind", spec.Kind}, nil
		listenOn(c, 8080)
		switch {
		case spec.User != "":
			c.User = spec.User
		case c.User == "":
			c.User = nobody
		}
		label(c, LabelStage, StageRuntime)
		label(c, LabelKind, spec.Kind)
		label(c, LabelLayers, strconv.Itoa(len(on.layers)+1))
		label(c, LabelTitle, "gowhisk "+spec.Kind)
		labelBase(c, on)
	})
}

// checkVersion refuses a base that says it has another version than the kind needs: its containers
// would not start.
func (b *Builder) checkVersion(on base, spec RuntimeSpec, recipe runtimes.Recipe) error {
	version := recipe.Version(on.config.Config.Env)
	switch {
	case version == "" && recipe.Variable != "" && len(on.layers) > 0:
		b.say("%s does not say which version of %s it has: containers will not start without the one of %s", spec.Base, family(spec.Kind), spec.Kind)
	case version != "" && !runtimes.Serves(spec.Kind, version):
		return refusedBase(spec.Base, fmt.Sprintf("It has version %s, by its variable %s; %s needs another base, such as %s.",
			version, recipe.Variable, spec.Kind, recipe.Base), nil)
	}
	return nil
}

// launchers are what the proxy would write at every start: the kind's launcher and what it brings.
func (b *Builder) launchers(kind string) ([]entry, error) {
	dir, err := b.workDir("launchers")
	if err != nil {
		return nil, err
	}
	f, _ := runtimes.FamilyOf(kind)
	if ready, err := runtimes.WritePortable(dir, f); !ready || err != nil {
		return nil, err
	}
	return treeEntries(dir, launcherDir[1:], nil)
}

// proxyLayer has the proxy, and the folder for temporary files, which it needs and bases may lack.
func (b *Builder) proxyLayer(on base, more ...entry) (addition, error) {
	file, err := b.proxy(on.platform)
	if err != nil {
		return addition{}, err
	}
	proxy, err := fileEntry(proxyFile[1:], file, true)
	if err != nil {
		return addition{}, fmt.Errorf("the proxy: %w", err)
	}
	entries := append(more, proxy, entry{name: "tmp", mode: fs.ModeDir | fs.ModeSticky})
	l, err := newLayer(b.Work, entries)
	return addition{l, "actionproxy"}, err
}

// serveWith sets the platform that the proxy serves, and drops what older builds said of it.
func serveWith(c *v1.Config, serve string, debug bool) {
	if serve == "" {
		serve = "knative"
	}
	setEnv(c, platformVariable, serve)
	if debug {
		setEnv(c, "OW_RUNTIME_DEBUG", "true")
	}
}

func listenOn(c *v1.Config, port int) {
	c.ExposedPorts = map[string]struct{}{strconv.Itoa(port) + "/tcp": {}}
	label(c, LabelPort, strconv.Itoa(port))
	if port != 8080 {
		setEnv(c, "PORT", strconv.Itoa(port))
	}
}

// labelBase names the base, as OCI does. A folder of this host is not named: it is nobody else's.
func labelBase(c *v1.Config, on base) {
	label(c, LabelBaseName, on.name)
	if on.digest.Hex != "" {
		label(c, LabelBaseDigest, on.digest.String())
	}
	// These are the base's own, and not true of what is built on it.
	for _, key := range []string{LabelVersion, LabelSource, LabelRevision} {
		label(c, key, "")
	}
	for key := range c.Labels {
		if slices.Contains([]string{"org.opencontainers.image.created", "org.opencontainers.image.ref.name"}, key) {
			delete(c.Labels, key)
		}
	}
}
