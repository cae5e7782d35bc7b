package imagebuild_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/imagebuild"
)

func (w *world) action() *imagebuild.Image {
	w.t.Helper()
	image, err := w.Action(w.t.Context(), imagebuild.ActionSpec{Code: hello, Name: "hello", Kind: "nodejs:20", Base: w.runtime("nodejs:20")})
	if err != nil {
		w.t.Fatal(err)
	}
	return image
}

func (w *world) exists(ref string) bool {
	parsed, err := name.ParseReference(ref)
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = remote.Head(parsed)
	return err == nil
}

func TestAPushThatFailsLeavesNoImage(t *testing.T) {
	for _, row := range []struct {
		name, text string
		fault      func(out http.ResponseWriter, r *http.Request) bool
	}{
		{"refused layers", "DENIED", func(out http.ResponseWriter, r *http.Request) bool {
			return r.Method == http.MethodPost && refuse(out, http.StatusForbidden)
		}},
		{"layers break half-way", "", func(out http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPatch {
				return false
			}
			conn, _, err := http.NewResponseController(out).Hijack()
			if err == nil {
				conn.Close()
			}
			return true
		}},
		{"no more room", "not today", func(out http.ResponseWriter, r *http.Request) bool {
			return r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/blobs/") && refuse(out, http.StatusInsufficientStorage)
		}},
		{"refused manifest", "DENIED", func(out http.ResponseWriter, r *http.Request) bool {
			return r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") && refuse(out, http.StatusForbidden)
		}},
		{"wants a password", "credentials", func(out http.ResponseWriter, r *http.Request) bool {
			out.Header().Set("WWW-Authenticate", `Basic realm="here"`)
			return refuse(out, http.StatusUnauthorized)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			image := w.action()
			w.breakWith(row.fault)
			_, err := w.Push(t.Context(), image, w.host+"/new/hello:1", nil)
			if fault.CodeOf(err) != fault.RegistryFailed || !strings.Contains(err.Error(), row.text) || !strings.Contains(err.Error(), w.host) {
				t.Errorf("got %v", err)
			}
			w.breakWith(nil)
			if w.exists(w.host + "/new/hello:1") {
				t.Error("the tag exists")
			}
			if _, err := w.Push(t.Context(), image, w.host+"/new/hello:1", nil); err != nil {
				t.Errorf("once more: %v", err)
			}
		})
	}
}

func refuse(out http.ResponseWriter, status int) bool {
	out.Header().Set("Content-Type", "application/json")
	out.WriteHeader(status)
	_, _ = out.Write([]byte(`{"errors":[{"code":"DENIED","message":"not today"}]}`))
	return true
}

func TestTheManifestIsPushedAfterItsLayers(t *testing.T) {
	w := newWorld(t)
	image := w.action()
	w.seen()
	if _, err := w.Push(t.Context(), image, w.host+"/other/hello:1", nil); err != nil {
		t.Fatal(err)
	}
	last := ""
	for _, request := range w.seen() {
		if strings.HasPrefix(request, "PUT ") {
			last = request
		}
	}
	if last != "PUT /v2/other/hello/manifests/1" {
		t.Errorf("last was %q", last)
	}
}

func TestASlowRegistryIsGivenUp(t *testing.T) {
	w := newWorld(t)
	image := w.action()
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	w.breakWith(func(_ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-r.Context().Done():
		case <-release:
		}
		return true
	})
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, context.DeadlineExceeded)
	defer cancel()
	if _, err := w.Push(ctx, image, w.host+"/slow:1", nil); fault.CodeOf(err) != fault.RegistryFailed || !strings.Contains(err.Error(), "deadline") {
		t.Errorf("got %v", err)
	}
}

// keychain is one password for all registries.
type keychain struct{}

func (keychain) Resolve(authn.Resource) (authn.Authenticator, error) {
	return &authn.Basic{Username: "me", Password: "secret"}, nil
}

func TestATokenIsFetchedWithTheCredentialsOfTheKeychain(t *testing.T) {
	w := newWorld(t)
	image := w.action()
	w.Keychain = keychain{}
	w.breakWith(func(out http.ResponseWriter, r *http.Request) bool {
		user, password, _ := r.BasicAuth()
		switch {
		case r.URL.Path == "/token" && user == "me" && password == "secret":
			_, _ = out.Write([]byte(`{"token":"t0ken"}`))
			return true
		case r.Header.Get("Authorization") == "Bearer t0ken":
			return false
		}
		out.Header().Set("WWW-Authenticate", `Bearer realm="http://`+r.Host+`/token",service="here"`)
		return refuse(out, http.StatusUnauthorized)
	})
	if _, err := w.Push(t.Context(), image, w.host+"/mine:1", nil); err != nil {
		t.Error(err)
	}
}

