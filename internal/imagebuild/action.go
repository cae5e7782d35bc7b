package imagebuild

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/manifest"
	"github.com/gowhisk/gowhisk/runtimes"
)

// ActionSpec says what stage two makes.
type ActionSpec struct {
	// Source is a file, an archive, a folder, or the URL of a git repository.
	Source string
	// Code is used instead, where it is not empty: text, or base64 when Binary is set.
	Code   string
	Binary bool

	Name, Version string // the name's default is the source's
	Kind          string // empty: by the base, then by the source; FAMILY and FAMILY:default are read
	Main          string
	// Base is a runtime image; any other base becomes one on the way.
	Base string
	// Methods of HTTP that reach the action; none leaves it to the proxy.
	Methods     []string
	Annotations actionproxy.KeyValues

	Serve   string // as in RuntimeSpec
	Debug   bool
	User    string
	Install bool // dependencies, with the tools of this host
	Scripts bool // which may run scripts of packages
	// Platforms to build for; none means all of the base that there is a proxy for.
	Platforms []v1.Platform
}

// Action makes an image of one action: its runtime image, a layer with its dependencies, if any, and
// one with its code. The code is in no variable of the environment.
func (b *Builder) Action(ctx context.Context, spec ActionSpec) (*Image, error) {
	found, err := b.load(ctx, spec.Base, spec.Platforms)
	if err != nil {
		return nil, err
	}
	if err := b.supported(found, spec.Platforms); err != nil {
		return nil, refusedBase(spec.Base, oneLine(err.Error()), err)
	}
	s, err := b.find(ctx, spec)
	if err != nil {
		return nil, err
	}
	if err := complete(&spec, s, found.list[0]); err != nil {
		return nil, err
	}
	var parts []part
	for _, on := range found.list {
		made, err := b.actionOn(ctx, on, s, spec)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part{on.platform, made})
	}
	return result(parts, found.index), nil
}

// complete fills in what the spec leaves to the base and the source.
func complete(spec *ActionSpec, s *source, on base) error {
	labels := on.config.Config.Labels
	if spec.Kind == "" && labels[LabelStage] == StageRuntime {
		spec.Kind = labels[LabelKind]
		if guessed := s.inferFamily(); guessed != "" && guessed != family(spec.Kind) {
			return refusedBase(spec.Base, fmt.Sprintf("It is a runtime for %s, the source looks like %s. --kind says that it is right.", spec.Kind, guessed), nil)
		}
	}
	if spec.Kind == "" {
		if spec.Kind = s.inferFamily(); spec.Kind == "" {
			return refusedSource(s.given, "Nothing in it tells its language: say which with --kind.", nil)
		}
	}
	kind, err := fullKind(spec.Kind)
	if err != nil {
		return err
	}
	spec.Kind = kind
	if on := labels[LabelKind]; labels[LabelStage] == StageRuntime && !serves(on, kind) {
		return refusedBase(spec.Base, fmt.Sprintf("It is a runtime for %s, the action is for %s.", on, kind), nil)
	}
	if f, _ := runtimes.FamilyOf(kind); f.RequireMain && spec.Main == "" {
		return refusedSource(s.given, "Actions of "+kind+" need --main.", nil)
	}
	if spec.Name == "" {
		spec.Name = s.name
	}
	if spec.Name == "" {
		return refusedSource(s.given, "The action needs a --name.", nil)
	}
	return nil
}

// serves says whether a runtime of one kind runs actions of another.
func serves(runtime, action string) bool {
	_, version, _ := strings.Cut(runtime, ":")
	return runtime == action || family(runtime) == family(action) && version != "" && runtimes.Serves(action, version)
}

// SuggestedBase is an image to build the action on; empty if nothing tells its language.
func SuggestedBase(spec ActionSpec) string {
	kind := spec.Kind
	if kind == "" {
		f, _ := runtimes.FamilyOfSource(spec.Source)
		kind = f.Name
	}
	kind, err := fullKind(kind)
	if err != nil {
		return ""
	}
	recipe, err := runtimes.RecipeOf(kind)
	if err != nil {
		return ""
	}
	return recipe.Base
}

// fullKind resolves FAMILY and FAMILY:default by the manifest.
func fullKind(kind string) (string, error) {
	if err := checkKind(kind); err != nil {
		return "", err
	}
	name := family(kind)
	if kind != name && kind != name+":default" || name == "blackbox" {
		return kind, nil
	}
	standard, err := manifest.Parse(runtimes.Manifest())
	if err != nil {
		return "", err
	}
	r, err := standard.Resolve(name + ":default")
	if err != nil {
		return "", err
	}
	return r.Kind, nil
}

