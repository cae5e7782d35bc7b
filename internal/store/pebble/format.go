package pebble

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// FormatVersion is the layout that this package writes. It reads those before
// it, too: documents and code become new ones when they are written again.
// In format 1 all namespaces shared one key, and code lay open. Until format 3
// a large outcome was one value.
const FormatVersion = 3

// format is the content of the file FORMAT.
type format struct {
	Version int    `json:"version"`
	Key     string `json:"key"` // fingerprint of the Seal
}

// readFormat returns the zero format for a new directory. It refuses a newer
// layout without having changed anything.
func readFormat(fsys vfs.FS, path string) (format, error) {
	file, err := fsys.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return format{}, nil
	}
	if err != nil {
		return format{}, fmt.Errorf("read the store's format: %w", err)
	}
	text, err := io.ReadAll(file)
	if err = errors.Join(err, file.Close()); err != nil {
		return format{}, fmt.Errorf("read the store's format: %w", err)
	}
	var f format
	if err := json.Unmarshal(text, &f); err != nil || f.Version < 1 {
		return format{}, entity.ErrCorrupted.Because(fmt.Errorf("%s is not readable: %q", path, text))
	}
	if f.Version > FormatVersion {
		return format{}, entity.Errorf(entity.Internal,
			"The store %s has format %d, but this gowhisk reads up to format %d only: use a newer gowhisk.",
			fsys.PathDir(path), f.Version, FormatVersion).WithCode(codeFormat)
	}
	return f, nil
}

// writeFormat makes the file durable before it returns.
func writeFormat(fsys vfs.FS, path string, f format) error {
	text, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("write the store's format: %w", err)
	}
	temp := path + ".new"
	file, err := fsys.Create(temp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("write the store's format: %w", err)
	}
	_, err = file.Write(append(text, '\n'))
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write the store's format: %w", err)
	}
	if err := fsys.Rename(temp, path); err != nil {
		return fmt.Errorf("write the store's format: %w", err)
	}
	dir, err := fsys.OpenDir(fsys.PathDir(path))
	if err != nil {
		return fmt.Errorf("write the store's format: %w", err)
	}
	return errors.Join(dir.Sync(), dir.Close())
}
