package actionproxy_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/runtimes"
)

func family(t testing.TB, name string) runtimes.Family {
	t.Helper()
	f, ok := runtimes.FamilyOf(name)
	if !ok {
		t.Fatalf("no family %s", name)
	}
	return f
}

// entry is one member of an archive.
type entry struct {
	name, content string
	mode          fs.FileMode
}

func zipOf(t testing.TB, entries ...entry) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		h.SetMode(e.mode)
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

func tarOf(t testing.TB, headers ...tar.Header) string {
	t.Helper()
	var b bytes.Buffer
	g := gzip.NewWriter(&b)
	w := tar.NewWriter(g)
	for _, h := range headers {
		content := h.Uname // borrowed for the test's content
		h.Uname, h.Size = "", int64(len(content))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), g.Close()); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

func TestArchivesAreExtractedForEveryUserToRead(t *testing.T) {
	dir := t.TempDir()
	code := zipOf(t, entry{"a/", "", fs.ModeDir | 0o700}, entry{"a/b/data", "x", 0o600}, entry{"exec", "#!/bin/sh", 0o600},
		entry{"run.sh", "#!/bin/sh", 0o700}, entry{"link", "a/b/data", fs.ModeSymlink | 0o777})
	got, err := actionproxy.Prepare(protocol.Init{Code: code, Binary: true}, family(t, "bash"), dir, actionproxy.ArchiveLimits{})
	if err != nil {
		t.Fatal(err)
	}
	if got.Init.Dir != dir || got.Init.Code != "" || got.Init.Binary || got.Init.Main != "main" {
		t.Errorf("got %+v", got)
	}
	for name, mode := range map[string]fs.FileMode{"a": 0o755 | fs.ModeDir, "a/b": 0o755 | fs.ModeDir, "a/b/data": 0o644, "exec": 0o755, "run.sh": 0o755} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != mode {
			t.Errorf("%s: got %v, %v", name, info, err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, "link")); err != nil || string(text) != "x" {
		t.Errorf("link: %q, %v", text, err)
	}
}

func TestTarArchivesAreExtracted(t *testing.T) {
	dir := t.TempDir()
	code := tarOf(t, tar.Header{Name: "./index.js", Mode: 0o644, Uname: "exports.main = 1"}, tar.Header{Name: "node_modules/a/index.js", Mode: 0o644})
	if _, err := actionproxy.Prepare(protocol.Init{Code: code, Main: "main", Binary: true}, family(t, "nodejs"), dir, actionproxy.ArchiveLimits{}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "index.js")); err != nil || string(text) != "exports.main = 1" {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestArchivesAreRefused(t *testing.T) {
	for _, tc := range []struct {
		name, code string
		limits     actionproxy.ArchiveLimits
		want       string
	}{
		{"parent", zipOf(t, entry{"../evil", "x", 0o644}), actionproxy.ArchiveLimits{}, "escapes"},
		{"absolute", zipOf(t, entry{"/evil", "x", 0o644}), actionproxy.ArchiveLimits{}, "escapes"},
		{"link to outside", zipOf(t, entry{"l", "../../etc", fs.ModeSymlink | 0o777}), actionproxy.ArchiveLimits{}, "outside the archive"},
		{"absolute link", zipOf(t, entry{"l", "/etc", fs.ModeSymlink | 0o777}), actionproxy.ArchiveLimits{}, "outside the archive"},
		{"hard link", tarOf(t, tar.Header{Name: "h", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"}), actionproxy.ArchiveLimits{}, "neither file"},
		{"device", tarOf(t, tar.Header{Name: "d", Typeflag: tar.TypeChar}), actionproxy.ArchiveLimits{}, "neither file"},
		{"bomb", zipOf(t, entry{"zeros", strings.Repeat("\x00", 1<<20), 0o644}), actionproxy.ArchiveLimits{Bytes: 1 << 19}, "too large"},
		{"many files", zipOf(t, entry{"1", "", 0o644}, entry{"2", "", 0o644}, entry{"3", "", 0o644}), actionproxy.ArchiveLimits{Files: 2}, "too large"},
		{"broken", base64.StdEncoding.EncodeToString([]byte("PK\x03\x04")), actionproxy.ArchiveLimits{}, "not a valid zip"},
		{"broken gzip", base64.StdEncoding.EncodeToString([]byte("\x1f\x8b\x08broken......")), actionproxy.ArchiveLimits{}, "extract the archive"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			parent := t.TempDir()
			dir := filepath.Join(parent, "code")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			_, err := actionproxy.Prepare(protocol.Init{Code: tc.code, Binary: true}, family(t, "bash"), dir, tc.limits)
			var failure *protocol.Failure
			if !errors.As(err, &failure) || failure.Status != 502 || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v", err)
			}
			if left, err := os.ReadDir(parent); err != nil || len(left) != 1 {
				t.Errorf("outside: %v, %v", left, err)
			}
		})
	}
}

func TestBombsAreRefusedBeforeTheyTakeRoom(t *testing.T) {
	for name, code := range map[string]string{
		"entries that share a kilobyte": bombOf(t, 5, 1<<30),
		"one entry":                     bombOf(t, 1, 5<<30),
		"one that lies":                 bombOf(t, 1, 1),
		"100,000 files":                 bombOf(t, 100_000, 1),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			began := time.Now()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := actionproxy.Prepare(protocol.Init{Code: code, Binary: true}, family(t, "bash"), dir, actionproxy.ArchiveLimits{})
			runtime.ReadMemStats(&after)
			if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 100 {
				t.Errorf("it took %d MB of memory", took)
			}
			var failure *protocol.Failure
			if !errors.As(err, &failure) || failure.Status != 502 {
				t.Errorf("got %v", err)
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("it took %s", took)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) > 1 {
				t.Errorf("%d files are left, %v", len(left), err)
			}
		})
	}
}

