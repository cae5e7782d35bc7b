package imagebuild_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/imagebuild"
)

const hello = "function main(args) { return {greeting: 'Hello ' + args.name} }\n"

func TestAnActionIsOneLayerOnItsRuntime(t *testing.T) {
	w := newWorld(t)
	runtime := w.runtime("nodejs:20")
	source := filepath.Join(folder(t, map[string]string{"hello.js": hello}), "hello.js")
	ref := w.push(w.Action(t.Context(), imagebuild.ActionSpec{
		Source: source, Base: runtime, Version: "1.2.3", Methods: []string{"GET"}, Install: true,
		Annotations: actionproxy.KeyValues{{Key: "web-export", Value: []byte("true")}},
	}))

	below, err := w.pull(runtime).Layers()
	if err != nil {
		t.Fatal(err)
	}
	layers, err := w.pull(ref).Layers()
	if err != nil {
		t.Fatal(err)
	}
	if len(layers) != len(below)+1 {
		t.Errorf("the image has %d layers, its runtime %d", len(layers), len(below))
	}
	files := w.files(ref)
	if files["action/hello.js"] != hello {
		t.Errorf("files: %v", files)
	}
	doc := object(t, files[".whisk/action.json"])
	for key, want := range map[string]any{"name": "hello", "version": "1.2.3", "kind": "nodejs:20", "code": "/action/hello.js"} {
		if doc[key] != want {
			t.Errorf("action.json: %s is %v, want %v", key, doc[key], want)
		}
	}
	c := w.config(ref)
	for key, want := range map[string]string{
		imagebuild.LabelTitle: "hello", imagebuild.LabelVersion: "1.2.3", imagebuild.LabelKind: "nodejs:20", imagebuild.LabelStage: "action",
		imagebuild.LabelBaseName: w.host + "/runtime/nodejs-20", imagebuild.LabelCode: "/action/hello.js", imagebuild.LabelPort: "8080",
	} {
		if c.Labels[key] != want {
			t.Errorf("label %s is %q, want %q", key, c.Labels[key], want)
		}
	}
	m, err := w.pull(ref).Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if m.Annotations[imagebuild.LabelTitle] != "hello" {
		t.Errorf("annotations: %v", m.Annotations)
	}
	if strings.Contains(strings.Join(c.Env, "\n"), "greeting") || !slices.Contains(c.Env, "__OW_RUNTIME_PLATFORM=knative") {
		t.Errorf("environment: %q", c.Env)
	}
	if c.User != "65532:65532" || c.Entrypoint[0] != "/.whisk/actionproxy" {
		t.Errorf("user %q, entrypoint %q", c.User, c.Entrypoint)
	}
}

func TestARuntimeImageHasTheLaunchersOfItsKindAlone(t *testing.T) {
	w := newWorld(t)
	for kind, want := range map[string]string{"nodejs:20": "nodejs/launcher.cjs", "python:3.11": "python/launcher.py", "php:8.2": "php/launcher.php", "ruby:3.1": "ruby/launcher.rb", "java:17": "", "bash": ""} {
		files := w.files(w.runtime(kind))
		own, _, _ := strings.Cut(want, "/")
		for name := range files {
			inside, ok := strings.CutPrefix(name, ".whisk/launchers/")
			if ok && (own == "" || !strings.HasPrefix(inside, own)) {
				t.Errorf("%s has %s", kind, name)
			}
		}
		if want != "" && files[".whisk/launchers/"+want] == "" {
			t.Errorf("%s lacks %s", kind, want)
		}
	}
}

func TestTheSameInputHasTheSameDigestWhereverAndWheneverItIsBuilt(t *testing.T) {
	w := newWorld(t)
	runtime := w.runtime("nodejs:20")
	var digests []string
	for i, umask := range []os.FileMode{0o600, 0o644} {
		dir := folder(t, map[string]string{"package.json": `{"main":"index.js"}`, "index.js": hello, "lib/a.js": "1", "lib/b.js": "2"})
		for _, name := range []string{"index.js", "lib/b.js"} {
			file := filepath.Join(dir, name)
			if err := os.Chmod(file, umask); err != nil {
				t.Fatal(err)
			}
			day := time.Date(1999+i, 1, 1, 0, 0, 0, 0, time.UTC)
			if err := os.Chtimes(file, day, day); err != nil {
				t.Fatal(err)
			}
		}
		image, err := w.builder(t.TempDir()).Action(t.Context(), imagebuild.ActionSpec{Source: dir, Name: "same", Base: runtime, Install: true})
		if err != nil {
			t.Fatal(err)
		}
		digest, err := image.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, digest.String())
	}
	if digests[0] != digests[1] {
		t.Errorf("two digests: %q", digests)
	}
}

