package imagebuild_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/gowhisk/gowhisk/internal/imagebuild"
)

// world is a registry of this test and a builder that uses it.
type world struct {
	t *testing.T
	*imagebuild.Builder
	host string

	mu       sync.Mutex
	requests []string                                      // guarded by mu; METHOD PATH
	fault    func(http.ResponseWriter, *http.Request) bool // guarded by mu; true when it has answered
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t}
	own := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.requests = append(w.requests, r.Method+" "+r.URL.Path)
		fault := w.fault
		w.mu.Unlock()
		if fault == nil || !fault(out, r) {
			own.ServeHTTP(out, r)
		}
	}))
	t.Cleanup(server.Close)
	w.host = strings.TrimPrefix(server.URL, "http://")
	w.Builder = w.builder(t.TempDir())
	return w
}

// builder makes another one, as a later command would.
func (w *world) builder(cache string) *imagebuild.Builder {
	return &imagebuild.Builder{Work: w.t.TempDir(), Cache: cache, Proxies: []string{proxies.amd64, proxies.arm64}, Own: true, Environ: os.Environ()}
}

func (w *world) seen() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.requests
	w.requests = nil
	return seen
}

func (w *world) breakWith(fault func(http.ResponseWriter, *http.Request) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = fault
}

// runtime pushes a runtime image made on scratch, and returns its reference.
func (w *world) runtime(kind string, platforms ...v1.Platform) string {
	w.t.Helper()
	image, err := w.Runtime(w.t.Context(), imagebuild.RuntimeSpec{Base: imagebuild.Scratch, Kind: kind, Platforms: platforms})
	if err != nil {
		w.t.Fatal(err)
	}
	ref, err := w.Push(w.t.Context(), image, w.host+"/runtime/"+strings.ReplaceAll(kind, ":", "-")+":1", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return ref
}

func (w *world) pull(ref string) v1.Image {
	w.t.Helper()
	parsed, err := name.ParseReference(ref)
	if err != nil {
		w.t.Fatal(err)
	}
	image, err := remote.Image(parsed)
	if err != nil {
		w.t.Fatal(err)
	}
	return image
}

func (w *world) config(ref string) v1.Config {
	w.t.Helper()
	config, err := w.pull(ref).ConfigFile()
	if err != nil {
		w.t.Fatal(err)
	}
	return config.Config
}

// files are the contents of an image, by name; a link's is its target.
func (w *world) files(ref string) map[string]string {
	w.t.Helper()
	content := mutate.Extract(w.pull(ref))
	defer content.Close()
	found := map[string]string{}
	archive := tar.NewReader(content)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			w.t.Fatal(err)
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			w.t.Fatal(err)
		}
		found[h.Name] = string(text) + h.Linkname
	}
}

func (w *world) push(image *imagebuild.Image, err error) string {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	ref, err := w.Push(w.t.Context(), image, w.host+"/pushed:1", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return ref
}

// folder writes files into a new folder.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return m
}

// proxies are programs for Linux, small ones: what they do is tested where they are started.
var proxies struct{ amd64, arm64 string }

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "imagebuild")
	if err != nil {
		log.Fatal(err)
	}
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o644); err != nil {
		log.Fatal(err)
	}
	for arch, file := range map[string]*string{"amd64": &proxies.amd64, "arm64": &proxies.arm64} {
		*file = filepath.Join(dir, "actionproxy-linux-"+arch)
		build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", *file, source)
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
		if out, err := build.CombinedOutput(); err != nil {
			log.Fatalf("%v\n%s", err, bytes.TrimSpace(out))
		}
	}
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		log.Fatal(err)
	}
	os.Exit(code)
}