// bombOf is a zip of n entries that each say to have that size.
func bombOf(t *testing.T, n int, size uint64) string {
	t.Helper()
	var b, zeros bytes.Buffer
	deflate, err := flate.NewWriter(&zeros, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := deflate.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := deflate.Close(); err != nil {
		t.Fatal(err)
	}
	data := zeros.Bytes()
	if n > 1000 {
		data = nil
	}
	w := zip.NewWriter(&b)
	for i := range n {
		f, err := w.CreateRaw(&zip.FileHeader{
			Name: strconv.Itoa(i), Method: zip.Deflate, UncompressedSize64: size, CompressedSize64: uint64(len(data)),
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

func TestSingleFilesAreLaidOut(t *testing.T) {
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for _, tc := range []struct {
		name, family, code string
		binary             bool
		file               string // laid out; empty: travels as text
		source             bool
	}{
		{"node source", "nodejs", "source", false, "", false},
		{"node source in base64", "nodejs", b64("source"), true, "", false},
		{"bash source", "bash", "source", false, "exec", false},
		{"skeleton binary", "blackbox", b64("\x7fELFsource"), true, "exec", false},
		{"java archive", "java", zipOf(t, entry{"A.class", "x", 0o644}), true, "action.jar", false},
		{"go source", "go", "source", false, "main.go", true},
		{"go program", "go", b64("\x7fELFsource"), true, "exec", false},
		{"go archive of a program", "go", zipOf(t, entry{"exec", "x", 0o644}), true, "exec", false},
		{"go archive of source", "go", zipOf(t, entry{"a.go", "x", 0o644}), true, "a.go", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			got, err := actionproxy.Prepare(protocol.Init{Main: "main", Code: tc.code, Binary: tc.binary}, family(t, tc.family), dir, actionproxy.ArchiveLimits{})
			if err != nil {
				t.Fatal(err)
			}
			if tc.file == "" {
				if got.Init.Code != "source" || got.Init.Dir != "" {
					t.Errorf("got %+v", got)
				}
				return
			}
			if _, err := os.Stat(filepath.Join(dir, tc.file)); err != nil || (got.Source == dir) != tc.source || (got.Init.Dir == dir) == tc.source || got.Init.Code != "" {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func FuzzArchivesStayInTheirFolder(f *testing.F) {
	for _, code := range []string{zipOf(f, entry{"a", "x", 0o644}), zipOf(f, entry{"../a", "x", 0o644}), zipOf(f, entry{"l", "..", fs.ModeSymlink | 0o777}, entry{"l/a", "x", 0o644})} {
		raw, err := base64.StdEncoding.DecodeString(code)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		parent := t.TempDir()
		dir := filepath.Join(parent, "code")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		_, _ = actionproxy.Prepare(protocol.Init{Code: base64.StdEncoding.EncodeToString(raw), Binary: true}, family(t, "bash"), dir,
			actionproxy.ArchiveLimits{Bytes: 1 << 20, Files: 100})
		if left, err := os.ReadDir(parent); err != nil || len(left) != 1 {
			t.Errorf("outside: %v, %v", left, err)
		}
	})
}