func TestTheClockOfTheMachineIsNotInTheDigest(t *testing.T) {
	w := newWorld(t)
	build := func(t *testing.T) v1.Hash {
		dir := folder(t, map[string]string{"package.json": `{"main":"index.js"}`, "index.js": hello})
		image, err := w.builder(t.TempDir()).Action(t.Context(), imagebuild.ActionSpec{Source: dir, Name: "same", Base: imagebuild.Scratch})
		if err != nil {
			t.Fatal(err)
		}
		digest, err := image.Digest()
		if err != nil {
			t.Fatal(err)
		}
		return digest
	}
	today := build(t)
	synctest.Test(t, func(t *testing.T) { // its clock begins in the year 2000
		for range 2 {
			if digest := build(t); digest != today {
				t.Errorf("on %s it is %s, today %s", time.Now(), digest, today)
			}
			time.Sleep(1000 * 24 * time.Hour)
		}
	})
}

// TestTheBytesOfALayerStayWhatTheyAre fails when a new version of the compressor, or of Go, writes
// other bytes: then images that were built before have other digests, which a release has to say.
func TestTheBytesOfALayerStayWhatTheyAre(t *testing.T) {
	w := newWorld(t)
	text := strings.Repeat("all work and no play makes Jack a dull boy\n", 1000)
	source := filepath.Join(folder(t, map[string]string{"jack.js": text + hello}), "jack.js")
	ref := w.push(w.Action(t.Context(), imagebuild.ActionSpec{Source: source, Base: w.runtime("nodejs:20")}))
	layers, err := w.pull(ref).Layers()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := layers[len(layers)-1].Digest()
	if err != nil {
		t.Fatal(err)
	}
	if want := goldenLayer; digest.String() != want {
		t.Errorf("the layer is %s, was %s", digest, want)
	}
}

const goldenLayer = "sha256:cd9b4de6ef21306d8d35e2da7a9ce2c1f4497338859c9c938cd3c975d8442d35"

func TestSourcesOfEveryFormBecomeFiles(t *testing.T) {
	w := newWorld(t)
	archive := zipped(t, map[string]string{"index.js": hello, "package.json": "{}", "node_modules/x/index.js": "1"})
	file := filepath.Join(t.TempDir(), "zipped.zip")
	if err := os.WriteFile(file, archive, 0o644); err != nil {
		t.Fatal(err)
	}
	dir := folder(t, map[string]string{"__main__.py": "def main(a): return a", ".env": "SECRET=1", "sub/.npmrc": "token", ".git/config": "x"})
	for _, row := range []struct {
		name string
		spec imagebuild.ActionSpec
		want map[string]string
	}{
		{"an archive with its modules", imagebuild.ActionSpec{Source: file, Install: true},
			map[string]string{"action/index.js": hello, "action/node_modules/x/index.js": "1"}},
		{"text", imagebuild.ActionSpec{Code: hello, Name: "n", Kind: "nodejs"}, map[string]string{"action/code": hello}},
		{"base64 of an archive", imagebuild.ActionSpec{Code: base64.StdEncoding.EncodeToString(archive), Binary: true, Name: "n", Kind: "nodejs:20"},
			map[string]string{"action/index.js": hello}},
		{"a folder, without what is private", imagebuild.ActionSpec{Source: dir},
			map[string]string{"action/__main__.py": "def main(a): return a", "action/.env": "", "action/sub/.npmrc": "", "action/.git/config": ""}},
	} {
		row.spec.Base = imagebuild.Scratch
		files := w.files(w.push(w.Action(t.Context(), row.spec)))
		for name, want := range row.want {
			if files[name] != want {
				t.Errorf("%s: %s is %q, want %q", row.name, name, files[name], want)
			}
		}
	}
}

