package corpus

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// API is the target that is a server: actions are put, web actions called at their URL, others invoked
// with the key.
type API struct {
	Label     string
	URL       string
	Key       string // UUID:KEY
	Namespace string
}

// Name is the label.
func (a API) Name() string { return a.Label }

type pair struct {
	Key   string `json:"key"`
	Value any    `json:"value"`
	Init  bool   `json:"init,omitempty"`
}

// Deploy puts the action.
func (a API) Deploy(ctx context.Context, s Sample) (Client, error) {
	parameters, annotations := []pair{}, []pair{}
	for key, value := range s.Parameters {
		parameters = append(parameters, pair{Key: key, Value: value})
	}
	for key, value := range s.Env {
		parameters = append(parameters, pair{Key: key, Value: value, Init: true})
	}
	for key, value := range s.AllAnnotations() {
		annotations = append(annotations, pair{Key: key, Value: value})
	}
	body, err := json.Marshal(map[string]any{"parameters": parameters, "annotations": annotations,
		"limits": map[string]any{"timeout": 300_000}, // code is compiled by the first run
		"exec":   map[string]any{"kind": s.Kind() + ":default", "main": s.Main, "code": s.Code, "binary": s.Binary}})
	if err != nil {
		return nil, err
	}
	c := apiClient{api: a, sample: s, name: s.Name + "-" + s.Language}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, a.URL+"/api/v1/namespaces/_/actions/"+c.name+"?overwrite=true", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", a.basic())
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, err := io.ReadAll(res.Body)
		return nil, fmt.Errorf("put %s: %d %s %w", c.name, res.StatusCode, text, err)
	}
	if s.Language == "go" || s.Language == "rs" {
		return c, c.compiled(ctx)
	}
	return c, nil
}

// compiled runs the action until it has succeeded once, which may take longer than a blocking call does.
func (c apiClient) compiled(ctx context.Context) error {
	key, base := map[string]string{"Authorization": c.api.basic()}, c.api.URL+"/api/v1/namespaces/_/"
	for {
		res, err := Send(ctx, c.sample, Request{JSON: json.RawMessage(`{}`)}, base+"actions/"+c.name, key)
		if err != nil {
			return err
		}
		var activation struct {
			ActivationID string
			Response     struct{ Result, Status any }
		}
		if err := json.Unmarshal(res.Body, &activation); err != nil || activation.ActivationID == "" {
			return fmt.Errorf("invoke %s: %d %s", c.name, res.Status, res.Body)
		}
		for res.Status != http.StatusOK {
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
				return fmt.Errorf("%s was not compiled in time: %w", c.name, context.Cause(ctx))
			}
			if res, err = Send(ctx, c.sample, Request{Method: http.MethodGet}, base+"activations/"+activation.ActivationID, key); err != nil {
				return err
			}
		}
		if err := json.Unmarshal(res.Body, &activation); err != nil || activation.Response.Status == "success" {
			return err
		}
	}
}

func (a API) basic() string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(a.Key)) }

type apiClient struct {
	api    API
	sample Sample
	name   string
}

// Do calls or invokes the action.
func (c apiClient) Do(ctx context.Context, r Request) (Response, error) {
	if r.URL != "" {
		return Send(ctx, c.sample, r, c.api.URL+strings.ReplaceAll(r.URL, "{name}", c.name), nil)
	}
	if c.sample.Web {
		return Send(ctx, c.sample, r, c.api.URL+"/api/v1/web/"+c.api.Namespace+"/default/"+c.name+r.Path, nil)
	}
	key := map[string]string{"Authorization": c.api.basic()}
	if r.Header["Authorization"] != "" {
		key = nil
	}
	return Send(ctx, c.sample, r, c.api.URL+"/api/v1/namespaces/_/actions/"+c.name+"?blocking=true&result=true", key)
}

// Close leaves the action to the server's end.
func (apiClient) Close() error { return nil }
