package imagebuild

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// cache keeps small documents by their digest: manifests and configurations of bases. What is in it
// is checked when it is read, so that it needs no trust. An empty cache keeps nothing.
type cache string

func (c cache) file(h v1.Hash) string {
	return filepath.Join(string(c), "documents", h.Algorithm+"-"+h.Hex)
}

// get returns the document, false if it is not there or damaged.
func (c cache) get(h v1.Hash) ([]byte, bool) {
	if c == "" || h.Algorithm != "sha256" {
		return nil, false
	}
	content, err := os.ReadFile(c.file(h))
	if err != nil {
		return nil, false
	}
	sum, _, err := v1.SHA256(bytes.NewReader(content))
	return content, err == nil && sum == h
}

func (c cache) put(h v1.Hash, content []byte) error {
	if c == "" || h.Algorithm != "sha256" {
		return nil
	}
	return writeWhole(c.file(h), func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// writeWhole makes the file with all of its content, or leaves what was there.
func writeWhole(file string, write func(io.Writer) error) (err error) {
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "."+filepath.Base(file)+"-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := errors.Join(f.Chmod(0o644), f.Sync()); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// keepLayer moves a layer into the cache under a key of its input.
func (c cache) keepLayer(key string, l *layer) error {
	if c == "" {
		return nil
	}
	content, err := l.Compressed()
	if err != nil {
		return err
	}
	defer content.Close()
	err = writeWhole(c.layerFile(key), func(w io.Writer) error {
		_, err := io.Copy(w, content)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep a layer of dependencies: %w", err)
	}
	return writeWhole(c.layerFile(key)+".digests", func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s %s\n", l.digest, l.diffID)
		return err
	})
}

func (c cache) layerFile(key string) string { return filepath.Join(string(c), "dependencies", key) }

// layer returns what keepLayer kept, nil if there is nothing or it is damaged.
func (c cache) layer(key string) (*layer, error) {
	if c == "" {
		return nil, nil
	}
	text, err := os.ReadFile(c.layerFile(key) + ".digests")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the cache: %w", err)
	}
	var digest, diffID string
	if _, err := fmt.Sscan(string(text), &digest, &diffID); err != nil {
		return nil, nil //nolint:nilerr // as if it was not there: it is made anew
	}
	l := &layer{open: func() (io.ReadCloser, error) { return os.Open(c.layerFile(key)) }}
	if l.digest, err = v1.NewHash(digest); err != nil {
		return nil, nil //nolint:nilerr // as above
	}
	if l.diffID, err = v1.NewHash(diffID); err != nil {
		return nil, nil //nolint:nilerr // as above
	}
	content, err := l.Compressed()
	if err != nil {
		return nil, nil //nolint:nilerr // as above
	}
	defer content.Close()
	sum, size, err := v1.SHA256(content)
	if err != nil || sum != l.digest {
		return nil, nil //nolint:nilerr // as above
	}
	l.size = size
	return l, nil
}
