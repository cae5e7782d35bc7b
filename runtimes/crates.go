package runtimes

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// crateArchive holds the sources of the crates that Rust's launcher and most actions use. A program
// that was built without cargo does not have it: then cargo gets them where it gets all others.
const crateArchive = "rust/crates.tar.gz"

// layOutCrates extracts the archive below dir, unless that was done before, and returns the folder
// of the crates; empty if there are none.
func layOutCrates(dir string) (string, error) {
	archive, err := FS.ReadFile(crateArchive)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	to := filepath.Join(dir, fmt.Sprintf("rust/crates-%x", sha256.Sum256(archive))[:len("rust/crates-")+12])
	if _, err := os.Stat(to); err == nil {
		return to, nil
	}
	part := to + ".part"
	if err := errors.Join(os.RemoveAll(part), os.MkdirAll(part, 0o755)); err != nil {
		return "", fmt.Errorf("lay out crates: %w", err)
	}
	if err := extractCrates(archive, part); err != nil {
		return "", fmt.Errorf("lay out crates: %w", err)
	}
	if err := os.Rename(part, to); err != nil {
		return "", fmt.Errorf("lay out crates: %w", err)
	}
	return to, nil
}

func extractCrates(archive []byte, dir string) error {
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
