package sandbox

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// connect makes an internet connection for the caller and says how its system
// call ends.
func (s *supervisor) connect(n *notification, a address) unix.Errno {
	sock, errno := s.borrow(n)
	if errno != 0 {
		return errno
	}
	defer sock.close()
	if !sock.inet() {
		return unix.EINVAL
	}
	if a.family == unix.AF_UNSPEC {
		return s.dissolve(sock)
	}
	if sock.kind == unix.SOCK_DGRAM {
		return s.connectUDP(sock, a)
	}
	if sock.domain == unix.AF_INET && a.family != unix.AF_INET {
		return unix.EAFNOSUPPORT
	}
	switch s.policy.Allow(a.dst, TCP) {
	case Local:
		if !sock.inside {
			return unix.ECONNREFUSED
		}
		return s.dial(sock.fd, a, sock.nonblock)
	case Connect:
		return s.connectOut(n, sock, a)
	}
	return unix.ENETUNREACH
}

// dissolve undoes an association. A socket on the host's network must not
// become a free one again.
func (s *supervisor) dissolve(sock socket) unix.Errno {
	if !sock.inside {
		return unix.EINVAL
	}
	raw := unix.RawSockaddrAny{}
	return connectRaw(sock.fd, &raw)
}

// connectOut connects on the host's network. The first time a socket from
// there takes the place of the caller's; without a network namespace the
// caller's own socket will do.
func (s *supervisor) connectOut(n *notification, sock socket, a address) unix.Errno {
	if !sock.inside {
		return s.dial(sock.fd, a, sock.nonblock)
	}
	fd, err := unix.Socket(sock.domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return errnoOf(err)
	}
	defer unix.Close(fd)
	copyOptions(fd, sock.fd, sock.domain)
	errno := s.dial(fd, a, sock.nonblock)
	if errno != 0 && errno != unix.EINPROGRESS {
		return errno
	}
	if err := unix.SetNonblock(fd, sock.nonblock); err != nil {
		return errnoOf(err)
	}
	if err := s.listener.replace(n.ID, fd, sock.callerFD, sock.cloexec); err != nil {
		return unix.EINTR
	}
	return errno
}

// dial connects fd. If the caller's socket blocks, dial waits in its place
// and leaves the socket as blocking as it was.
func (s *supervisor) dial(fd int, a address, nonblock bool) unix.Errno {
	if nonblock {
		return errnoOf(unix.Connect(fd, a.sockaddr()))
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return errnoOf(err)
	}
	errno := errnoOf(unix.Connect(fd, a.sockaddr()))
	if errno == unix.EINPROGRESS || errno == unix.EALREADY {
		errno = s.await(fd)
	}
	if err := unix.SetNonblock(fd, false); err != nil && errno == 0 {
		return errnoOf(err)
	}
	return errno
}

// await waits in the poller for the outcome of a connect under way.
func (s *supervisor) await(fd int) unix.Errno {
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return errnoOf(err)
	}
	file := os.NewFile(uintptr(dup), "connecting")
	defer file.Close()
	raw, err := file.SyscallConn()
	if err != nil {
		return errnoOf(err)
	}
	unbind := s.endWith(file)
	defer unbind()
	outcome := 0
	var oerr error
	err = raw.Write(func(fd uintptr) bool {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
		if n, err := unix.Poll(poll, 0); n == 0 || err != nil {
			return false
		}
		outcome, oerr = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		return true
	})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return unix.EINTR
	}
	if err = errors.Join(err, oerr); err != nil {
		return errnoOf(err)
	}
	return unix.Errno(outcome)
}

// endWith ends waits on file when the sandbox ends.
func (s *supervisor) endWith(file *os.File) func() {
	done := make(chan struct{})
	s.wg.Go(func() {
		select {
		case <-s.over:
			// Fails only for a file that is closed, on which nobody waits.
			_ = file.SetDeadline(time.Unix(1, 0))
		case <-done:
		}
	})
	return func() { close(done) }
}
