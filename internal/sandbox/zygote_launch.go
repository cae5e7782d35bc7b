package sandbox

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// zygoteAttr forks the launcher of a zygote: into namespaces, but among the
// host's processes, because what it forks must outlive it. It gets the ids of
// its forks to give away, and no rights over the host.
func (r spawnRequest) zygoteAttr(sys *syscall.SysProcAttr) {
	sys.Cloneflags = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWNET
	sys.AmbientCaps = []uintptr{
		unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_SETPCAP, unix.CAP_SETUID, unix.CAP_SETGID,
	}
	if !r.SwitchUser {
		return // all have the one id that there is
	}
	ids := []syscall.SysProcIDMap{{ContainerID: int(r.First), HostID: int(r.First), Size: uidsPerRun}}
	sys.UidMappings, sys.GidMappings, sys.GidMappingsEnableSetgroups = ids, ids, true
	sys.Credential = &syscall.Credential{Uid: uint32(r.UID), Gid: uint32(r.GID)}
}

// serveFork has a zygote fork and announces the child, which is this
// process's own.
func serveFork(r spawnRequest, sync, zygote int) error {
	pid, err := askZygote(r, sync, zygote)
	if err != nil {
		// An answer that comes late must not be taken for that of the next
		// request, whose child would then be limited in another's place.
		err = errors.Join(err, unix.Shutdown(zygote, unix.SHUT_RDWR))
	}
	err = errors.Join(err, unix.Close(sync), unix.Close(zygote))
	if err == nil {
		// Only a child can be waited for, and until it is, its id stays its own.
		err = unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	}
	if err != nil {
		return send(spawnMessage{Errno: int(errnoOf(err))}, nil)
	}
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return send(spawnMessage{Errno: int(errnoOf(err))}, nil)
	}
	return errors.Join(send(spawnMessage{Pid: pid}, unix.UnixRights(pidfd)), unix.Close(pidfd))
}

// askZygote returns the id of the new child. The socket has a time limit.
func askZygote(r spawnRequest, sync, zygote int) (int, error) {
	id := r.UID
	if !r.SwitchUser {
		id = insideUID // the zygote's name for it
	}
	body := fmt.Appendf(nil, `{"ID":%d}`, id)
	if err := unix.Sendmsg(zygote, body, unix.UnixRights(sync), nil, unix.MSG_NOSIGNAL); err != nil {
		return 0, err
	}
	answer := make([]byte, 32)
	n, err := unix.Read(zygote, answer)
	for errors.Is(err, unix.EINTR) {
		n, err = unix.Read(zygote, answer)
	}
	if err != nil {
		return 0, err
	}
	pid, err := strconv.Atoi(string(answer[:n]))
	if err != nil {
		return 0, unix.EPIPE // it ended
	}
	if pid <= 0 {
		return 0, unix.Errno(-pid)
	}
	return pid, nil
}

// procFor is the proc that goes into the root. A zygote keeps the host's, and
// writable: there it maps the users of its forks, and the kernel lets these
// mount their own because theirs shows no more.
func procFor(p *plan) (int, error) {
	if p.Zygote {
		return cloneTree("/proc", true, false)
	}
	return newProc()
}

// furnishZygote completes the root of a zygote, and puts a copy of it, which
// is the root of every fork, where forks take it from.
func furnishZygote(p *plan, trees []int, proc int) error {
	if err := placeAll(p, trees); err != nil {
		return err
	}
	for _, target := range p.Own {
		if err := os.MkdirAll(target[1:], 0o755); err != nil {
			return fmt.Errorf("make %s: %w", target, err)
		}
	}
	root, err := cloneRoot()
	if err != nil {
		return err
	}
	if err := attach(root, "run"); err != nil {
		return err
	}
	if p.Sources != "" {
		sources, err := cloneTree(p.Sources, false, false)
		if err != nil {
			return err
		}
		if err := attach(sources, "tmp"); err != nil {
			return err
		}
	}
	return attach(proc, "proc")
}

// cloneRoot returns a detached copy of the current directory's mount, sealed,
// with those below it as they are.
func cloneRoot() (int, error) {
	fd, err := unix.OpenTree(unix.AT_FDCWD, ".", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return 0, fmt.Errorf("copy root: %w", err)
	}
	seal := &unix.MountAttr{Attr_set: readOnly}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, seal); err != nil {
		return 0, errors.Join(fmt.Errorf("seal root: %w", err), unix.Close(fd))
	}
	return fd, nil
}

// confineZygote leaves a zygote what it needs to map the users of its forks.
// It has no filter, because its forks would have it, too.
func confineZygote(p *plan) error {
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
	const kept = 1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	caps := [2]unix.CapUserData{{Effective: kept, Permitted: kept, Inheritable: kept}}
	if err := unix.Capset(&hdr, &caps[0]); err != nil { // takes the others from the ambient set, too
		return fmt.Errorf("drop capabilities: %w", err)
	}
	return nil
}
