package runtimes_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/runtimes"
)

func TestManifestHasOneDefaultPerFamily(t *testing.T) {
	var doc struct {
		Runtimes map[string][]struct {
			Kind    string
			Default bool
			Image   struct{ Prefix, Name, Tag string }
		}
		Blackboxes []struct{ Prefix, Name string }
	}
	if err := json.Unmarshal(runtimes.Manifest(), &doc); err != nil {
		t.Fatal(err)
	}
	for family, kinds := range doc.Runtimes {
		defaults := 0
		for _, k := range kinds {
			if !strings.HasPrefix(k.Kind, family+":") || k.Image.Name == "" {
				t.Errorf("%s: kind %q, image %+v", family, k.Kind, k.Image)
			}
			if k.Default {
				defaults++
			}
		}
		if defaults != 1 {
			t.Errorf("%s has %d defaults", family, defaults)
		}
	}
	if len(doc.Blackboxes) != 1 || doc.Blackboxes[0].Name != "dockerskeleton" {
		t.Errorf("blackboxes %+v", doc.Blackboxes)
	}
}

func TestEveryInterpretedFamilyHasItsLauncher(t *testing.T) {
	for _, f := range runtimes.Families() {
		if f.Mode != runtimes.Interpreted {
			continue
		}
		if _, err := runtimes.FS.ReadFile(f.Launcher); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		if got, ok := runtimes.FamilyOf(f.Name + ":1"); !ok || got.Name != f.Name {
			t.Errorf("family of %s:1 is %q", f.Name, got.Name)
		}
	}
	if f, ok := runtimes.FamilyOf("ballerina:1"); ok {
		t.Errorf("ballerina runs without an image: %+v", f)
	}
}