func zipped(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	for name, content := range files {
		f, err := archive.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestHostileAndWrongSourcesAreRefused(t *testing.T) {
	w := newWorld(t)
	base := w.runtime("nodejs:20")
	put := func(name string, content []byte) string {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, content, 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	linked := folder(t, map[string]string{"index.js": hello})
	if err := os.Symlink("/etc/passwd", filepath.Join(linked, "passwd")); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, code, text string
		spec             imagebuild.ActionSpec
	}{
		{"climbing zip", fault.SourceRefused, "escape", imagebuild.ActionSpec{Source: put("a.zip", zipped(t, map[string]string{"../../x": "1"}))}},
		{"broken zip", fault.SourceRefused, "zip", imagebuild.ActionSpec{Source: put("a.zip", []byte("PK\x03\x04nothing")), Kind: "nodejs:20"}},
		{"broken tar", fault.SourceRefused, "extract", imagebuild.ActionSpec{Source: put("a.tgz", []byte("\x1f\x8bnothing")), Kind: "nodejs:20"}},
		{"zip without an entry", fault.SourceRefused, "index.js", imagebuild.ActionSpec{Source: put("a.zip", zipped(t, map[string]string{"readme": "1"}))}},
		{"link out of the folder", fault.SourceRefused, "outside", imagebuild.ActionSpec{Source: linked}},
		{"no archive", fault.SourceRefused, "neither zip", imagebuild.ActionSpec{Source: put("a.zip", []byte("x")), Kind: "nodejs:20"}},
		{"empty", fault.SourceRefused, "empty", imagebuild.ActionSpec{Source: put("a.js", nil)}},
		{"no such file", fault.SourceRefused, "no such file", imagebuild.ActionSpec{Source: "nowhere.js"}},
		{"no base64", fault.SourceRefused, "base64", imagebuild.ActionSpec{Code: "!!!", Binary: true, Name: "x", Kind: "nodejs:20"}},
		{"too large", fault.SourceRefused, "more than", imagebuild.ActionSpec{Source: put("a.js", make([]byte, actionproxy.MaxBody+1))}},
		{"another language", fault.BaseRefused, "python", imagebuild.ActionSpec{Source: put("a.py", []byte("x"))}},
		{"unknown language", fault.SourceRefused, "--kind", imagebuild.ActionSpec{Source: put("a.unknown", []byte("x")), Base: imagebuild.Scratch}},
		{"no main", fault.SourceRefused, "--main", imagebuild.ActionSpec{Source: put("a.jar", []byte("PK\x03\x04")), Base: imagebuild.Scratch}},
	} {
		if row.spec.Base == "" {
			row.spec.Base = base
		}
		_, err := w.Action(t.Context(), row.spec)
		if fault.CodeOf(err) != row.code || !strings.Contains(err.Error(), row.text) {
			t.Errorf("%s: got %v, want %s and %q", row.name, err, row.code, row.text)
		}
	}
}

func TestAnIndexIsBuiltForEveryPlatform(t *testing.T) {
	w := newWorld(t)
	runtime := w.runtime("python:3.11", v1.Platform{OS: "linux", Architecture: "amd64"}, v1.Platform{OS: "linux", Architecture: "arm64"})
	image, err := w.Action(t.Context(), imagebuild.ActionSpec{Code: "def main(a): return a", Name: "both", Base: runtime})
	if err != nil {
		t.Fatal(err)
	}
	if got := image.Platforms(); !slices.Equal(got, []string{"linux/amd64", "linux/arm64"}) {
		t.Errorf("platforms: %q", got)
	}
	one, err := w.Action(t.Context(), imagebuild.ActionSpec{Code: "def main(a): return a", Name: "one", Base: runtime,
		Platforms: []v1.Platform{{OS: "linux", Architecture: "arm64"}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := one.Platforms(); !slices.Equal(got, []string{"linux/arm64"}) {
		t.Errorf("platforms: %q", got)
	}
	if err := image.WriteTar(filepath.Join(t.TempDir(), "x.tar"), "x:1"); fault.CodeOf(err) != fault.TargetFailed {
		t.Errorf("a tar of two platforms: %v", err)
	}
	_, err = w.Action(t.Context(), imagebuild.ActionSpec{Code: "x", Name: "s390x", Base: runtime, Platforms: []v1.Platform{{OS: "linux", Architecture: "s390x"}}})
	if fault.CodeOf(err) != fault.BaseRefused || !strings.Contains(err.Error(), "linux/s390x") {
		t.Errorf("another platform: %v", err)
	}
}
