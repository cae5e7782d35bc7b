package sandbox

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// spawner forks launchers from one operating-system thread that lives as long
// as the server. The parent death signal is bound to the creating thread: from
// an ordinary one it would fire whenever the Go runtime retires a thread.
type spawner struct {
	requests chan *spawnRequest
	stopped  chan struct{}
}

type spawnRequest struct {
	attr   *syscall.ProcAttr
	result chan error
	pid    int
	pidfd  int
}

func newSpawner() *spawner {
	s := &spawner{requests: make(chan *spawnRequest), stopped: make(chan struct{})}
	go s.run()
	return s
}

// run never unlocks its thread; the thread ends with the goroutine.
func (s *spawner) run() {
	runtime.LockOSThread()
	defer close(s.stopped)
	for r := range s.requests {
		r.attr.Sys.PidFD = &r.pidfd
		var err error
		r.pid, err = syscall.ForkExec("/proc/self/exe", []string{marker}, r.attr)
		if err == nil && r.pidfd < 0 {
			err = errors.Join(errors.New("kernel gives no pidfd"), reap(r.pid))
		}
		r.result <- err
	}
}

// reap ends a process that nothing else will wait for.
func reap(pid int) error {
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		return fmt.Errorf("kill launcher: %w", err)
	}
	if _, err := unix.Wait4(pid, nil, 0, nil); err != nil {
		return fmt.Errorf("wait for launcher: %w", err)
	}
	return nil
}

// start forks a launcher; the pidfd is non-blocking and owned by the caller.
func (s *spawner) start(attr *syscall.ProcAttr) (int, *os.File, error) {
	r := &spawnRequest{attr: attr, result: make(chan error, 1), pidfd: -1}
	s.requests <- r
	if err := <-r.result; err != nil {
		return 0, nil, fmt.Errorf("start launcher: %w", err)
	}
	if err := unix.SetNonblock(r.pidfd, true); err != nil {
		return 0, nil, errors.Join(err, reap(r.pid), unix.Close(r.pidfd))
	}
	return r.pid, os.NewFile(uintptr(r.pidfd), "pidfd"), nil
}

func (s *spawner) stop() {
	close(s.requests)
	<-s.stopped
}

// launcherAttr says how to fork a launcher: in new namespaces as a user that
// is nobody on the host, or, without namespaces, at least as that user.
func (h *Host) launcherAttr(files []uintptr, uid uint32) *syscall.ProcAttr {
	sys := &syscall.SysProcAttr{Setsid: true}
	attr := &syscall.ProcAttr{Files: files, Sys: sys, Env: []string{"GOMAXPROCS=1", "GOGC=off"}}
	if h.report.Tier == TierLandlock && h.root {
		sys.Credential = &syscall.Credential{Uid: uid, Gid: uid}
	}
	if !h.report.Tier.namespaced() {
		return attr
	}
	sys.Cloneflags = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC |
		unix.CLONE_NEWUTS | unix.CLONE_NEWNET
	gid := int(uid)
	if !h.root {
		gid = os.Getegid()
	}
	sys.UidMappings = []syscall.SysProcIDMap{{ContainerID: insideUID, HostID: int(uid), Size: 1}}
	sys.GidMappings = []syscall.SysProcIDMap{{ContainerID: insideUID, HostID: gid, Size: 1}}
	sys.GidMappingsEnableSetgroups = h.root
	sys.Credential = &syscall.Credential{Uid: insideUID, Gid: insideUID, NoSetGroups: !h.root}
	// Not being root inside, the launcher keeps what it needs across execve.
	sys.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_NET_BIND_SERVICE, unix.CAP_SETPCAP}
	return attr
}
