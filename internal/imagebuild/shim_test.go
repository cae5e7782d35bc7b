package imagebuild_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/imagebuild"
)

// foreignRuntime pushes an image as others make them: nothing in it but its configuration, no shell.
func (w *world) foreignRuntime(tag string, c v1.Config) string {
	w.t.Helper()
	image, err := mutate.Config(withPlatform(w.t, empty.Image, "linux", "amd64"), c)
	if err != nil {
		w.t.Fatal(err)
	}
	ref, err := name.ParseReference(w.host + "/" + tag)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := remote.Write(ref, image); err != nil {
		w.t.Fatal(err)
	}
	return ref.String()
}

func TestAShimKeepsWhatTheImageStartedBefore(t *testing.T) {
	w := newWorld(t)
	image := w.foreignRuntime("upstream:1", v1.Config{
		Entrypoint: []string{"/bin/sh", "-c"}, Cmd: []string{"node app.js"}, WorkingDir: "/nodejsAction", User: "node",
		Env: []string{"__OW_RUNTIME_PLATFORM=openwhisk", "A=b"}, Labels: map[string]string{"theirs": "kept"},
	})
	ref := w.push(w.Shim(t.Context(), imagebuild.ShimSpec{Image: image, Name: "hello"}))
	c := w.config(ref)
	if !slices.Equal(c.Entrypoint, []string{"/.whisk/actionproxy"}) || len(c.Cmd) > 0 || c.User != "node" || c.WorkingDir != "/nodejsAction" || c.Labels["theirs"] != "kept" {
		t.Errorf("configuration: %+v", c)
	}
	if want := []string{"A=b", "__OW_RUNTIME_PLATFORM=shim", "PORT=8090"}; !slices.Equal(c.Env, want) {
		t.Errorf("environment %q, want %q", c.Env, want)
	}
	files := w.files(ref)
	if want := `{"command":["/bin/sh","-c","node app.js"],"dir":"/nodejsAction","port":8080}`; files[".whisk/shim.json"] != want {
		t.Errorf("shim.json is %s, want %s", files[".whisk/shim.json"], want)
	}
	if object(t, files[".whisk/action.json"])["name"] != "hello" || files[".whisk/actionproxy"] == "" {
		t.Errorf("files: %d", len(files))
	}
	if _, err := w.Shim(t.Context(), imagebuild.ShimSpec{Image: ref}); fault.CodeOf(err) != fault.BaseRefused || !strings.Contains(err.Error(), "already") {
		t.Errorf("a shim of a shim: %v", err)
	}
	if _, err := w.Shim(t.Context(), imagebuild.ShimSpec{Image: w.foreignRuntime("empty:1", v1.Config{})}); fault.CodeOf(err) != fault.BaseRefused {
		t.Errorf("a shim of an image without command: %v", err)
	}
}

