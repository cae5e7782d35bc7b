package pebble

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// lockDir takes the directory for this process, or says who has it.
func lockDir(fsys vfs.FS, dir string) (io.Closer, error) {
	path := fsys.PathJoin(dir, "LOCK")
	lock, err := fsys.Lock(path)
	if err == nil {
		return lock, nil
	}
	if os.IsPermission(err) && !isHeld(err) {
		return nil, fmt.Errorf("lock the store: %w", err)
	}
	return nil, entity.Errorf(entity.Unavailable, "Another gowhisk%s uses the store %s.", holder(path), dir).
		WithCode(codeLocked).Because(err)
}

// isHeld tells a held lock from a lack of rights: fcntl(2) may answer EACCES
// for both, but a file that cannot be opened is a *PathError.
func isHeld(err error) bool {
	_, isPath := errors.AsType[*os.PathError](err)
	return !isPath
}

// holder returns " (process 123)" for the process that locks the file at
// path, "" if that cannot be found out. It must not open the file: closing
// it again would drop a lock that this very process holds.
func holder(path string) string {
	var st syscall.Stat_t
	if syscall.Stat(filepath.Clean(path), &st) != nil {
		return ""
	}
	locks, err := os.ReadFile("/proc/locks")
	if err != nil {
		return ""
	}
	inode := fmt.Sprintf(":%d", st.Ino)
	for line := range strings.Lines(string(locks)) {
		// 1: POSIX  ADVISORY  WRITE 3568 fd:00:2531452 0 EOF
		f := strings.Fields(line)
		if len(f) >= 6 && f[1] == "POSIX" && strings.HasSuffix(f[5], inode) {
			return " (process " + f[4] + ")"
		}
	}
	return ""
}
