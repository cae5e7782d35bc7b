package runtimes

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// bundle is what a launcher brings along, packed. A program that was built without the tool that
// fetches it does not have it.
type bundle struct {
	archive string // a file of FS
	folder  string // where it is laid out, relative to the launchers
}

// modules are those that actions of Node.js find beside their own, and crates the sources of those
// that Rust's launcher and most actions use: without them cargo gets them where it gets all others.
func modules() bundle { return bundle{"nodejs/node_modules.tar.gz", "nodejs/node_modules"} }
func crates() bundle  { return bundle{"rust/crates.tar.gz", "rust/crates"} }

// bundled says whether a file of FS is the archive of a bundle.
func bundled(name string) bool { return strings.HasSuffix(name, ".tar.gz") }

// layOut extracts the bundle below dir, unless the same was done before, and returns its folder; empty
// if there is none. What an image has there stays, where this program brings nothing itself.
func (b bundle) layOut(dir string) (string, error) {
	to := filepath.Join(dir, filepath.FromSlash(b.folder))
	archive, err := FS.ReadFile(b.archive)
	if errors.Is(err, fs.ErrNotExist) {
		if has(dir, b.folder) {
			return to, nil
		}
		return "", nil
	}
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(archive)
	stamp := []byte(hex.EncodeToString(sum[:]))
	if kept, err := os.ReadFile(filepath.Join(to, ".bundle")); err == nil && bytes.Equal(kept, stamp) {
		return to, nil
	}
	part := to + ".part"
	if err := errors.Join(os.RemoveAll(part), os.MkdirAll(part, 0o755)); err != nil {
		return "", fmt.Errorf("lay out %s: %w", b.folder, err)
	}
	if err := errors.Join(extract(archive, part), os.WriteFile(filepath.Join(part, ".bundle"), stamp, 0o644), os.RemoveAll(to)); err != nil {
		return "", fmt.Errorf("lay out %s: %w", b.folder, err)
	}
	if err := os.Rename(part, to); err != nil {
		return "", fmt.Errorf("lay out %s: %w", b.folder, err)
	}
	return to, nil
}

// extract writes the files of an archive of this program's own.
func extract(archive []byte, dir string) error {
	plain, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return err
	}
	files := tar.NewReader(plain)
	for {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(h.Name))
		if h.FileInfo().IsDir() {
			if err := os.MkdirAll(to, 0o755); err != nil {
				return err
			}
			continue
		}
		content, err := io.ReadAll(files)
		if err != nil {
			return err
		}
		if err := os.WriteFile(to, content, 0o644); err != nil {
			return err
		}
	}
}