func TestARebasedActionIsTheOneBuiltOnTheNewRuntime(t *testing.T) {
	w := newWorld(t)
	spec := imagebuild.ActionSpec{Code: hello, Name: "hello", Kind: "nodejs:20", Base: w.runtime("nodejs:20"), Version: "0.0.3", Methods: []string{"GET"}}
	old := w.push(w.Action(t.Context(), spec))
	next, err := w.Runtime(t.Context(), imagebuild.RuntimeSpec{Base: w.foreignRuntime("patched:1", v1.Config{User: "7", Env: []string{"NEW=1"}}), Kind: "nodejs:20"})
	if err != nil {
		t.Fatal(err)
	}
	spec.Base, err = w.Push(t.Context(), next, w.host+"/runtime/next:1", nil)
	if err != nil {
		t.Fatal(err)
	}
	built, err := w.Action(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	moved, err := w.Rebase(t.Context(), old, spec.Base, nil)
	if err != nil {
		t.Fatal(err)
	}
	ref := w.push(moved, nil)
	a, err := w.pull(w.push(built, nil)).ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	b, err := w.pull(ref).ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(a.RootFS.DiffIDs, b.RootFS.DiffIDs) || !slices.Equal(a.Config.Env, b.Config.Env) || a.Config.User != b.Config.User {
		t.Errorf("built: %+v\nmoved: %+v", a, b)
	}
	for key, value := range a.Config.Labels {
		if b.Config.Labels[key] != value {
			t.Errorf("label %s is %q, was %q", key, b.Config.Labels[key], value)
		}
	}
	if _, err := w.Rebase(t.Context(), old, w.runtime("python:3.11"), nil); fault.CodeOf(err) != fault.BaseRefused {
		t.Errorf("onto another language: %v", err)
	}
	if _, err := w.Rebase(t.Context(), spec.Base, spec.Base, nil); fault.CodeOf(err) != fault.BaseRefused {
		t.Errorf("of a runtime: %v", err)
	}
}

func TestTargetsOnDiskAreWholeOrUntouched(t *testing.T) {
	w := newWorld(t)
	image := w.action()
	want, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	fresh, existing := filepath.Join(dir, "new", "layout"), filepath.Join(dir, "empty")
	if err := os.Mkdir(existing, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{fresh, existing, fresh} {
		if err := image.WriteLayout(target); err != nil {
			t.Fatal(err)
		}
		index, err := layout.ImageIndexFromPath(target)
		if err != nil {
			t.Fatal(err)
		}
		m, err := index.IndexManifest()
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Manifests) != 1 || m.Manifests[0].Digest != want {
			t.Errorf("%s: %+v", target, m.Manifests)
		}
	}
	file := filepath.Join(dir, "image.tar")
	if err := image.WriteTar(file, "hello:1"); err != nil {
		t.Fatal(err)
	}
	if _, err := tarball.ImageFromPath(file, nil); err != nil {
		t.Error(err)
	}
	other := folder(t, map[string]string{"precious": "1"})
	if err := image.WriteLayout(other); fault.CodeOf(err) != fault.TargetFailed {
		t.Errorf("a folder with something else: %v", err)
	}
	if err := image.WriteTar(filepath.Join(other, "precious", "x.tar"), "hello:1"); fault.CodeOf(err) != fault.TargetFailed {
		t.Errorf("below a file: %v", err)
	}

	// A base whose layers can not be read any more.
	unreadable, err := w.builder(t.TempDir()).Action(t.Context(), imagebuild.ActionSpec{Code: hello, Name: "x", Kind: "nodejs:20", Base: w.runtime("nodejs:20")})
	if err != nil {
		t.Fatal(err)
	}
	w.breakWith(nothing)
	for _, write := range []func() error{
		func() error { return unreadable.WriteLayout(filepath.Join(dir, "broken")) },
		func() error { return unreadable.WriteLayout(fresh) },
		func() error { return unreadable.WriteTar(filepath.Join(dir, "broken.tar"), "x:1") },
	} {
		if err := write(); fault.CodeOf(err) != fault.TargetFailed {
			t.Errorf("without layers: %v", err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if !slices.Equal(names, []string{"empty", "image.tar", "new"}) {
		t.Errorf("left over: %q", names)
	}
	if _, err := layout.ImageIndexFromPath(fresh); err != nil {
		t.Errorf("what was there before: %v", err)
	}
}

func TestAnOCILayoutIsABase(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(t.TempDir(), "layout")
	runtime, err := w.Runtime(t.Context(), imagebuild.RuntimeSpec{Base: imagebuild.Scratch, Kind: "nodejs:20", Platforms: []v1.Platform{{OS: "linux", Architecture: "amd64"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := runtime.WriteLayout(dir); err != nil {
		t.Fatal(err)
	}
	ref := w.push(w.Action(t.Context(), imagebuild.ActionSpec{Code: hello, Name: "hello", Base: dir}))
	if c := w.config(ref); c.Labels[imagebuild.LabelBaseName] != "" || c.Labels[imagebuild.LabelBaseDigest] == "" {
		t.Errorf("labels: %v", c.Labels)
	}
	if w.files(ref)["action/code"] != hello {
		t.Error("the code is missing")
	}
	damage(t, filepath.Join(dir, "blobs", "sha256"))
	if _, err := w.Action(t.Context(), imagebuild.ActionSpec{Code: hello, Name: "hello", Base: dir}); fault.CodeOf(err) != fault.BaseRefused {
		t.Errorf("a damaged layout: %v", err)
	}
}
