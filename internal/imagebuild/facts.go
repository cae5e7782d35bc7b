package imagebuild

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// IsAbsent reports whether the error says that a registry does not have an image.
func IsAbsent(err error) bool {
	refusal, ok := errors.AsType[*transport.Error](err)
	return ok && refusal.StatusCode == http.StatusNotFound
}

// IsDenied reports whether the error says that a registry wants other credentials, which some say of
// images that are not there, too.
func IsDenied(err error) bool {
	refusal, ok := errors.AsType[*transport.Error](err)
	return ok && (refusal.StatusCode == http.StatusUnauthorized || refusal.StatusCode == http.StatusForbidden)
}

// Facts are what has to be known of an image to start it.
type Facts struct {
	Code     string // where the code of the action is in it; empty if it has none
	Binary   bool
	Port     int
	Numbered bool // its user is a number, and not root's
	// Stage is how it was made: runtime, action or shim; empty if not by us.
	Stage string
	Kind  string // of its actions, if it was made by us
	Main  string
}

// Facts reads those of the image, which are the same on all its platforms.
func (i *Image) Facts() (Facts, error) {
	config, err := i.parts[0].image.ConfigFile()
	if err != nil {
		return Facts{}, fmt.Errorf("read the image: %w", err)
	}
	return factsOf(config.Config), nil
}

func factsOf(c v1.Config) Facts {
	f := Facts{Code: c.Labels[LabelCode], Binary: c.Labels[LabelBinary] == "true", Numbered: ordinary(c.User)}
	if len(c.Entrypoint) > 0 && c.Entrypoint[0] == proxyFile {
		f.Stage, f.Kind, f.Main = c.Labels[LabelStage], c.Labels[LabelKind], c.Labels[LabelMain]
	}
	var err error
	if f.Port, err = strconv.Atoi(c.Labels[LabelPort]); err != nil {
		f.Port = 8080
	}
	return f
}

// Inspect tells what an image in a registry is: its reference with digest, its facts, and whether it is a
// runtime that stage one made.
func (b *Builder) Inspect(ctx context.Context, ref string) (digest string, f Facts, isRuntime bool, err error) {
	found, err := b.load(ctx, ref, nil)
	if err != nil {
		return "", f, false, err
	}
	config := found.list[0].config.Config
	return found.digest, factsOf(config), config.Labels[LabelStage] == StageRuntime, nil
}
