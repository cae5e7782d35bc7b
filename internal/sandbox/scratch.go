package sandbox

import (
	"errors"
	"fmt"
	"os"
)

// Path is where the process sees the host path of a mount: its target, or,
// in the tiers without a file system of their own, the host path itself.
func (h *Host) Path(m Mount) string {
	if h.report.Tier.namespaced() {
		return m.Target
	}
	return m.Source
}

// SharesTree reports whether processes see the host's own file tree as another
// user than the server: what they need must then lie where everyone may go.
func (h *Host) SharesTree() bool { return h.report.Tier == TierLandlock && h.root }

// openHostView lets a process of a tier without mounts see the base system
// where it is, and gives it a private directory in place of /tmp.
func (l *launching) openHostView(uid uint32) (string, error) {
	for _, m := range l.host.base.mounts {
		if !m.Device {
			l.plan.Paths = append(l.plan.Paths, m.Source)
		}
	}
	// OpenSSL does without its configuration but not with one it may not read.
	for _, f := range append([]planFile{{Path: "/proc"}, {Path: "/etc/ssl/openssl.cnf"}}, l.host.base.files...) {
		if _, err := os.Stat(f.Path); err == nil {
			l.plan.Paths = append(l.plan.Paths, f.Path)
		}
	}
	for _, m := range l.plan.Mounts {
		if !m.Writable {
			l.plan.Paths = append(l.plan.Paths, m.Source)
		}
	}
	dir, err := os.MkdirTemp("", "gowhisk-")
	if err != nil {
		return "", fmt.Errorf("make scratch directory: %w", err)
	}
	if err := os.Chown(dir, int(uid), -1); err != nil {
		return "", errors.Join(fmt.Errorf("give away scratch directory: %w", err), os.Remove(dir))
	}
	l.plan.Scratch = dir
	if l.spec.Dir == "" {
		l.plan.Dir = dir
	}
	// Name queries have to travel by TCP, the only transport that is judged.
	l.plan.Env = append([]string{"TMPDIR=" + dir, "RES_OPTIONS=use-vc"}, l.plan.Env...)
	return dir, nil
}
