package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// maxConnecting bounds the connections of one sandbox that are being made at
// the same time; more wait, and only that sandbox waits.
const maxConnecting = 64

// supervisor makes the outbound connections of one sandbox. A sandboxed
// process cannot connect by itself: it names an address, the supervisor copies
// it once, judges the copy and connects to the copy.
type supervisor struct {
	policy     Policy
	namespaced bool
	unixSafe   bool // connects to Unix sockets may proceed in the kernel
	netns      uint64
	listener   listener
	resolver   *resolver

	over   <-chan struct{} // closed with the sandbox, by cancel
	cancel context.CancelFunc
	slots  chan struct{}
	wg     sync.WaitGroup
}

// supervise takes the descriptors that the launcher handed over: the seccomp
// listener and, in a namespace of its own, the resolver's two sockets.
func supervise(h *Host, fds []int) (*supervisor, error) {
	if err := unix.SetNonblock(fds[0], true); err != nil {
		return nil, fmt.Errorf("prepare listener: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &supervisor{
		policy: h.opts.Egress, namespaced: h.report.Tier.namespaced(),
		listener: listener{os.NewFile(uintptr(fds[0]), "seccomp")},
		over:     ctx.Done(), cancel: cancel, slots: make(chan struct{}, maxConnecting),
	}
	// Landlock refuses every TCP connect that is not made by us, so a Unix
	// address that turns into another after our look leads nowhere.
	s.unixSafe = s.namespaced && h.report.Landlock >= 4
	if len(fds) == 3 {
		ino, err := socketNetns(fds[1])
		if err == nil {
			s.netns = ino
			s.resolver, err = newResolver(ctx, s, fds[1], fds[2])
		}
		if err != nil {
			cancel()
			return nil, errors.Join(err, s.listener.file.Close())
		}
	}
	s.wg.Go(s.loop)
	return s, nil
}

// loop ends when the last process under the filter has.
func (s *supervisor) loop() {
	for {
		var n notification
		ok, err := s.listener.receive(&n)
		if !ok || err != nil {
			return
		}
		if n.ID == 0 {
			continue
		}
		select {
		case s.slots <- struct{}{}:
		case <-s.over:
			return
		}
		s.wg.Go(func() {
			defer func() { <-s.slots }()
			s.handle(&n)
		})
	}
}

// close ends every connection in the making and waits for it.
func (s *supervisor) close() error {
	s.cancel()
	err := s.listener.file.Close()
	if s.resolver != nil {
		err = errors.Join(err, s.resolver.close())
	}
	s.wg.Wait()
	return err
}

// handle answers one connect or listen.
func (s *supervisor) handle(n *notification) {
	if n.Nr == unix.SYS_LISTEN {
		s.listener.answer(n.ID, s.listen(n))
		return
	}
	addr, errno := s.readAddress(n)
	if errno != 0 {
		s.listener.answer(n.ID, errno)
		return
	}
	switch addr.family {
	case unix.AF_UNIX, unix.AF_NETLINK:
		if s.unixSafe {
			s.listener.proceed(n.ID)
			return
		}
		errno = unix.ECONNREFUSED
	case unix.AF_INET, unix.AF_INET6, unix.AF_UNSPEC:
		errno = s.connect(n, addr)
	default:
		errno = unix.EAFNOSUPPORT
	}
	s.listener.answer(n.ID, errno)
}

// listen is made by us on the caller's socket: in the kernel the descriptor
// could by then be one that lives on the host's network.
func (s *supervisor) listen(n *notification) unix.Errno {
	sock, errno := s.borrow(n)
	if errno != 0 {
		return errno
	}
	defer sock.close()
	if sock.inet() && !sock.inside {
		return unix.EINVAL
	}
	return errnoOf(unix.Listen(sock.fd, int(int32(n.Args[1]))))
}

// address is a socket address as copied from the caller.
type address struct {
	family uint16
	dst    netip.AddrPort
	scope  uint32
	mapped bool // IPv4 written as IPv6
}

// readAddress copies the address, once.
func (s *supervisor) readAddress(n *notification) (address, unix.Errno) {
	size := int(uint32(n.Args[2]))
	if size < 2 || size > unix.SizeofSockaddrAny {
		return address{}, unix.EINVAL
	}
	buf := make([]byte, size)
	local := []unix.Iovec{{Base: &buf[0]}}
	local[0].SetLen(size)
	remote := []unix.RemoteIovec{{Base: uintptr(n.Args[1]), Len: size}}
	got, err := unix.ProcessVMReadv(int(n.Pid), local, remote, 0)
	if err != nil || got != size {
		return address{}, unix.EFAULT
	}
	if !s.listener.valid(n.ID) {
		return address{}, unix.EINTR
	}
	return parseAddress(buf)
}
