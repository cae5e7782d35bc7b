package clients

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/test/live"
)

// api looks at a server past the clients, as guest.
type api struct {
	*live.Server
}

// do sends one request and returns the answer's status and body. A path
// without a leading / is below the namespace.
func (a api) do(t *testing.T, method, path string, body any) (int, []byte) {
	t.Helper()
	sent, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(path, "/") {
		path = "/api/v1/namespaces/_/" + path
	}
	req, err := http.NewRequestWithContext(t.Context(), method, a.URL+path, bytes.NewReader(sent))
	if err != nil {
		t.Fatal(err)
	}
	id, key, _ := strings.Cut(a.Key, ":")
	req.SetBasicAuth(id, key)
	req.Header.Set("Content-Type", "application/json")
	return fetch(t, req)
}

func fetch(t *testing.T, req *http.Request) (int, []byte) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, got
}

// page gets a URL without credentials.
func page(t *testing.T, method, url string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	status, body := fetch(t, req)
	return status, string(body)
}

// entity is any document of the API.
type entity map[string]any

// at follows a path of keys through objects, and through lists of key-value
// pairs by the key of the pair; nil if something is missing.
func (e entity) at(path ...string) any {
	var v any = map[string]any(e)
	for _, key := range path {
		switch in := v.(type) {
		case map[string]any:
			v = in[key]
		case []any:
			v = valueOf(in, key)
		default:
			return nil
		}
	}
	return v
}

func valueOf(pairs []any, key string) any {
	for _, p := range pairs {
		if pair, ok := p.(map[string]any); ok && pair["key"] == key {
			return pair["value"]
		}
	}
	return nil
}

// get returns a document, nil if there is none.
func (a api) get(t *testing.T, path string) entity {
	t.Helper()
	status, body := a.do(t, http.MethodGet, path, nil)
	if status == http.StatusNotFound {
		return nil
	}
	return decode[entity](t, status, body)
}

// list returns a collection.
func (a api) list(t *testing.T, path string) []entity {
	t.Helper()
	status, body := a.do(t, http.MethodGet, path, nil)
	return decode[[]entity](t, status, body)
}

// result invokes an action and returns what it answered.
func (a api) result(t *testing.T, action string, params any) entity {
	t.Helper()
	status, body := a.do(t, http.MethodPost, "actions/"+action+"?blocking=true&result=true", params)
	return decode[entity](t, status, body)
}

// fire fires a trigger that has one rule and returns the record of what the
// rule ran.
func (a api) fire(t *testing.T, trigger string, params any) (ran entity) {
	t.Helper()
	status, body := a.do(t, http.MethodPost, "triggers/"+trigger, params)
	id := decode[entity](t, status, body).at("activationId")
	var fired entity
	eventually(t, "the record of the fire", func() bool {
		fired = a.get(t, fmt.Sprint("activations/", id))
		return fired != nil
	})
	var rule struct{ ActivationID, Error string }
	logs, _ := fired.at("logs").([]any)
	if len(logs) != 1 {
		t.Fatalf("the rules of the fire are %v", logs)
	}
	if err := json.Unmarshal([]byte(fmt.Sprint(logs[0])), &rule); err != nil || rule.ActivationID == "" {
		t.Fatalf("the rule of the fire is %v, %v", logs[0], err)
	}
	eventually(t, "the record of what the rule ran", func() bool {
		ran = a.get(t, "activations/"+rule.ActivationID)
		return ran != nil
	})
	return ran
}

func decode[T any](t *testing.T, status int, body []byte) (v T) {
	t.Helper()
	if status/100 != 2 {
		t.Fatalf("answered with %d %s", status, body)
	}
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("answered with %s: %v", body, err)
	}
	return v
}

// wantAt compares the value at a path of a document.
func wantAt(t *testing.T, e entity, want any, path ...string) {
	t.Helper()
	got, err := json.Marshal(e.at(path...))
	if err != nil {
		t.Fatal(err)
	}
	wanted, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, wanted) {
		t.Errorf("%s is %s, want %s", strings.Join(path, "."), got, wanted)
	}
}

// eventually waits for what happens after an answer.
func eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for end := time.Now().Add(30 * time.Second); !happened(); <-again.C {
		if time.Now().After(end) {
			t.Fatalf("%s: it did not happen", what)
		}
	}
}

// folder copies a folder of testdata to where a client may write.
func folder(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), filepath.Base(name))
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))); err != nil {
		t.Fatal(err)
	}
	return dir
}