func TestARuntimeThatIsCachedIsAskedForItsDigestOnly(t *testing.T) {
	w := newWorld(t)
	ref := w.runtime("nodejs:20")
	tag := w.host + "/runtime/nodejs-20:1"
	spec := imagebuild.ActionSpec{Code: hello, Name: "hello", Kind: "nodejs:20", Base: tag}
	cache := t.TempDir()
	if _, err := w.builder(cache).Action(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	w.seen()
	if _, err := w.builder(cache).Action(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	for _, request := range w.seen() {
		if strings.HasPrefix(request, "GET /v2/runtime") {
			t.Errorf("by tag: %s", request)
		}
	}
	spec.Base = ref
	if _, err := w.builder(cache).Action(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	if seen := w.seen(); len(seen) > 0 {
		t.Errorf("by digest: %q", seen)
	}
	damage(t, filepath.Join(cache, "documents"))
	if _, err := w.builder(cache).Action(t.Context(), spec); err != nil {
		t.Errorf("with a damaged cache: %v", err)
	}
}

func damage(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		t.Fatalf("%d documents, %v", len(entries), err)
	}
	for _, e := range entries {
		if err := os.WriteFile(filepath.Join(dir, e.Name()), []byte("{}"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestImagesThatNothingCanBeBuiltOnAreRefused(t *testing.T) {
	w := newWorld(t)
	put := func(tag string, image remote.Taggable) string {
		t.Helper()
		ref, err := name.ParseReference(w.host + "/" + tag)
		if err != nil {
			t.Fatal(err)
		}
		if i, ok := image.(v1.Image); ok {
			err = remote.Write(ref, i)
		} else {
			err = remote.Put(ref, image)
		}
		if err != nil {
			t.Fatal(err)
		}
		return ref.String()
	}
	foreign, err := mutate.Append(empty.Image, mutate.Addendum{
		Layer: static.NewLayer([]byte("x"), types.DockerForeignLayer), URLs: []string{"https://elsewhere.invalid/x"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ name, ref, text string }{
		{"schema 1", put("old:1", raw{types.DockerManifestSchema1Signed, `{"schemaVersion":1}`}), "schema 1"},
		{"foreign layers", put("foreign:1", withPlatform(t, foreign, "linux", "amd64")), "foreign"},
		{"another system", put("windows:1", withPlatform(t, empty.Image, "windows", "amd64")), "windows"},
		{"no architecture", put("none:1", withPlatform(t, empty.Image, "linux", "")), "architecture"},
		{"another architecture", put("mips:1", withPlatform(t, empty.Image, "linux", "mips64le")), "mips64le"},
		{"no image", put("artefact:1", raw{types.OCIManifestSchema1, `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",` +
			`"config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}`}), "not an image"},
		{"no such tag", w.host + "/nothing:1", "does not have it"},
		{"no reference", "UPPER CASE", "could not parse"},
	} {
		_, err := w.Runtime(t.Context(), imagebuild.RuntimeSpec{Base: row.ref, Kind: "nodejs:20"})
		if code := fault.CodeOf(err); code != fault.BaseRefused && code != fault.RegistryFailed || !strings.Contains(err.Error(), row.text) {
			t.Errorf("%s: got %v", row.name, err)
		}
	}
}

// raw is a manifest as it is.
type raw struct {
	mediaType types.MediaType
	text      string
}

func (r raw) RawManifest() ([]byte, error)        { return []byte(r.text), nil }
func (r raw) MediaType() (types.MediaType, error) { return r.mediaType, nil }

func withPlatform(t *testing.T, image v1.Image, os, arch string) v1.Image {
	t.Helper()
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = os, arch
	if image, err = mutate.ConfigFile(image, config); err != nil {
		t.Fatal(err)
	}
	return image
}

func TestLayersOfABaseInTheFormatOfDockerBecomeOnesOfOCI(t *testing.T) {
	w := newWorld(t)
	docker, err := random.Image(1000, 2)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(w.host + "/docker:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, withPlatform(t, docker, "linux", "amd64")); err != nil {
		t.Fatal(err)
	}
	pushed := w.push(w.Runtime(t.Context(), imagebuild.RuntimeSpec{Base: ref.String(), Kind: "nodejs:20"}))
	m, err := w.pull(pushed).Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if m.MediaType != types.OCIManifestSchema1 || len(m.Layers) != 3 {
		t.Errorf("manifest: %+v", m)
	}
	for _, l := range m.Layers {
		if l.MediaType != types.OCILayer {
			t.Errorf("layer of type %s", l.MediaType)
		}
	}
}

func TestPlainHTTPIsSpokenInPrivateNetworksOnly(t *testing.T) {
	for host, want := range map[string]string{
		"localhost:5000": "http", "127.0.0.1:5000": "http", "10.200.0.1:5000": "http", "192.168.1.1:5000": "http",
		"registry.example.com": "https", "8.8.8.8:5000": "https",
	} {
		registry, err := name.NewRegistry(host)
		if err != nil {
			t.Fatal(err)
		}
		if got := registry.Scheme(); got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
	}
}

func nothing(out http.ResponseWriter, _ *http.Request) bool { return refuse(out, http.StatusNotFound) }
