package corpus

import (
	"cmp"
	"context"
	"strings"

	"github.com/gowhisk/gowhisk/internal/protocol/protocoltest"
)

// Service is the target that is a process with the single entry point: the proxy on the platform
// knative, or the shim in front of another runtime.
type Service struct {
	Label string
	// Command starts it for a kind, as Baked says.
	Command func(kind string) (protocoltest.Command, error)
}

// Name is the label.
func (s Service) Name() string { return s.Label }

// Deploy starts the process with the action baked in, or as a stem cell.
func (s Service) Deploy(ctx context.Context, sample Sample) (Client, error) {
	command, err := s.Command(sample.Kind())
	if err != nil {
		return nil, err
	}
	var start protocoltest.Start
	for key, value := range sample.Env {
		start.Env = append(start.Env, key+"="+value)
	}
	if !sample.Stem {
		start.Action = &protocoltest.Baked{Sample: protocoltest.Sample{Main: sample.Main, Code: sample.Code, Binary: sample.Binary},
			Kind: sample.Kind(), Annotations: sample.AllAnnotations(), Parameters: sample.Parameters, Methods: sample.Methods}
	}
	container, err := command.Launch(ctx, start)
	if err != nil {
		return nil, err
	}
	return At{Sample: sample, URL: container.URL, Stop: container.Stop}, nil
}

// At is the client of a sample that is served at a URL of its own, as a Knative service is.
type At struct {
	Sample Sample
	URL    string
	Action string            // its name in paths; empty means probe
	Header map[string]string // such as Host, where the URL is that of an ingress
	Stop   func()            // nil if it is somebody else's to end
}

// Do calls it: a web action below its name, anything else at the root.
func (a At) Do(ctx context.Context, r Request) (Response, error) {
	name, url := cmp.Or(a.Action, "probe"), a.URL+r.Path
	switch {
	case r.URL != "":
		url = a.URL + strings.ReplaceAll(r.URL, "{name}", name)
	case a.Sample.Web:
		url = a.URL + "/" + name + r.Path
	}
	return Send(ctx, a.Sample, r, url, a.Header)
}

// Close ends the process.
func (a At) Close() error {
	if a.Stop != nil {
		a.Stop()
	}
	return nil
}
