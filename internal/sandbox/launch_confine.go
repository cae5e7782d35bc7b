package sandbox

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// confine gives up every right the target must not have. The order matters:
// each step still needs what the next one removes.
func confine(p *plan, relay []int) error {
	for _, r := range p.Rlimits {
		if r.late() {
			continue
		}
		if err := setRlimit(r); err != nil {
			return err
		}
	}
	if err := dropBounding(); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	if p.Landlock > 0 {
		if err := landlock(p); err != nil {
			return err
		}
	}
	if err := dropCapabilities(); err != nil {
		return err
	}
	if len(p.Filter) == 0 {
		return nil
	}
	return loadFilter(p, relay)
}

// late reports whether the limit would hinder the launcher's own runtime.
func (r planRlimit) late() bool {
	return r.Resource == unix.RLIMIT_DATA || r.Resource == unix.RLIMIT_NPROC
}

// setRlimit uses a raw call: after a late limit the runtime must not be given
// a reason to start a thread.
func setRlimit(r planRlimit) error {
	lim := unix.Rlimit{Cur: r.Value, Max: r.Value}
	_, _, errno := unix.RawSyscall6(unix.SYS_PRLIMIT64, 0, uintptr(r.Resource), uintptr(unsafe.Pointer(&lim)), 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("set resource limit %d to %d: %w", r.Resource, r.Value, errno)
	}
	return nil
}

// dropBounding empties the bounding set, so that no execve gains anything.
// Without CAP_SETPCAP there is nothing to drop it with; no_new_privs then
// keeps the set useless.
func dropBounding() error {
	for c := uintptr(0); c <= 63; c++ {
		err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
		if err == unix.EINVAL {
			return nil // past the last capability of this kernel
		}
		if err == unix.EPERM {
			return nil
		}
		if err != nil {
			return fmt.Errorf("drop capability %d from bounding set: %w", c, err)
		}
	}
	return nil
}

// dropCapabilities clears the ambient, effective, permitted and inheritable sets.
func dropCapabilities() error {
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("clear ambient capabilities: %w", err)
	}
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&hdr, &none[0]); err != nil {
		return fmt.Errorf("drop capabilities: %w", err)
	}
	return nil
}

// loadFilter installs the seccomp filter on this thread and, if connections
// are mediated, hands its listener and the resolver's sockets to the parent.
func loadFilter(p *plan, relay []int) error {
	withPid(p.Filter, os.Getpid())
	prog := unix.SockFprog{
		Len:    uint16(len(p.Filter) / int(unsafe.Sizeof(unix.SockFilter{}))),
		Filter: (*unix.SockFilter)(unsafe.Pointer(&p.Filter[0])),
	}
	var flags uintptr
	if p.Mediated {
		flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
	}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return fmt.Errorf("load seccomp filter: %w", errno)
	}
	if !p.Mediated {
		return nil
	}
	rights := unix.UnixRights(append([]int{int(fd)}, relay...)...)
	if err := unix.Sendmsg(syncFD, []byte{msgNotify}, rights, nil, 0); err != nil {
		return fmt.Errorf("hand over connection listener: %w", err)
	}
	return nil
}
