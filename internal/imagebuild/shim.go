package imagebuild

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// ShimSpec says which image gets a proxy in front.
type ShimSpec struct {
	// Image speaks OpenWhisk's /init and /run. It may lack a shell: none is used.
	Image string
	// Port is where its own program listens; 0 means 8080.
	Port int
	// Listen is where the proxy listens unless PORT says otherwise; 0 means 8090. With both the same
	// the proxy moves the program by the variables PORT and FLASK_PROXY_PORT.
	Listen int
	// Name makes it a dedicated image: its function is in it, and is initialized without code.
	Name string
	// Code is what the init is to bring, as a file of the image: a text, or with Binary an archive.
	Code      []byte
	Binary    bool
	Platforms []v1.Platform
}

// The ports of ShimSpec when it names none.
const (
	programPort = 8080
	shimPort    = 8090
)

// shimConfig is the file that tells the proxy what the image started before.
type shimConfig struct {
	Command []string `json:"command"`
	Dir     string   `json:"dir,omitempty"`
	Port    int      `json:"port"`
}

// Shim puts the proxy in front of an image with an action runtime of whatever make: one layer more,
// and another entrypoint.
func (b *Builder) Shim(ctx context.Context, spec ShimSpec) (*Image, error) {
	if spec.Port == 0 {
		spec.Port = programPort
	}
	if spec.Listen == 0 {
		spec.Listen = shimPort
	}
	found, err := b.load(ctx, spec.Image, spec.Platforms)
	if err != nil {
		return nil, err
	}
	platform := found.list[0].platform
	if err := b.supported(found, spec.Platforms); err != nil {
		return nil, refusedBase(spec.Image, "It is for "+platform.String()+"; "+oneLine(err.Error()), err)
	}
	var parts []part
	for _, base := range found.list {
		made, err := b.shimOn(base, spec)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part{base.platform, made})
	}
	return result(parts, found.index), nil
}

func (b *Builder) shimOn(on base, spec ShimSpec) (v1.Image, error) {
	old := on.config.Config
	command := append(append([]string(nil), old.Entrypoint...), old.Cmd...)
	switch {
	case ours(on):
		return nil, refusedBase(spec.Image, "Its entrypoint is gowhisk's proxy already; it serves Knative as it is.", nil)
	case len(command) == 0:
		return nil, refusedBase(spec.Image, "It has neither entrypoint nor command, so there is nothing to put a proxy in front of.", nil)
	}
	text, err := json.Marshal(shimConfig{command, old.WorkingDir, spec.Port})
	if err != nil {
		return nil, fmt.Errorf("describe the image's command: %w", err)
	}
	files := []entry{contentEntry(shimFile[1:], text, false)}
	if spec.Name != "" {
		action, err := json.Marshal(map[string]string{"name": spec.Name, "kind": "blackbox"})
		if err != nil {
			return nil, fmt.Errorf("describe the action: %w", err)
		}
		files = append(files, contentEntry(actionFile[1:], action, false))
	}
	if len(spec.Code) > 0 {
		files = append(files, contentEntry(shimCode[1:], spec.Code, false))
	}
	added, err := b.proxyLayer(on, files...)
	if err != nil {
		return nil, err
	}
	return assemble(on, []addition{added}, func(c *v1.Config) {
		serveWith(c, "shim", false)
		c.Entrypoint, c.Cmd = []string{proxyFile}, nil
		listenOn(c, spec.Listen)
		labelBase(c, on)
		label(c, LabelStage, StageShim)
		label(c, LabelKind, "blackbox")
		label(c, LabelLayers, strconv.Itoa(len(on.layers)))
		for _, of := range []string{LabelCode, LabelBinary, LabelMain} { // of what it was
			delete(c.Labels, of)
		}
		if len(spec.Code) > 0 {
			label(c, LabelCode, shimCode)
			label(c, LabelBinary, strconv.FormatBool(spec.Binary))
		}
		if spec.Name != "" {
			label(c, LabelTitle, spec.Name)
		}
	})
}
