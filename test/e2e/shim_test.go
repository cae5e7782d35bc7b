package e2e

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/imagebuild"
)

// layered pushes an image with one layer more, of these files, and returns its reference.
func layered(ctx context.Context, from, to string, files map[string][]byte, change func(*v1.Config)) (string, error) {
	var layer bytes.Buffer
	archive := tar.NewWriter(&layer)
	for file, content := range files {
		if err := archive.WriteHeader(&tar.Header{Name: file, Mode: 0o644, Size: int64(len(content))}); err != nil {
			return "", err
		}
		if _, err := archive.Write(content); err != nil {
			return "", err
		}
	}
	if err := archive.Close(); err != nil {
		return "", err
	}
	added, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(layer.Bytes())), nil })
	if err != nil {
		return "", err
	}
	source, err := name.ParseReference(from)
	if err != nil {
		return "", err
	}
	image, err := remote.Image(source, remote.WithContext(ctx))
	if err != nil {
		return "", err
	}
	if image, err = mutate.AppendLayers(image, added); err != nil {
		return "", err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return "", err
	}
	settings := config.DeepCopy().Config
	change(&settings)
	if image, err = mutate.Config(image, settings); err != nil {
		return "", err
	}
	target, err := name.ParseReference(to)
	if err != nil {
		return "", err
	}
	if err := remote.Write(target, image, remote.WithContext(ctx)); err != nil {
		return "", err
	}
	digest, err := image.Digest()
	return target.Context().Digest(digest.String()).String(), err
}

// foreign pushes an image with an action runtime that has nothing of gowhisk's, and returns its
// reference.
func foreign(t *testing.T, c *cluster) string {
	t.Helper()
	text, err := os.ReadFile("testdata/foreign/runtime.py")
	if err != nil {
		t.Fatal(err)
	}
	ref, err := layered(t.Context(), c.registry+"/python:0", c.registry+"/e2e/foreign:1", map[string][]byte{"srv/runtime.py": text}, func(settings *v1.Config) {
		settings.Entrypoint, settings.Cmd = []string{"python3"}, []string{"/srv/runtime.py"}
	})
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// ask sends a request to a host of the ingress.
func (c *cluster) ask(ctx context.Context, host, method, path, body string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.ingress+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Host = host
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, strings.TrimSpace(string(text)), err
}

// exchange is a request and the answer that must come.
type exchange struct {
	name, method, path, body string
	status                   int
	want                     string
}

func (c *cluster) expect(t *testing.T, host string, exchanges []exchange) {
	t.Helper()
	for _, e := range exchanges {
		status, text, err := c.ask(t.Context(), host, e.method, e.path, e.body)
		if err != nil {
			t.Fatalf("%s: %v", e.name, err)
		}
		if status != e.status || compact(text) != compact(e.want) {
			t.Errorf("%s: got %d %s, want %d %s", e.name, status, text, e.status, e.want)
		}
	}
}

// compact is the same JSON without blanks and in one order.
func compact(text string) string {
	var value any
	if json.Unmarshal([]byte(text), &value) != nil {
		return text
	}
	same, err := json.Marshal(value)
	if err != nil {
		return text
	}
	return string(same)
}

// TestAShimInFrontOfARuntimeOfOthersServesKnative has the function in the image.
func TestAShimInFrontOfARuntimeOfOthersServesKnative(t *testing.T) {
	c := newCluster(t)
	image := build(t, "shim", foreign(t, c), "--name", "theirs", "--push", c.registry+"/e2e/theirs")
	b := imagebuild.Builder{Work: t.TempDir()}
	web, err := imagebuild.Annotations(map[string]string{"web-export": "true"})
	if err != nil {
		t.Fatal(err)
	}
	for _, action := range []actionproxy.Action{{Name: "theirs"}, {Name: "theirs-web", Annotations: web}} {
		text, err := b.Service(t.Context(), imagebuild.ServiceSpec{Action: action, Image: image})
		if err != nil {
			t.Fatal(err)
		}
		host, err := c.serve(t.Context(), action.Name, string(text))
		if err != nil {
			t.Fatal(err)
		}
		if action.Annotations == nil {
			c.expect(t, host, []exchange{
				{"arguments", "POST", "/", `{"name":"Bob"}`, 200, `{"in":"the image","name":"Bob"}`},
				{"a second run", "POST", "/", `{"code":"kept","main":"too"}`, 200, `{"code":"kept","in":"the image","main":"too"}`},
				{"an init of an image with its action", "POST", "/", `{"init":{"code":"x"},"value":{}}`, 403, `{"error":"This image is dedicated to one action and takes no init data."}`},
			})
			continue
		}
		status, answer, err := c.ask(t.Context(), host, "GET", "/theirs-web.json?name=Bob", "")
		if err != nil || status != 200 || !strings.Contains(compact(answer), `"name":"Bob"`) || !strings.Contains(compact(answer), `"__ow_method":"get"`) {
			t.Errorf("a web request: got %d %s, %v", status, answer, err)
		}
	}
}

// TestAShimTakesTheActionFromTheFirstRequest has a runtime without a function.
func TestAShimTakesTheActionFromTheFirstRequest(t *testing.T) {
	c := newCluster(t)
	image := build(t, "shim", foreign(t, c), "--push", c.registry+"/e2e/stem")
	host, err := c.serve(t.Context(), "stem", stemCell("stem", image, 8090, nil))
	if err != nil {
		t.Fatal(err)
	}
	const code = `import os\ndef main(args):\n  return {'id': os.environ['__OW_ACTIVATION_ID'], 'K': os.environ['K'], **args}`
	c.expect(t, host, []exchange{
		{"a run before init", "POST", "/", `{"name":"Bob"}`, 403, `{"error":"System not initialized."}`},
		{"init and run", "POST", "/", `{"init":{"name":"x","main":"main","code":"` + code + `","env":{"K":"v"}},"activation":{"activation_id":"a1"},"value":{"name":"Bob"}}`,
			200, `{"K":"v","id":"a1","name":"Bob"}`},
		{"run", "POST", "/", `{"activation":{"activation_id":"a2"},"value":{"name":"Eve"}}`, 200, `{"K":"v","id":"a2","name":"Eve"}`},
		{"a second init", "POST", "/", `{"init":{"name":"x","main":"main","code":"x"}}`, 403, `{"error":"Cannot initialize the action more than once."}`},
		{"an error of the action", "POST", "/", `{"id":{"not":"text"},"K":1,"error":"own"}`, 502, `{"K":1,"error":"own","id":{"not":"text"}}`},
	})
}
