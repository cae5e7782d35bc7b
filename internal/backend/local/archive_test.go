package local

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/containerpool"
)

// zipOf makes a zip of entries; a name ending in "@" is a symbolic link.
func zipOf(t testing.TB, entries ...[2]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: strings.TrimSuffix(e[0], "@"), Method: zip.Deflate}
		h.SetMode(0o644)
		if strings.HasSuffix(e[0], "@") {
			h.SetMode(fs.ModeSymlink | 0o777)
		}
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(e[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarOf(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	w := tar.NewWriter(gz)
	for _, h := range headers {
		body := bytes.Repeat([]byte("x"), int(h.Size))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(body); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), gz.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestUnpackKeepsFilesFoldersAndLinksThatStayInside(t *testing.T) {
	dir := t.TempDir()
	data := zipOf(t, [2]string{"index.js", "code"}, [2]string{"lib/a.js", "a"}, [2]string{"lib/b.js@", "a.js"}, [2]string{"bin/python@", "/usr/bin/python3"})
	if err := unpack(data, dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"index.js": "code", "lib/a.js": "a", "lib/b.js": "a"} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(got) != want {
			t.Errorf("%s = %q, %v; want %q", name, got, err, want)
		}
	}
	if target, err := os.Readlink(filepath.Join(dir, "bin/python")); err != nil || target != "/usr/bin/python3" {
		t.Errorf("link = %q, %v", target, err)
	}
}

func TestUnpackRefusesWhatWouldLeaveTheFolder(t *testing.T) {
	zeros := strings.Repeat("\x00", 2<<20)
	many := make([][2]string, 600)
	for i := range many {
		many[i] = [2]string{"f" + strings.Repeat("i", i%9) + string(rune('a'+i%26)) + strings.Repeat("j", i/26), zeros}
	}
	cases := map[string]struct {
		data []byte
		want string
	}{
		"parent":             {zipOf(t, [2]string{"../evil", "x"}), "outside"},
		"hidden parent":      {zipOf(t, [2]string{"a/../../evil", "x"}), "outside"},
		"backslashes":        {zipOf(t, [2]string{`..\evil`, "x"}), "outside"},
		"absolute":           {zipOf(t, [2]string{"/etc/evil", "x"}), "absolute"},
		"link to the parent": {zipOf(t, [2]string{"l@", "../.."}), "leads outside"},
		"through a link":     {zipOf(t, [2]string{"l@", "/tmp"}, [2]string{"l/evil", "x"}), "leads outside"},
		"twice":              {zipOf(t, [2]string{"a", "x"}, [2]string{"./a", "y"}), "twice"},
		"over a link":        {zipOf(t, [2]string{"a@", "/etc/passwd"}, [2]string{"a", "y"}), "twice"},
		"bomb":               {zipOf(t, many...), "unpacks to more than"},
		"cut short":          {zipOf(t, [2]string{"a", "x"})[:30], "damaged"},
		"tar parent":         {tarOf(t, tar.Header{Name: "../evil", Typeflag: tar.TypeReg, Mode: 0o644, Size: 1}), "outside"},
		"tar device":         {tarOf(t, tar.Header{Name: "dev", Typeflag: tar.TypeChar, Mode: 0o644}), "neither a file nor a folder"},
		"tar hard link":      {tarOf(t, tar.Header{Name: "l", Linkname: "/etc/passwd", Typeflag: tar.TypeLink}), "hard link"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			outer := t.TempDir()
			dir := filepath.Join(outer, "a", "b")
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			err := unpack(c.data, dir)
			f, ok := errors.AsType[*containerpool.Failure](err)
			if !ok || f.Cause != containerpool.Refused || !strings.Contains(f.Message, c.want) {
				t.Errorf("error = %v, want one about %q", err, c.want)
			}
			for _, evil := range []string{"evil", "a/evil", "/tmp/evil", "/etc/evil"} {
				if !filepath.IsAbs(evil) {
					evil = filepath.Join(outer, evil)
				}
				if _, err := os.Lstat(evil); err == nil {
					t.Errorf("%s was written", evil)
				}
			}
		})
	}
}

func FuzzUnpackStaysInside(f *testing.F) {
	f.Add(zipOf(f, [2]string{"../x", "y"}))
	f.Add(zipOf(f, [2]string{"l@", "/tmp"}, [2]string{"l/x", "y"}))
	f.Add(tarOf(f, tar.Header{Name: "a/b", Typeflag: tar.TypeReg, Mode: 0o755, Size: 3}))
	f.Fuzz(func(t *testing.T, data []byte) {
		outer := t.TempDir()
		dir := filepath.Join(outer, "in")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		_ = unpack(data, dir) // whatever it says, it must not write elsewhere
		left, err := os.ReadDir(outer)
		if err != nil || len(left) != 1 {
			t.Fatalf("wrote outside of its folder: %v, %v", left, err)
		}
	})
}