// installation makes a directory with executables that print what real ones print.
func installation(t *testing.T, outputs map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "bin")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, output := range outputs {
		script := "#!/bin/sh\ncat <<'END'\n" + output + "\nEND\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for d := dir; d != filepath.Clean(os.TempDir()); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// in looks nowhere but in one directory.
func in(dir string) runtimes.Lookup {
	return func(pattern string) []string {
		files, _ := filepath.Glob(filepath.Join(dir, pattern))
		return files
	}
}

func discover(t *testing.T, lookup runtimes.Lookup) map[string]runtimes.Host {
	t.Helper()
	hosts, err := runtimes.Discover(t.Context(), lookup)
	if err != nil {
		t.Fatal(err)
	}
	byKind := map[string]runtimes.Host{}
	for _, h := range hosts {
		if _, twice := byKind[h.Kind]; twice {
			t.Errorf("%s is listed twice", h.Kind)
		}
		byKind[h.Kind] = h
	}
	return byKind
}

func TestHostVersionsBecomeKinds(t *testing.T) {
	dir := installation(t, map[string]string{
		"node": "v22.3.1", "php": "PHP 8.0.30 (cli) (built: Jan 1 2026)", "go": "go version go1.24.3 linux/amd64",
		"ruby": "ruby 3.3.5p100 (2026) [x86_64-linux]", "python3": "not a python at all",
	})
	hosts := discover(t, in(dir))
	for kind, version := range map[string]string{"nodejs:22": "22.3.1", "php:8.0": "8.0.30", "go:1.24": "1.24.3",
		"go:1.20": "1.24.3", "ruby:3.3": "3.3.5"} {
		if h := hosts[kind]; !h.Usable() || h.Version != version {
			t.Errorf("%s: got %+v", kind, h)
		}
	}
	for _, kind := range []string{"nodejs:20", "go:1.26", "python:3.11", "java:17", "bash:5"} {
		if h := hosts[kind]; h.Usable() || h.Missing == "" || h.Hint == "" {
			t.Errorf("%s: got %+v", kind, h)
		}
	}
	if h := hosts["blackbox"]; !h.Usable() {
		t.Errorf("blackbox: got %+v", h)
	}
}

func TestNodeThatSaysItsVersionInAFileIsNotStarted(t *testing.T) {
	dir := installation(t, map[string]string{"node": "v1.0.0"})
	header := filepath.Join(filepath.Dir(dir), "include", "node", "node_version.h")
	if err := os.MkdirAll(filepath.Dir(header), 0o755); err != nil {
		t.Fatal(err)
	}
	const text = "#define NODE_MAJOR_VERSION 22\n#define NODE_MINOR_VERSION 3\n#define NODE_PATCH_VERSION 1\n"
	if err := os.WriteFile(header, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if h := discover(t, in(dir))["nodejs:22"]; !h.Usable() || h.Version != "22.3.1" {
		t.Errorf("got %v", h)
	}
}

func TestInterpreterThatOthersCannotReadIsReportedToRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: only then actions run as another user than the server")
	}
	dir := installation(t, map[string]string{"node": "v20.0.0"})
	if err := os.Chmod(filepath.Dir(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	h := discover(t, in(dir))["nodejs:20"]
	if h.Usable() || !strings.Contains(h.Missing, filepath.Dir(dir)+" is closed to other users") || h.Hint == "" {
		t.Errorf("got %v", h)
	}
}

func TestManifestFollowsTheHost(t *testing.T) {
	dir := installation(t, map[string]string{"node": "v22.3.1", "php": "PHP 8.0.30 (cli)", "go": "go version go1.26.8 linux/amd64"})
	hosts, err := runtimes.Discover(t.Context(), in(dir))
	if err != nil {
		t.Fatal(err)
	}
	text, err := runtimes.ManifestFor(hosts)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Runtimes map[string][]struct {
			Kind      string
			Default   bool
			Image     struct{ Name string }
			StemCells []any
		}
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	defaults, cells := map[string]string{}, map[string]int{}
	for family, kinds := range doc.Runtimes {
		for _, k := range kinds {
			if k.Default {
				defaults[family] += k.Kind
			}
			if k.Image.Name == "" {
				t.Errorf("%s has no image", k.Kind)
			}
			cells[k.Kind] = len(k.StemCells)
		}
	}
	for family, kind := range map[string]string{"nodejs": "nodejs:22", "php": "php:8.0", "go": "go:1.26", "python": "python:3.11", "rust": "rust:1.34"} {
		if defaults[family] != kind {
			t.Errorf("default of %s is %q, want %s", family, defaults[family], kind)
		}
	}
	if cells["nodejs:22"] != 1 || cells["nodejs:20"] != 0 {
		t.Errorf("stem cells %v", cells)
	}
}

func TestDiscoveryStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := runtimes.Discover(ctx, in(t.TempDir())); err == nil {
		t.Error("no error")
	}
}

func TestHostsOfThisMachineWork(t *testing.T) {
	for kind, h := range discover(t, runtimes.Search(os.Getenv("PATH"), os.Getenv("HOME"))) {
		t.Log(h)
		if !h.Usable() || h.Family.Name == "blackbox" {
			continue
		}
		if !filepath.IsAbs(h.Path) || h.Version == "" || len(h.Prefixes) == 0 {
			t.Errorf("%s: got %+v", kind, h)
		}
		for _, dir := range append(h.Prefixes, h.ClassPath...) {
			if _, err := os.Stat(dir); err != nil {
				t.Errorf("%s: %v", kind, err)
			}
		}
		if h.Family.Mode == runtimes.Interpreted && !strings.HasPrefix(h.Argv("/launchers")[len(h.Argv("/launchers"))-1], "/launchers/") {
			t.Errorf("%s: command %q", kind, h.Argv("/launchers"))
		}
	}
}

func TestAPythonOfAnImageIsKnownByItsName(t *testing.T) {
	bin := installation(t, map[string]string{"python3.11": "this is not its version"})
	library := filepath.Join(filepath.Dir(bin), "lib", "python3.11")
	if err := os.MkdirAll(library, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(library, "os.py"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	hosts, err := runtimes.DiscoverOwn(t.Context(), in(bin), "python")
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range hosts {
		if h.Usable() != (h.Kind == "python:3.11") {
			t.Errorf("got %v", h)
		}
	}
	if h := discover(t, in(bin))["python:3.11"]; h.Usable() {
		t.Errorf("a server takes a name for a version: %v", h)
	}
}
