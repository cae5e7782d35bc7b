package runner_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/backend/local"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/invoker"
	"github.com/gowhisk/gowhisk/internal/runner"
	"github.com/gowhisk/gowhisk/internal/sandbox"
	"github.com/gowhisk/gowhisk/runtimes"
)

// TestMain lets the sandboxes of these runners start.
func TestMain(m *testing.M) {
	sandbox.Init()
	local.Init()
	os.Exit(m.Run())
}

func write(t *testing.T, file, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func zipped(t *testing.T, names ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range names {
		if _, err := w.Create(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestNamesTellTheLanguage(t *testing.T) {
	for _, tc := range []struct {
		name, content, family string
		binary                bool
	}{
		{"a.js", "x", "nodejs", false},
		{"a.MJS", "x", "nodejs", false},
		{"a.py", "x", "python", false},
		{"a.rs", "x", "rust", false},
		{"a.swift", "x", "swift", false},
		{"a.sh", "x", "bash", false},
		{"a.jar", zipped(t, "A.class"), "java", true},
		{"A.dll", "MZ", "dotnet", true},
		{"script", "#!/bin/sh\n", "blackbox", false},
		{"program", "\x7fELF...", "blackbox", true},
		{"a.zip", zipped(t, "package.json", "x.py"), "nodejs", true},
		{"a.zip", zipped(t, "Cargo.toml", "src/lib.rs"), "rust", true},
		{"a.zip", zipped(t, "exec"), "blackbox", true},
		{"a.zip", zipped(t, "readme"), "", true},
		{"notes.txt", "x", "", false},
	} {
		t.Run(tc.name+" "+tc.family, func(t *testing.T) {
			s, err := runner.Load(write(t, filepath.Join(t.TempDir(), tc.name), tc.content))
			if err != nil || s.Family != tc.family || s.Binary != tc.binary || s.ID == "" {
				t.Errorf("got %+v, %v", s, err)
			}
		})
	}
}

func TestFolderBecomesAnArchiveWithoutItsHistory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "greeter")
	write(t, filepath.Join(dir, "index.php"), "<?php")
	write(t, filepath.Join(dir, "lib/a.php"), "<?php")
	if err := os.Symlink("a.php", filepath.Join(dir, "lib/b.php")); err != nil {
		t.Fatal(err)
	}
	before, err := runner.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, ".git/HEAD"), "ref")
	after, err := runner.Load(dir)
	if err != nil || before.ID != after.ID || after.Family != "php" || after.Name != "greeter" || !after.Binary {
		t.Errorf("got %+v, %v", after, err)
	}
}

// options are for a kind that this host runs; others skip the test.
func options(t *testing.T, kind string) runner.Options {
	t.Helper()
	if program := map[string]string{"nodejs": "node", "bash": "bash", "php": "php"}[kind]; program != "" {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(program + " is not on this host")
		}
	}
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return runner.Options{
		Kind: kind, Limits: entity.DefaultLimits(), Executable: executable, Cache: filepath.Join(t.TempDir(), "cache"),
		Lookup: runtimes.Search("/usr/bin:/bin", ""), Logger: slog.New(slog.DiscardHandler),
	}
}

func open(t *testing.T, opt runner.Options) *runner.Runner {
	t.Helper()
	r, err := runner.New(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}

func TestContainerStaysWarmUntilTheCodeChanges(t *testing.T) {
	r := open(t, options(t, "nodejs"))
	file := filepath.Join(t.TempDir(), "count.js")
	for _, step := range []struct {
		code, want string
		start      invoker.Start
	}{
		{"let n = 0; exports.main = p => ({n: ++n, p});", `{"n":1,"p":{"a":1}}`, invoker.Cold},
		{"let n = 0; exports.main = p => ({n: ++n, p});", `{"n":2,"p":{"a":1}}`, invoker.Warm},
		{"let n = 5; exports.main = p => ({n: ++n, p});", `{"n":6,"p":{"a":1}}`, invoker.Cold},
	} {
		s, err := runner.Load(write(t, file, step.code))
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Run(t.Context(), s, json.RawMessage(`{"a":1}`))
		if err != nil || string(got.Response.Result) != step.want || got.Start != step.start {
			t.Errorf("%s: got %s start %s, %v, %v", step.want, got.Start, got.Response.Result, got.Logs, err)
		}
	}
}

func TestRunnersAtOnceDoNotShareAFolder(t *testing.T) {
	opt := options(t, "bash")
	a, b := open(t, opt), open(t, opt)
	s := runner.Source{Name: "a", Code: "echo '{\"a\":1}'", ID: "1"}
	for _, r := range []*runner.Runner{a, b} {
		if got, err := r.Run(t.Context(), s, json.RawMessage(`{}`)); err != nil || string(got.Response.Result) != `{"a":1}` {
			t.Errorf("got %s %v %v", got.Response.Result, got.Logs, err)
		}
	}
}

func TestKindThatIsNotHereIsExplained(t *testing.T) {
	opt := options(t, "nodejs:999")
	_, err := runner.New(t.Context(), opt)
	if reason, ok := errors.AsType[*fault.Error](err); !ok || reason.Report.Code != fault.KindMissing {
		t.Errorf("got %v", err)
	}
}

func TestWatcherSeesWhatEditorsDo(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "one", "a.js"), "1")
	tree := filepath.Join(dir, "tree")
	write(t, filepath.Join(tree, "b.js"), "1")
	w, err := runner.Watch(file, tree)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, tc := range []struct {
		name   string
		change func() error
		seen   bool
	}{
		{"write", func() error { return os.WriteFile(file, []byte("2"), 0o600) }, true},
		{"replacement", func() error {
			part := write(t, filepath.Join(dir, "one", ".a.js.swp"), "3")
			return os.Rename(part, file)
		}, true},
		{"neighbour", func() error { return os.WriteFile(filepath.Join(dir, "one", "other"), nil, 0o600) }, false},
		{"new folder", func() error { return os.MkdirAll(filepath.Join(tree, "sub"), 0o755) }, true},
		{"file in a new folder", func() error { return os.WriteFile(filepath.Join(tree, "sub", "c.js"), nil, 0o600) }, true},
		{"permissions", func() error { return os.Chmod(file, 0o644) }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			patience := 20 * time.Second
			if !tc.seen {
				patience = 300 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := tc.change(); err != nil {
				t.Fatal(err)
			}
			if err := w.Next(ctx); (err == nil) != tc.seen {
				t.Errorf("got %v", err)
			}
		})
	}
}