// actionOn builds for one platform.
func (b *Builder) actionOn(ctx context.Context, on base, s *source, spec ActionSpec) (v1.Image, error) {
	under := on
	var added []addition
	if on.config.Config.Labels[LabelStage] != StageRuntime {
		if ours(on) {
			return nil, refusedBase(spec.Base, "It has an action or a shim already; an action is built on a runtime image.", nil)
		}
		made, err := b.runtimeOn(on, RuntimeSpec{Base: spec.Base, Kind: spec.Kind, Serve: spec.Serve, Debug: spec.Debug, User: spec.User})
		if err != nil {
			return nil, err
		}
		if under, err = on.with(made); err != nil {
			return nil, err
		}
	}
	if spec.Install {
		installed, err := b.dependencies(ctx, s, spec, on.platform)
		if err != nil {
			return nil, err
		}
		if installed != nil {
			added = append(added, addition{installed, "dependencies"})
		}
	}
	code, doc, err := b.code(ctx, s, spec, on.platform)
	if err != nil {
		return nil, err
	}
	return assemble(under, append(added, addition{code, "code"}), func(c *v1.Config) { spec.configure(c, on, under, s, doc, len(added) > 0) })
}

// with is the base after stage one.
func (b base) with(made v1.Image) (base, error) {
	config, err := made.ConfigFile()
	if err != nil {
		return base{}, err
	}
	layers, err := made.Layers()
	if err != nil {
		return base{}, err
	}
	b.config, b.layers = config, layers
	return b, nil
}

// configure writes what the image says of its action.
func (spec ActionSpec) configure(c *v1.Config, on, under base, s *source, doc actionproxy.Action, installed bool) {
	if spec.Serve != "" {
		setEnv(c, platformVariable, spec.Serve)
	}
	if spec.Debug {
		setEnv(c, "OW_RUNTIME_DEBUG", "true")
	}
	if installed && family(spec.Kind) == "python" {
		setEnv(c, "PYTHONPATH", pythonDir)
	}
	if spec.User != "" {
		c.User = spec.User
	}
	labelBase(c, on)
	label(c, LabelStage, StageAction)
	label(c, LabelKind, spec.Kind)
	label(c, LabelLayers, strconv.Itoa(len(under.layers)))
	label(c, LabelTitle, spec.Name)
	label(c, LabelVersion, spec.Version)
	label(c, LabelSource, s.url)
	label(c, LabelRevision, s.revision)
	label(c, LabelMain, doc.Main)
	label(c, LabelCode, doc.Code)
	label(c, LabelMethods, strings.Join(doc.Methods, ","))
	if doc.Binary {
		label(c, LabelBinary, "true")
	}
}

// code makes the layer with the action's files and the file that describes it to the proxy.
func (b *Builder) code(ctx context.Context, s *source, spec ActionSpec, p v1.Platform) (*layer, actionproxy.Action, error) {
	doc := actionproxy.Action{
		Name: spec.Name, Version: spec.Version, Kind: spec.Kind, Main: spec.Main,
		Methods: spec.Methods, Annotations: spec.Annotations, Code: codeDir,
	}
	entries, err := b.files(ctx, s, spec, p, &doc)
	if err != nil {
		return nil, doc, err
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, doc, fmt.Errorf("describe the action: %w", err)
	}
	l, err := newLayer(b.Work, append(entries, contentEntry(actionFile[1:], text, false)))
	return l, doc, err
}

// files are those of the action's own.
func (b *Builder) files(ctx context.Context, s *source, spec ActionSpec, p v1.Platform, doc *actionproxy.Action) ([]entry, error) {
	f, _ := runtimes.FamilyOf(spec.Kind)
	if s.isSource(f) {
		return b.compiled(ctx, s, spec, p, doc)
	}
	if s.dir == "" {
		doc.Code = path.Join(codeDir, s.file)
		doc.Binary = !utf8.Valid(s.content) || f.KeepArchive
		return []entry{contentEntry(doc.Code[1:], s.content, true)}, nil
	}
	if len(f.Entries) > 0 && !f.Has(s.names()) {
		return nil, refusedSource(s.given, fmt.Sprintf("Actions of %s need one of the files %q in it.", spec.Kind, f.Entries), nil)
	}
	entries, err := treeEntries(s.dir, codeDir[1:], func(name string) bool {
		if private(name) {
			b.say("%s is left out of the image", name)
			return true
		}
		return name == "node_modules" && spec.Install && !s.archive
	})
	if err != nil {
		return nil, refusedSource(s.given, oneLine(err.Error()), err)
	}
	return entries, bounded(s, entries)
}

// bounded refuses what the local backend would not extract either.
func bounded(s *source, entries []entry) error {
	var sum int64
	for _, e := range entries {
		sum += e.size
	}
	if sum > actionproxy.DefaultArchiveBytes || len(entries) > actionproxy.DefaultArchiveFiles {
		return refusedSource(s.given, fmt.Sprintf("It has %d bytes in %d files; at most %d in %d are allowed.",
			sum, len(entries), actionproxy.DefaultArchiveBytes, actionproxy.DefaultArchiveFiles), actionproxy.ErrArchiveTooLarge)
	}
	return nil
}
