package apigateway_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/apigateway"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// memory is a registry of one kind for one goroutine: a fuzz target needs one
// for each input.
type memory map[string][]byte

func (m memory) Entry(_ context.Context, _, key string) ([]byte, error) {
	if body, ok := m[key]; ok {
		return body, nil
	}
	return nil, entity.ErrNotFound
}

func (m memory) PutEntries(_ context.Context, entries ...store.Entry) error {
	for _, e := range entries {
		m[e.Key] = e.Body
	}
	return nil
}

func (m memory) DeleteEntries(_ context.Context, _ string, keys ...string) error {
	for _, key := range keys {
		delete(m, key)
	}
	return nil
}

func (m memory) Entries(_ context.Context, kind, prefix string, visit func(store.Entry) error) error {
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if !strings.HasPrefix(key, prefix) {
			continue
		}
		if err := visit(store.Entry{Kind: kind, Key: key, Body: m[key]}); err != nil {
			return err
		}
	}
	return nil
}

// Whatever a document says, the gateway calls nothing but web actions, and its
// own answers are JSON.
func FuzzSwagger(f *testing.F) {
	f.Add(`{"swagger":"2.0","basePath":"/a","info":{"title":"t"},"paths":{"/{b}/c":{"get":{"operationId":"x","parameters":[{"name":"b"}]}}}}`, "/a/b/c")
	f.Add(`{"basePath":"/","info":{"title":""},"paths":{"/":{"get":{"x-openwhisk":{"url":"`+web("x.http")+`"}}}},"x-ibm-configuration":{"assembly":{"execute":[{"invoke":{"target-url":"`+web("y.json/../z")+`"}}]}}}`, "/%2e/x")
	f.Add(`{"basePath":"/a","info":{"title":"t"},"paths":{"/b":{"get":{"operationId":"x"}}},"x-gateway-configuration":{"cors":{"enabled":7},"assembly":{"execute":[null,{"operation-switch":{"case":[[],{"operations":["x",1],"execute":[{"set-variable":{"actions":[{"set":"message.headers.a b","value":1e400}]}}]}]}}]}}}`, "a/b")
	f.Fuzz(func(t *testing.T, document, path string) {
		if !json.Valid([]byte(document)) || strings.ContainsAny(path, " \t\r\n?#") {
			t.Skip()
		}
		w := &world{t: t, g: apigateway.New(apigateway.Options{Registry: memory{}, Web: http.HandlerFunc(echo), URL: server})}
		args, err := json.Marshal(map[string]any{"apidoc": map[string]any{"namespace": "_", "swagger": document}})
		if err != nil {
			t.Fatal(err)
		}
		w.as("guest", w.g.CreateAPI, string(args))
		w.as("guest", w.g.DeleteAPI, `{"basepath":"/a","relpath":"/b","operation":"get"}`)
		w.as("guest", w.g.CreateAPI, endpoint("/a", "/b", "GET", "x"))
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://h/api/"+apigateway.TenantOf("guest")+"/"+path, http.NoBody)
		if err != nil {
			t.Skip()
		}
		got := w.get("GET", r.URL.String())
		_, body, _ := strings.Cut(got, " ")
		if !strings.HasPrefix(body, "GET /api/v1/web/") && !json.Valid([]byte(body)) {
			t.Errorf("%s: %s", document, got)
		}
	})
}
