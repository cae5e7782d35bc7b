package imagebuild_test

import (
	"archive/zip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/imagebuild"
	"github.com/gowhisk/gowhisk/runtimes"
)

func TestSourceInGoIsCompiledForThePlatformOfTheImage(t *testing.T) {
	needs(t, "go", "version")
	w := newWorld(t)
	source := filepath.Join(folder(t, map[string]string{"hello.go": "package main\n\nfunc Main(args map[string]any) map[string]any { return args }\n"}), "hello.go")
	platforms, err := imagebuild.ParsePlatforms([]string{"linux/arm64"})
	if err != nil {
		t.Fatal(err)
	}
	ref := w.push(w.Action(t.Context(), imagebuild.ActionSpec{Source: source, Kind: "go:1.26", Base: imagebuild.Scratch, Platforms: platforms}))
	program := w.files(ref)["action/exec"]
	if len(program) < 20 || program[:4] != "\x7fELF" || program[18] != 183 { // EM_AARCH64
		t.Errorf("exec has %d bytes", len(program))
	}
	if err := os.WriteFile(source, []byte("package main\n\nfunc Main(\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = w.Action(t.Context(), imagebuild.ActionSpec{Source: source, Kind: "go:1.26", Base: imagebuild.Scratch})
	if fault.CodeOf(err) != fault.CompileFailed || !strings.Contains(err.Error(), "main.go:") {
		t.Errorf("broken source: %v", err)
	}
}

// Sources of actions that are uploaded or run compiled.
const (
	javaSource   = "import com.google.gson.JsonObject;\npublic class Hello { public static JsonObject main(JsonObject args) { return args; } }\n"
	rustSource   = "extern crate serde_json;\nuse serde_json::{Error, Value};\npub fn main(args: Value) -> Result<Value, Error> { Ok(args) }\n"
	dotnetSource = "using Newtonsoft.Json.Linq;\nnamespace Shop { public class Hello { public JObject Main(JObject args) { return args; } } }\n"
)

// compilers is a PATH with those of this machine, of `make bin/kinds` too.
func compilers(t *testing.T) string {
	t.Helper()
	path := os.Getenv("PATH")
	for _, dir := range []string{"dotnet", "rust/bin"} {
		dir, err := filepath.Abs(filepath.Join("..", "..", "bin", "kinds", dir))
		if err != nil {
			t.Fatal(err)
		}
		path += string(os.PathListSeparator) + dir
	}
	return path
}

// usable skips the test where the kind can not be compiled here.
func usable(t *testing.T, kind string) {
	t.Helper()
	hosts, err := runtimes.DiscoverOwn(t.Context(), runtimes.Search(compilers(t), os.Getenv("HOME")), kind)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(hosts, func(h runtimes.Host) bool { return h.Kind == kind })
	if at < 0 || !hosts[at].Usable() {
		t.Skipf("no compiler for %s: %v", kind, hosts)
	}
}

func TestSourceIsCompiledByTheCompilerOfThisMachineToTheSameImage(t *testing.T) {
	for _, row := range []struct{ kind, file, source, main, built string }{
		{"java:17", "Hello.java", javaSource, "Hello", "action/action.jar"},
		{"java:8", "Hello.java", javaSource, "Hello", "action/action.jar"},
		{"dotnet:3.1", "hello.cs", dotnetSource, "Shop::Shop.Hello::Main", "action/Shop.dll"},
		{"rust:1.34", "hello.rs", rustSource, "", "action/exec"},
	} {
		t.Run(row.kind, func(t *testing.T) {
			usable(t, row.kind)
			w := newWorld(t)
			base := w.runtime(row.kind)
			var digests []string
			for range 2 {
				source := filepath.Join(folder(t, map[string]string{row.file: row.source}), row.file)
				b := w.builder(t.TempDir())
				b.Environ = append(os.Environ(), "PATH="+compilers(t))
				image, err := b.Action(t.Context(), imagebuild.ActionSpec{Source: source, Main: row.main, Kind: row.kind, Base: base})
				if err != nil {
					t.Fatal(err)
				}
				digest, err := image.Digest()
				if err != nil {
					t.Fatal(err)
				}
				if digests = append(digests, digest.String()); len(digests) > 1 {
					continue
				}
				files := w.files(w.push(image, nil))
				if len(files[row.built]) < 300 || files["action/"+row.file] != "" {
					t.Errorf("%s has %d bytes", row.built, len(files[row.built]))
				}
			}
			if digests[0] != digests[1] {
				t.Errorf("two digests: %q", digests)
			}
		})
	}
}

func TestAJarOfClassesHoldsThemByName(t *testing.T) {
	usable(t, "java:17")
	w := newWorld(t)
	dir := folder(t, map[string]string{"src/shop/Cart.java": strings.Replace("package shop; "+javaSource, "Hello", "Cart", 1), "README.md": "x"})
	w.Environ = append(os.Environ(), "PATH="+compilers(t))
	files := w.files(w.push(w.Action(t.Context(), imagebuild.ActionSpec{Source: dir, Main: "shop.Cart", Kind: "java:17", Base: w.runtime("java:17")})))
	jar, err := zip.NewReader(strings.NewReader(files["action/action.jar"]), int64(len(files["action/action.jar"])))
	if err != nil {
		t.Fatal(err)
	}
	if len(jar.File) != 1 || jar.File[0].Name != "shop/Cart.class" {
		t.Errorf("the jar has %v", jar.File)
	}
	if doc := object(t, files[".whisk/action.json"]); doc["code"] != "/action/action.jar" || doc["binary"] != true {
		t.Errorf("action.json: %v", doc)
	}
}

func TestAMissingCompilerIsNamedWithTheWayAroundIt(t *testing.T) {
	w := newWorld(t)
	w.Environ = []string{"PATH=" + t.TempDir(), "HOME=" + t.TempDir()}
	for kind, source := range map[string]string{"swift:5.7": "hello.swift", "go:1.26": "hello.go"} {
		if h, err := exec.LookPath("swiftc"); err == nil && strings.HasPrefix(kind, "swift") {
			t.Logf("%s is here", h)
			continue
		}
		file := filepath.Join(folder(t, map[string]string{source: "x"}), source)
		_, err := w.Action(t.Context(), imagebuild.ActionSpec{Source: file, Kind: kind, Base: w.runtime(kind)})
		if fault.CodeOf(err) != fault.CompileFailed || !strings.Contains(err.Error(), "nstall") || !strings.Contains(err.Error(), "--tekton") {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestSourceThatMayRunCodeInItsCompilerIsNotCompiledUnasked(t *testing.T) {
	usable(t, "rust:1.34")
	w := newWorld(t)
	w.Environ = append(os.Environ(), "PATH="+compilers(t))
	base := w.runtime("rust:1.34")
	manifest := "[package]\nname = \"a\"\nversion = \"1.0.0\"\n"
	for _, files := range []map[string]string{
		{"src/lib.rs": rustSource, "build.rs": "fn main() {}", "Cargo.toml": manifest},
		{"src/lib.rs": rustSource, ".cargo/config.toml": "[build]\nrustc-wrapper = \"x\"\n", "Cargo.toml": manifest},
		{"src/lib.rs": rustSource, "x.rs": "fn main() {}", "Cargo.toml": manifest + "build = \"x.rs\"\n"},
		{"src/lib.rs": rustSource, "Cargo.toml": manifest + "[dependencies]\nrand = \"0.8\"\n"},
	} {
		_, err := w.Action(t.Context(), imagebuild.ActionSpec{Source: folder(t, files), Base: base})
		if fault.CodeOf(err) != fault.CompileFailed || !strings.Contains(err.Error(), "--scripts") {
			t.Errorf("%v: got %v", files, err)
		}
	}
	w.Own = false
	_, err := w.Action(t.Context(), imagebuild.ActionSpec{Code: `pub static X: &str = include_str!("/etc/passwd");`, Name: "x", Kind: "rust:1.34", Base: base})
	if fault.CodeOf(err) != fault.CompileFailed || !strings.Contains(err.Error(), "not compiled here") {
		t.Errorf("source of others: %v", err)
	}
}

func TestABaseWithAnotherVersionThanTheKindIsRefused(t *testing.T) {
	w := newWorld(t)
	for _, row := range []struct {
		environ, kind string
		refused       bool
	}{
		{"NODE_VERSION=18.19.1", "nodejs:20", true},
		{"NODE_VERSION=20.11.1", "nodejs:20", false},
		{"NODE_VERSION=2.0.1", "nodejs:20", true},
		{"PYTHON_VERSION=3.1.4", "python:3.11", true},
		{"PYTHON_VERSION=3.11.4", "python:3.11", false},
		{"JAVA_VERSION=jdk-17.0.10+7", "java:8", false},
		{"JAVA_VERSION=jdk8u402-b06", "java:17", true},
		{"PATH=/bin", "nodejs:20", false},
	} {
		_, err := w.Runtime(t.Context(), imagebuild.RuntimeSpec{Base: w.foreignRuntime("versions", v1.Config{Env: []string{row.environ}}), Kind: row.kind})
		if refused := fault.CodeOf(err) == fault.BaseRefused; refused != row.refused || !refused && err != nil {
			t.Errorf("%s for %s: got %v", row.environ, row.kind, err)
		}
	}
	_, err := w.Action(t.Context(), imagebuild.ActionSpec{Code: "x", Name: "x", Kind: "nodejs:22", Base: w.runtime("nodejs:20")})
	if fault.CodeOf(err) != fault.BaseRefused || !strings.Contains(err.Error(), "nodejs:22") {
		t.Errorf("another version of the runtime: %v", err)
	}
}
