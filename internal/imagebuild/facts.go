package imagebuild

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// IsAbsent reports whether the error says that a registry does not have an image.
func IsAbsent(err error) bool {
	refusal, ok := errors.AsType[*transport.Error](err)
	return ok && refusal.StatusCode == http.StatusNotFound
}

// Facts are what has to be known of an image to start it.
type Facts struct {
	Code     string // where the code of the action is in it; empty if it has none
	Binary   bool
	Port     int
	Numbered bool // its user is a number, and not root's
}

// Facts reads those of the image, which are the same on all its platforms.
func (i *Image) Facts() (Facts, error) {
	config, err := i.parts[0].image.ConfigFile()
	if err != nil {
		return Facts{}, fmt.Errorf("read the image: %w", err)
	}
	labels := config.Config.Labels
	f := Facts{Code: labels[LabelCode], Binary: labels[LabelBinary] == "true", Numbered: ordinary(config.Config.User)}
	if f.Port, err = strconv.Atoi(labels[LabelPort]); err != nil {
		f.Port = 8080
	}
	return f, nil
}

// Inspect tells what an image in a registry is: its reference with digest, and whether it is a
// runtime that stage one made.
func (b *Builder) Inspect(ctx context.Context, ref string) (digest string, isRuntime bool, err error) {
	found, err := b.load(ctx, ref, nil)
	if err != nil {
		return "", false, err
	}
	return found.digest, found.list[0].config.Config.Labels[LabelStage] == stageRuntime, nil
}
