package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// place mounts a detached tree at target, a path relative to the new root,
// and makes the mount point.
func place(tree int, target string) error {
	var st unix.Stat_t
	if err := unix.Fstat(tree, &st); err != nil {
		return fmt.Errorf("stat source of /%s: %w", target, err)
	}
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		if err := os.MkdirAll(target, 0o755); err != nil {
			return fmt.Errorf("make /%s: %w", target, err)
		}
		return attach(tree, target)
	}
	if err := os.MkdirAll(path.Dir(target), 0o755); err != nil {
		return fmt.Errorf("make directory of /%s: %w", target, err)
	}
	f, err := os.OpenFile(target, os.O_CREATE|os.O_RDONLY, 0o444)
	if err != nil {
		return fmt.Errorf("make /%s: %w", target, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("make /%s: %w", target, err)
	}
	return attach(tree, target)
}

func attach(tree int, target string) error {
	err := unix.MoveMount(tree, "", unix.AT_FDCWD, target, unix.MOVE_MOUNT_F_EMPTY_PATH)
	if err != nil {
		return fmt.Errorf("mount /%s: %w", target, err)
	}
	return nil
}

// newProc returns a detached proc of our pid namespace, read-only as a whole:
// that shuts /proc/sys, sysrq-trigger and every process's oom_score_adj.
func newProc() (int, error) {
	fs, err := unix.Fsopen("proc", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return 0, fmt.Errorf("open proc file system: %w", err)
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil {
		return 0, fmt.Errorf("create proc file system: %w", err)
	}
	fd, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, readOnly|unix.MOUNT_ATTR_NOEXEC)
	if err != nil {
		return 0, fmt.Errorf("mount proc: %w", err)
	}
	return fd, nil
}

// What proc tells everyone about the host.
var (
	maskedFiles = [...]string{
		"kcore", "keys", "key-users", "timer_list", "sched_debug", "latency_stats",
		"kallsyms", "cmdline", "modules", "interrupts", "softirqs", "diskstats",
		"partitions", "config.gz", "locks", "bootconfig",
	}
	maskedDirs = [...]string{"acpi", "scsi", "asound", "bus", "driver", "fs", "irq"}
)

// maskProc hides files behind /dev/null, directories behind an empty one. What
// only root may read needs no mask, because nobody inside is the host's root.
// Absent entries need none.
func maskProc() error {
	for _, f := range maskedFiles {
		if err := mask("dev/null", "proc/"+f); err != nil {
			return err
		}
	}
	for _, d := range maskedDirs {
		if err := maskDir("proc/" + d); err != nil {
			return err
		}
	}
	return nil
}

// maskDir covers a directory with an empty, read-only one.
func maskDir(target string) error {
	var st unix.Stat_t
	if err := unix.Stat(target, &st); err != nil {
		return nil // not on this host
	}
	empty, err := cloneTree("run", false, false)
	if err != nil {
		return err
	}
	return attach(empty, target)
}

func mask(with, target string) error {
	err := unix.Mount(with, target, "", unix.MS_BIND, "")
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("mask /%s: %w", target, err)
	}
	return nil
}
