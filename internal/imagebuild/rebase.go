package imagebuild

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Rebase moves an action's layers from the runtime image under them to another, of the same language.
// Nothing is built, and of the old runtime nothing is read.
func (b *Builder) Rebase(ctx context.Context, image, onto string, wanted []v1.Platform) (*Image, error) {
	old, err := b.load(ctx, image, wanted)
	if err != nil {
		return nil, err
	}
	runtimes, err := b.load(ctx, onto, nil)
	if err != nil {
		return nil, err
	}
	var parts []part
	for _, action := range old.list {
		under, err := runtimes.like(action, onto)
		if err != nil {
			return nil, err
		}
		moved, err := rebase(action, under, image, onto)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part{under.platform, moved})
	}
	return result(parts, old.index), nil
}

// like finds the runtime for the platform of action.
func (bs *bases) like(action base, ref string) (base, error) {
	for _, b := range bs.list {
		if b.platform.Satisfies(action.platform) {
			return b, nil
		}
	}
	return base{}, refusedBase(ref, fmt.Sprintf("It is not for %s, for which the action is built.", action.platform), nil)
}

func rebase(action, under base, image, onto string) (v1.Image, error) {
	own := action.config.Config
	below, ok := runtimeLayers(action)
	if own.Labels[LabelStage] != StageAction || !ok {
		return nil, refusedBase(image, "It is not an image of an action that gowhisk built.", nil)
	}
	if under.config.Config.Labels[LabelStage] != StageRuntime {
		return nil, refusedBase(onto, "It is not a runtime image that gowhisk built.", nil)
	}
	was, is := own.Labels[LabelKind], under.config.Config.Labels[LabelKind]
	if family(was) != family(is) {
		return nil, refusedBase(onto, fmt.Sprintf("It is a runtime for %s, the action is for %s.", is, was), nil)
	}
	var added []addition
	for _, l := range action.layers[below:] {
		added = append(added, addition{l, "action"})
	}
	return assemble(under, added, func(c *v1.Config) {
		labelBase(c, under)
		for _, key := range []string{LabelTitle, LabelVersion, LabelSource, LabelRevision, LabelMain, LabelCode, LabelBinary, LabelMethods} {
			label(c, key, own.Labels[key])
		}
		label(c, LabelStage, StageAction)
		label(c, LabelLayers, strconv.Itoa(len(under.layers)))
		for _, variable := range own.Env {
			key, value, _ := strings.Cut(variable, "=")
			if key == platformVariable || key == "PYTHONPATH" || key == "OW_RUNTIME_DEBUG" {
				setEnv(c, key, value)
			}
		}
	})
}

// family is the part of a kind before the colon.
func family(kind string) string {
	name, _, _ := strings.Cut(kind, ":")
	return name
}
