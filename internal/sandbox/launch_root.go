package sandbox

import (
	"fmt"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// stage is where the new root is assembled; every host has it, and nothing
// below it is needed once all sources are open.
const stage = "/proc"

// rootSize is room for the root's own few small files, in bytes.
const rootSize = 128 << 10

const readOnly = unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV

// buildRoot replaces the file system by a small read-only tmpfs with binds.
func buildRoot(p *plan) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	trees, err := openTrees(p.Mounts)
	if err != nil {
		return err
	}
	proc, err := procFor(p)
	if err != nil {
		return err
	}
	// One tmpfs serves as the root, read-only, and through a second mount of
	// a directory of it as /tmp: creating a file system is what costs.
	options := fmt.Sprintf("mode=755,nr_inodes=65536,size=%d", p.TmpSize+rootSize)
	if err := unix.Mount("tmpfs", stage, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		return fmt.Errorf("mount new root: %w", err)
	}
	if err := os.Chdir(stage); err != nil {
		return fmt.Errorf("enter new root: %w", err)
	}
	if err := furnish(p, trees, proc); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot root: %w", err)
	}
	// The old root is now stacked on top of the new one.
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("detach old root: %w", err)
	}
	seal := &unix.MountAttr{Attr_set: readOnly}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/", 0, seal); err != nil {
		return fmt.Errorf("seal root: %w", err)
	}
	return nil
}

// furnish fills the tmpfs that is the current directory.
func furnish(p *plan, trees []int, proc int) error {
	for _, d := range []string{"proc", "dev", "tmp", "etc", "var", "run"} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return fmt.Errorf("make /%s: %w", d, err)
		}
	}
	for _, l := range p.Links {
		if err := os.MkdirAll(path.Dir(l.Path[1:]), 0o755); err != nil {
			return fmt.Errorf("make directory of %s: %w", l.Path, err)
		}
		if err := os.Symlink(l.Data, l.Path[1:]); err != nil {
			return fmt.Errorf("link %s: %w", l.Path, err)
		}
	}
	for _, f := range p.Files {
		if err := os.WriteFile(f.Path[1:], []byte(f.Data), 0o644); err != nil {
			return fmt.Errorf("write %s: %w", f.Path, err)
		}
	}
	if err := os.Chmod("tmp", 0o777|os.ModeSticky); err != nil {
		return fmt.Errorf("open /tmp: %w", err)
	}
	if p.Zygote {
		return furnishZygote(p, trees, proc)
	}
	tmp, err := cloneTree("tmp", true, false)
	if err != nil {
		return err
	}
	if err := attach(tmp, "tmp"); err != nil {
		return err
	}
	if err := placeAll(p, trees); err != nil {
		return err
	}
	if err := attach(proc, "proc"); err != nil {
		return err
	}
	return maskProc()
}

func placeAll(p *plan, trees []int) error {
	for i, m := range p.Mounts {
		if err := place(trees[i], m.Target[1:]); err != nil {
			return err
		}
	}
	return nil
}

// openTrees takes a detached copy of every source that the parent did not
// open for us, before anything is mounted over them.
func openTrees(mounts []planMount) ([]int, error) {
	trees := make([]int, len(mounts))
	for i, m := range mounts {
		if m.FD != 0 {
			trees[i] = m.FD
			continue
		}
		fd, err := cloneTree(m.Source, m.Writable, m.Device)
		if err != nil {
			return nil, err
		}
		trees[i] = fd
	}
	return trees, nil
}

// cloneTree returns a detached copy of the mount tree at source.
func cloneTree(source string, writable, device bool) (int, error) {
	const flags = unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC | unix.AT_RECURSIVE
	fd, err := unix.OpenTree(unix.AT_FDCWD, source, flags)
	if err != nil {
		return 0, fmt.Errorf("open mount source %s: %w", source, err)
	}
	attr := &unix.MountAttr{Attr_set: readOnly}
	if writable {
		attr.Attr_set &^= unix.MOUNT_ATTR_RDONLY
	}
	if device {
		attr.Attr_set = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC
	}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, attr); err != nil {
		unix.Close(fd)
		return 0, fmt.Errorf("set mount attributes of %s: %w", source, err)
	}
	return fd, nil
}
