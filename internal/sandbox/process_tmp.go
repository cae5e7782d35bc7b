package sandbox

import (
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// ResizeTmp changes the size of the private /tmp, in bytes. Only root can
// reach into the namespaces of another process for it: for others, and where
// there are no namespaces, it fails with errors.ErrUnsupported and the size
// stays what Spec.TmpSize said.
func (p *Process) ResizeTmp(size int64) error {
	if !p.host.root || !p.host.report.Tier.namespaced() {
		return fmt.Errorf("resize /tmp: %w", errors.ErrUnsupported)
	}
	fd, err := unix.Fspick(unix.AT_FDCWD, fmt.Sprintf("/proc/%d/root/tmp", p.pid), unix.FSPICK_CLOEXEC)
	if err != nil {
		return fmt.Errorf("open /tmp of the sandbox: %w", err)
	}
	defer unix.Close(fd)
	if err := unix.FsconfigSetString(fd, "size", strconv.FormatInt(size, 10)); err != nil {
		return fmt.Errorf("resize /tmp: %w", err)
	}
	if err := unix.FsconfigReconfigure(fd); err != nil {
		return fmt.Errorf("resize /tmp: %w", err)
	}
	return nil
}
