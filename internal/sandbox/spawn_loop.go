package sandbox

import (
	"encoding/json"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// spawnMarker is argument 0 of the spawner process.
const spawnMarker = "gowhisk-sandbox-spawner"

// controlFD is the spawner's socket to the server.
const controlFD = 3

// spawnRequest asks for a launcher. Its sync socket travels beside it.
type spawnRequest struct {
	Namespaced bool
	UID, GID   int  // on the host
	SwitchUser bool // the server is root: become UID and drop its groups

	Zygote bool   // to become a zygote: sees the host's processes and ids from First
	First  uint32 // lowest of the uidsPerRun ids that its forks get
	Fork   bool   // the zygote whose socket is the second one forks
}

// spawnMessage answers a request, or tells of an end.
type spawnMessage struct {
	Ended  bool
	Pid    int
	Errno  int
	Status uint32
	MaxRSS int64
}

// runSpawner forks launchers on request until the server is gone. It stays on
// one thread: launchers live and die with the thread that forked them.
func runSpawner() error {
	var mu sync.Mutex // keeps a launcher's end behind its start
	groups := make(map[int]bool)
	deaths := make(chan os.Signal, 1)
	signal.Notify(deaths, unix.SIGCHLD)
	go func() {
		for range deaths {
			mu.Lock()
			reapAll(groups)
			mu.Unlock()
		}
	}()
	buf, oob := make([]byte, 16<<10), make([]byte, 4096)
	for {
		n, oobn, _, _, err := unix.Recvmsg(controlFD, buf, oob, unix.MSG_CMSG_CLOEXEC)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			return err // the server ended; the death signal does the rest
		}
		mu.Lock()
		err = serveRequest(buf[:n], oob[:oobn], groups)
		mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// serveRequest forks one launcher and answers.
func serveRequest(body, oob []byte, groups map[int]bool) error {
	var r spawnRequest
	if err := json.Unmarshal(body, &r); err != nil {
		return err
	}
	fds, err := receivedFDs(oob)
	if err != nil {
		return err
	}
	if r.Fork && len(fds) == 2 {
		return serveFork(r, fds[0], fds[1])
	}
	if len(fds) != 1 {
		return errors.New("a request comes with one socket")
	}
	sync := uintptr(fds[0])
	attr, pidfd := r.attr([]uintptr{sync, sync, sync, sync, sync}), -1
	attr.Sys.PidFD = &pidfd
	pid, err := syscall.ForkExec("/proc/self/exe", []string{marker}, attr)
	if err = errors.Join(err, unix.Close(fds[0])); err != nil {
		return send(spawnMessage{Errno: int(errnoOf(err))}, nil)
	}
	groups[pid] = !r.Namespaced
	return errors.Join(send(spawnMessage{Pid: pid}, unix.UnixRights(pidfd)), unix.Close(pidfd))
}

func send(m spawnMessage, rights []byte) error {
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return unix.Sendmsg(controlFD, body, rights, nil, 0)
}

// reapAll tells the server of every launcher that ended.
func reapAll(groups map[int]bool) {
	for {
		var status unix.WaitStatus
		var usage unix.Rusage
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, &usage)
		if err != nil || pid <= 0 {
			return
		}
		if groups[pid] {
			// What the leader left behind, where no pid namespace ends it. An
			// error means that there is nothing.
			_ = unix.Kill(-pid, unix.SIGKILL)
		}
		delete(groups, pid)
		m := spawnMessage{Ended: true, Pid: pid, Status: uint32(status), MaxRSS: usage.Maxrss << 10}
		// An error means that the server is gone and nobody wants to know.
		_ = send(m, nil)
	}
}

// attr says how to fork: into new namespaces as a user that is nobody on the
// host, or, without namespaces, at least as that user.
func (r spawnRequest) attr(files []uintptr) *syscall.ProcAttr {
	sys := &syscall.SysProcAttr{Setsid: true}
	attr := &syscall.ProcAttr{Files: files, Sys: sys, Env: []string{"GOMAXPROCS=1", "GOGC=off"}}
	if !r.Namespaced {
		if r.SwitchUser {
			sys.Credential = &syscall.Credential{Uid: uint32(r.UID), Gid: uint32(r.GID)}
		}
		return attr
	}
	sys.Cloneflags = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC |
		unix.CLONE_NEWUTS | unix.CLONE_NEWNET
	sys.UidMappings = []syscall.SysProcIDMap{{ContainerID: insideUID, HostID: r.UID, Size: 1}}
	sys.GidMappings = []syscall.SysProcIDMap{{ContainerID: insideUID, HostID: r.GID, Size: 1}}
	sys.GidMappingsEnableSetgroups = r.SwitchUser
	sys.Credential = &syscall.Credential{Uid: insideUID, Gid: insideUID, NoSetGroups: !r.SwitchUser}
	// Not being root inside, the launcher keeps what it needs across execve.
	sys.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_NET_BIND_SERVICE, unix.CAP_SETPCAP}
	if r.Zygote {
		r.zygoteAttr(sys)
	}
	return attr
}
