package corpus

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/internal/protocol/protocoltest"
)

// Container is the target that is an action container with POST /init and POST /run. In front of it is
// what the API server does for an action: package webaction, and the verdict on a result.
type Container struct {
	Label   string
	Command func(kind string) (protocoltest.Command, error)
}

// Name is the label.
func (c Container) Name() string { return c.Label }

// Deploy starts a container and initializes it.
func (c Container) Deploy(ctx context.Context, s Sample) (Client, error) {
	command, err := c.Command(s.Kind())
	if err != nil {
		return nil, err
	}
	started, err := command.Launch(ctx, protocoltest.Start{})
	if err != nil {
		return nil, err
	}
	if s.Stem {
		return At{Sample: s, URL: started.URL, Stop: started.Stop}, nil
	}
	e := &edge{sample: s, url: started.URL, stop: started.Stop}
	body, err := json.Marshal(protocol.InitRequest{Value: protocol.Init{Name: s.Name, Main: s.Main, Code: s.Code, Binary: s.Binary, Env: s.Env}})
	if err != nil {
		return nil, err
	}
	if status, answer, err := e.post(ctx, "/init", body); err != nil || status != http.StatusOK {
		started.Stop()
		return nil, fmt.Errorf("init: %d %s: %w", status, answer, err)
	}
	e.server = httptest.NewServer(e)
	return At{Sample: s, URL: e.server.URL, Stop: e.close}, nil
}

// edge is in front of one container.
type edge struct {
	sample Sample
	url    string
	stop   func()
	server *httptest.Server
}

func (e *edge) close() {
	e.server.Close()
	e.stop()
}

func (e *edge) post(ctx context.Context, path string, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}
