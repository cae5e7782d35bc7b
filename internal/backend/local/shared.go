package local

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// open reports whether every user may pass through dir and the folders above
// it. A folder that is not there yet will be made so.
func open(dir string) bool {
	for ; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode().Perm()&0o001 == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
	}
}

// sharedDir is a folder for dir's purpose where every user may pass but not
// look around. Its name depends on dir, so that the next server on it finds
// and empties it.
func sharedDir(dir string) (string, error) {
	name := fmt.Sprintf("gowhisk-containers-%08x", crc32.ChecksumIEEE([]byte(dir)))
	shared := filepath.Join(os.TempDir(), name)
	if err := os.Mkdir(shared, 0o711); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("make container directory: %w", err)
	}
	info, err := os.Lstat(shared)
	if err != nil {
		return "", fmt.Errorf("make container directory: %w", err)
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); !ok || !info.IsDir() || int(owner.Uid) != os.Geteuid() {
		return "", fmt.Errorf("make container directory: %s belongs to somebody else", shared)
	}
	if err := os.Chmod(shared, 0o711); err != nil {
		return "", fmt.Errorf("make container directory: %w", err)
	}
	return shared, nil
}
