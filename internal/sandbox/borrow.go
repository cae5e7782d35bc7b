package sandbox

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// siocgskns asks for the network namespace of a socket.
const siocgskns = 0x894C

// socket is our duplicate of a caller's socket. Whatever the caller does to
// its descriptor afterwards, this stays the socket that was judged.
type socket struct {
	fd       int
	callerFD int
	domain   int
	kind     int
	inside   bool // of the sandbox's own network
	nonblock bool
	cloexec  bool
}

func (s socket) inet() bool { return s.domain == unix.AF_INET || s.domain == unix.AF_INET6 }

// close drops the duplicate; there is nothing to be done about a failure.
func (s socket) close() { _ = unix.Close(s.fd) }

// borrow duplicates the socket that the call is about (argument 0).
func (s *supervisor) borrow(n *notification) (socket, unix.Errno) {
	sock := socket{callerFD: int(int32(n.Args[0]))}
	pidfd, err := openThread(int(n.Pid))
	if err != nil {
		return sock, unix.EINTR
	}
	defer unix.Close(pidfd)
	if sock.fd, err = unix.PidfdGetfd(pidfd, sock.callerFD, 0); err != nil {
		return sock, unix.EBADF
	}
	if !s.listener.valid(n.ID) {
		sock.close()
		return sock, unix.EINTR
	}
	if err := sock.inspect(s.netns, int(n.Pid)); err != nil {
		sock.close()
		return sock, unix.ENOTSOCK
	}
	return sock, 0
}

// inspect reads what decides about the socket from the duplicate.
func (s *socket) inspect(netns uint64, pid int) (err error) {
	if s.domain, err = unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_DOMAIN); err != nil {
		return err
	}
	if s.kind, err = unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_TYPE); err != nil {
		return err
	}
	flags, err := unix.FcntlInt(uintptr(s.fd), unix.F_GETFL, 0)
	if err != nil {
		return err
	}
	s.nonblock = flags&unix.O_NONBLOCK != 0
	// Only the owner of a namespace may ask for it, so a refusal says that
	// the socket is the host's.
	ino, err := socketNetns(s.fd)
	s.inside = err == nil && netns != 0 && ino == netns
	s.cloexec = closesOnExec(pid, s.callerFD)
	return nil
}

// socketNetns identifies the network namespace a socket lives in.
func socketNetns(fd int) (uint64, error) {
	ns, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), siocgskns, 0)
	if errno != 0 {
		return 0, fmt.Errorf("ask for network namespace: %w", errno)
	}
	defer unix.Close(int(ns))
	var st unix.Stat_t
	if err := unix.Fstat(int(ns), &st); err != nil {
		return 0, fmt.Errorf("stat network namespace: %w", err)
	}
	return st.Ino, nil
}

// openThread returns a pidfd through which the thread's descriptors can be
// reached. Kernels before 6.9 know only whole processes.
func openThread(tid int) (int, error) {
	fd, err := unix.PidfdOpen(tid, unix.O_EXCL)
	if err == nil {
		return fd, nil
	}
	status, err := os.ReadFile("/proc/" + strconv.Itoa(tid) + "/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(status), "\nTgid:")
	line, _, _ := strings.Cut(rest, "\n")
	tgid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		return 0, fmt.Errorf("read process of thread: %w", err)
	}
	return unix.PidfdOpen(tgid, 0)
}

// closesOnExec reads the caller's descriptor flag; unknown means yes.
func closesOnExec(pid, fd int) bool {
	body, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/fdinfo/" + strconv.Itoa(fd))
	if err != nil {
		return true
	}
	for line := range strings.Lines(string(body)) {
		if v, ok := strings.CutPrefix(line, "flags:"); ok {
			flags, err := strconv.ParseUint(strings.TrimSpace(v), 8, 64)
			return err != nil || flags&unix.O_CLOEXEC != 0
		}
	}
	return true
}
