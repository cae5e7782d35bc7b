package sandbox

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// File rights by what a tree is for. Rights above the kernel's ABI are masked.
const (
	rightsRead = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE |
		unix.LANDLOCK_ACCESS_FS_READ_DIR
	rightsFile  = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE
	rightsWrite = unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR |
		unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_MAKE_CHAR |
		unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG |
		unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_MAKE_FIFO |
		unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK | unix.LANDLOCK_ACCESS_FS_MAKE_SYM |
		unix.LANDLOCK_ACCESS_FS_REFER | unix.LANDLOCK_ACCESS_FS_TRUNCATE
)

// landlockABI is the version the kernel offers, 0 if none.
func landlockABI() int {
	v, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(v)
}

// handledRights are the rights that a kernel of this ABI can control.
func handledRights(abi int) uint64 {
	rights := uint64(rightsRead | rightsWrite)
	if abi < 2 {
		rights &^= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if abi < 3 {
		rights &^= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	return rights
}

// landlock restricts this thread: in a namespaced tier as a second fence
// behind the mounts, in the Landlock tier as the only one. TCP connects of the
// process's own are refused altogether, because the supervisor makes them all;
// that keeps a connect to a Unix socket, which the supervisor lets pass, from
// being turned into one to the host.
func landlock(p *plan) error {
	attr, size := landlockAttr(p)
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), size, 0)
	if errno != 0 {
		return fmt.Errorf("create Landlock ruleset: %w", errno)
	}
	defer unix.Close(int(fd))
	for _, b := range beneath(p) {
		if err := allowPath(int(fd), b.path, b.rights); err != nil {
			return err
		}
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0); errno != 0 {
		return fmt.Errorf("enforce Landlock ruleset: %w", errno)
	}
	return nil
}

// landlockAttr is what the ruleset handles, and its size for this kernel.
func landlockAttr(p *plan) (attr unix.LandlockRulesetAttr, size uintptr) {
	attr.Handled_access_fs = handledRights(p.Landlock)
	size = unsafe.Sizeof(attr.Handled_access_fs)
	if p.Landlock >= 4 && p.Mediated {
		attr.Handled_access_net = unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
		if !p.Namespaced {
			attr.Handled_access_net |= unix.LANDLOCK_ACCESS_NET_BIND_TCP
		}
		size += unsafe.Sizeof(attr.Handled_access_net)
	}
	if p.Landlock >= 6 {
		attr.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
		size = unsafe.Offsetof(attr.Quiet_access_fs)
	}
	return attr, size
}

// granted is what a process may do beneath a path.
type granted struct {
	path   string
	rights uint64
}

func beneath(p *plan) []granted {
	all := handledRights(p.Landlock)
	var out []granted
	if p.Namespaced {
		out = append(out, granted{"/", rightsRead}, granted{"/tmp", all}, granted{"/dev", rightsFile | rightsRead})
	} else {
		out = append(out, granted{p.Scratch, all})
		for _, dir := range p.Paths {
			out = append(out, granted{dir, rightsRead})
		}
		for _, dev := range []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"} {
			out = append(out, granted{dev, rightsFile})
		}
	}
	for _, m := range p.Mounts {
		if m.Writable && !m.Device {
			out = append(out, granted{m.Target, all})
		}
	}
	return out
}

// allowPath grants rights beneath name; a file takes only those of files.
func allowPath(ruleset int, name string, rights uint64) error {
	fd, err := unix.Open(name, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open %s for Landlock: %w", name, err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("stat %s: %w", name, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= rightsFile | unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: rights, Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset),
		unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("allow %s by Landlock: %w", name, errno)
	}
	return nil
}
