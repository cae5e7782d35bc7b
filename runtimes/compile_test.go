package runtimes_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/runtimes"
)

// sources writes files and returns their folder.
func sources(t *testing.T, files map[string]string) string {
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

func hostOf(t *testing.T, kind string) runtimes.Host {
	t.Helper()
	f, ok := runtimes.FamilyOf(kind)
	if !ok {
		t.Fatalf("no family of %s", kind)
	}
	return runtimes.Host{Kind: kind, Family: f, Path: "/opt/tools/bin/compiler", Version: "1.90.0"}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestSwiftSourceGetsItsLauncher(t *testing.T) {
	const code = "func hello(args: [String:Any]) -> [String:Any] {\n    return args\n}"
	for _, tc := range []struct {
		name, main string
		files      map[string]string
		compiled   []string
	}{
		{"one file", "main.swift", map[string]string{"main.swift": code}, []string{"main.swift"}},
		{"several files", "main.swift", map[string]string{"main.swift": code, "Other.swift": "struct S {}"}, []string{"main.swift", "Other.swift"}},
		{
			"package", "Sources/Action/main.swift", map[string]string{"Package.swift": "", "Sources/Action/main.swift": code, "Sources/Action/B.swift": ""},
			[]string{"Sources/Action/main.swift", "Sources/Action/B.swift"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			src := sources(t, tc.files)
			cmd, err := hostOf(t, "swift:5.7").Compile("hello", src, "/bin", "/cache")
			if err != nil {
				t.Fatal(err)
			}
			text := read(t, filepath.Join(src, tc.main))
			if !strings.HasPrefix(text, code) || !strings.Contains(text, "owCall(hello, args)") || strings.Contains(text, "ENTRYPOINT") {
				t.Errorf("source: %s", text)
			}
			var files []string
			for _, arg := range cmd.Args {
				if rest, ok := strings.CutPrefix(arg, src+"/"); ok {
					files = append(files, rest)
				}
			}
			slices.Sort(files)
			slices.Sort(tc.compiled)
			if !slices.Equal(files, tc.compiled) || !slices.Contains(cmd.Args, "/bin/exec") {
				t.Errorf("command: %v", cmd.Args)
			}
		})
	}
}

func TestRustDependenciesDecideWhereCratesComeFrom(t *testing.T) {
	host, err := hostOf(t, "rust:1.34").Precompile(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if len(host.Prefixes) == 0 {
		t.Skip("gowhisk was built without cargo: it has no crates")
	}
	const head = "[package]\nname = \"greeter\"\nversion = \"1.0.0\"\n"
	for _, tc := range []struct {
		name    string
		files   map[string]string
		builtIn bool
	}{
		{"source alone", map[string]string{"src/lib.rs": ""}, true},
		{"no dependency", map[string]string{"Cargo.toml": head}, true},
		{"what is built in", map[string]string{"Cargo.toml": head + "[dependencies]\nserde_json = \"1\" # JSON\n[dependencies.serde]\nversion = \"1\""}, true},
		{"another crate", map[string]string{"Cargo.toml": head + "[dependencies]\nrand = \"0.8\""}, false},
		{"another crate, in a table", map[string]string{"Cargo.toml": head + "[dependencies.rand]\nversion = \"0.8\""}, false},
		{"another crate, for the build", map[string]string{"Cargo.toml": head + "[build-dependencies]\ncc.version = \"1\""}, false},
		{"its own settings", map[string]string{"Cargo.toml": head, ".cargo/config.toml": "[source]"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			src := sources(t, tc.files)
			if _, err := host.Compile("", src, "/bin", "/cache"); err != nil {
				t.Fatal(err)
			}
			_, err := os.Stat(filepath.Join(src, ".launcher", ".cargo", "config.toml"))
			if (err == nil) != tc.builtIn {
				t.Errorf("built in: %v, want %v", err == nil, tc.builtIn)
			}
			manifest := read(t, filepath.Join(src, ".launcher", "Cargo.toml"))
			want := "package = \"greeter\""
			if tc.files["Cargo.toml"] == "" {
				want = "package = \"actions\""
			}
			if !strings.Contains(manifest, want) {
				t.Errorf("manifest of the launcher: %s", manifest)
			}
		})
	}
}

func TestCompileRefusesWhatItCannotPrepare(t *testing.T) {
	for _, tc := range []struct{ kind, main string }{
		{"rust:1.34", "a b"}, {"swift:5.7", "1st"}, {"go:1.26", "x;y"},
		{"rust:1.34", ""}, {"swift:5.7", ""}, // no source
	} {
		if _, err := hostOf(t, tc.kind).Compile(tc.main, t.TempDir(), "/bin", "/cache"); err == nil {
			t.Errorf("%s %q: no error", tc.kind, tc.main)
		}
	}
	if _, err := hostOf(t, "python:3.11").Compile("main", t.TempDir(), "/bin", "/cache"); !errors.Is(err, runtimes.ErrNotCompiled) {
		t.Errorf("got %v", err)
	}
}

func FuzzRustManifest(f *testing.F) {
	f.Add("[package]\nname = \"a\"\n[dependencies]\nb = 1")
	f.Add("[dependencies.]\n=\n[")
	f.Fuzz(func(t *testing.T, manifest string) {
		src := sources(t, map[string]string{"Cargo.toml": manifest})
		if _, err := hostOf(t, "rust:1.34").Compile("main", src, "/bin", "/cache"); err != nil {
			t.Error(err)
		}
	})
}
