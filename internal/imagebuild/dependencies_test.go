package imagebuild_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/imagebuild"
)

// needs skips where a program is missing.
func needs(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Skipf("%s %s: %v %s", program, strings.Join(args, " "), err, out)
	}
}

// npmPackage is one whose script must not run.
func npmPackage(t *testing.T) string {
	t.Helper()
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	archive := tar.NewWriter(packed)
	for name, content := range map[string]string{
		"package/package.json": `{"name":"left-pad","version":"1.0.0","main":"index.js","scripts":{"install":"touch SCRIPT-RAN"}}`,
		"package/index.js":     "module.exports = () => 'padded'",
	} {
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestDependenciesOfNodeAreALayerOfTheirOwn(t *testing.T) {
	needs(t, "npm", "--version")
	w := newWorld(t)
	dir := folder(t, map[string]string{
		"package.json":            `{"main":"index.js","dependencies":{"left-pad":"file:left-pad.tgz"}}`,
		"index.js":                "exports.main = () => ({pad: require('left-pad')()})",
		"left-pad.tgz":            npmPackage(t),
		"node_modules/old/old.js": "stale",
	})
	runtime := w.runtime("nodejs:20")
	spec := imagebuild.ActionSpec{Source: dir, Name: "padded", Base: runtime, Install: true}
	ref := w.push(w.Action(t.Context(), spec))
	files := w.files(ref)
	if files["action/node_modules/left-pad/index.js"] == "" || files["action/index.js"] == "" {
		t.Error("files are missing")
	}
	for name := range files {
		if strings.Contains(name, "old/old.js") || strings.Contains(name, "SCRIPT-RAN") {
			t.Errorf("%s is in the image", name)
		}
	}
	layers, err := w.pull(ref).Layers()
	if err != nil {
		t.Fatal(err)
	}
	if len(layers) != 3 {
		t.Errorf("%d layers, want those of runtime, dependencies and code", len(layers))
	}
	if _, err := os.Stat(filepath.Join(dir, "package-lock.json")); err == nil {
		t.Error("the source was changed")
	}

	if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte(`{"dependencies":{"x":"file:nowhere.tgz"}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Action(t.Context(), spec); fault.CodeOf(err) != fault.InstallFailed || !strings.Contains(err.Error(), "nowhere.tgz") {
		t.Errorf("an unknown package: %v", err)
	}
}

func TestLockedDependenciesAreInstalledOnce(t *testing.T) {
	w := newWorld(t)
	bin := folder(t, map[string]string{"npm": "#!/bin/sh\necho run >> \"$LOG\"\nmkdir -p node_modules/x && echo 1 > node_modules/x/index.js\n"})
	if err := os.Chmod(filepath.Join(bin, "npm"), 0o755); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(t.TempDir(), "log")
	spec := imagebuild.ActionSpec{Name: "locked", Base: w.runtime("nodejs:20"), Install: true}
	cache := t.TempDir()
	build := func(lock string) string {
		spec.Source = folder(t, map[string]string{"package.json": `{"dependencies":{"x":"1"}}`, "index.js": "1", "package-lock.json": lock})
		b := w.builder(cache)
		b.Environ = []string{"PATH=" + bin + ":/bin:/usr/bin", "LOG=" + log}
		image, err := b.Action(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		digest, err := image.Digest()
		if err != nil {
			t.Fatal(err)
		}
		return digest.String()
	}
	first, second := build("{}"), build("{}")
	if first != second {
		t.Errorf("digests %s and %s", first, second)
	}
	build(`{"other":1}`)
	runs, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(runs), "run"); got != 2 {
		t.Errorf("npm ran %d times, want once for each lock", got)
	}
}

func TestDependenciesOfPythonAreWheels(t *testing.T) {
	needs(t, "python3", "-m", "pip", "--version")
	w := newWorld(t)
	record := "padded/__init__.py,,\npadded-1.0.dist-info/METADATA,,\npadded-1.0.dist-info/WHEEL,,\npadded-1.0.dist-info/RECORD,,\n"
	wheel := zipped(t, map[string]string{
		"padded/__init__.py":                    "def pad(): return 'padded'\n",
		"padded-1.0.dist-info/METADATA":         "Metadata-Version: 2.1\nName: padded\nVersion: 1.0\n",
		"padded-1.0.dist-info/WHEEL":            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		"padded-1.0.dist-info/RECORD":           record,
		"padded-1.0.dist-info/entry_points.txt": "[console_scripts]\npad = padded:pad\n",
	})
	var digests []string
	for range 2 {
		dir := folder(t, map[string]string{
			"__main__.py":                        "import padded\ndef main(args): return {'pad': padded.pad()}\n",
			"requirements.txt":                   "--no-index\n--find-links wheels\npadded==1.0\n",
			"wheels/padded-1.0-py3-none-any.whl": string(wheel),
		})
		image, err := w.Action(t.Context(), imagebuild.ActionSpec{Source: dir, Name: "padded", Base: w.runtime("python:3.11"), Install: true})
		if err != nil {
			t.Fatal(err)
		}
		ref := w.push(image, nil)
		files, c := w.files(ref), w.config(ref)
		if files[".whisk/site-packages/padded/__init__.py"] == "" || !strings.Contains(strings.Join(c.Env, " "), "PYTHONPATH=/.whisk/site-packages") {
			t.Errorf("environment %q, %d files", c.Env, len(files))
		}
		for name := range files {
			if strings.HasPrefix(name, ".whisk/site-packages/bin") || strings.Contains(name, "__pycache__") {
				t.Errorf("%s is in the image", name)
			}
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
	_, err := w.Action(t.Context(), imagebuild.ActionSpec{
		Source: folder(t, map[string]string{"__main__.py": "", "requirements.txt": "--no-index\nnothing==1\n"}),
		Name:   "x", Base: w.runtime("python:3.11"), Install: true,
	})
	if fault.CodeOf(err) != fault.InstallFailed {
		t.Errorf("an unknown package: %v", err)
	}
}
