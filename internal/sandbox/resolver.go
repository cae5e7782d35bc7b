package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	dnsPort    = 53
	dnsTimeout = 5 * time.Second
	maxQueries = 32 // of one sandbox in flight; more are dropped, as UDP may
)

// openResolver binds the sockets on which the supervisor answers name queries
// from inside the sandbox's network namespace: datagrams first, then streams.
func openResolver(p *plan) ([]int, error) {
	if !p.Mediated {
		return nil, nil
	}
	var fds []int
	for _, kind := range []int{unix.SOCK_DGRAM, unix.SOCK_STREAM} {
		fd, err := unix.Socket(unix.AF_INET, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			return nil, fmt.Errorf("open resolver socket: %w", err)
		}
		if err := unix.Bind(fd, &unix.SockaddrInet4{Port: dnsPort, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
			return nil, fmt.Errorf("bind resolver socket: %w", err)
		}
		fds = append(fds, fd)
	}
	if err := unix.Listen(fds[1], 16); err != nil {
		return nil, fmt.Errorf("listen for name queries: %w", err)
	}
	return fds, nil
}

// resolver passes name queries of one sandbox on to the host's resolvers.
type resolver struct {
	servers []netip.Addr
	udp     net.PacketConn
	tcp     net.Listener
	slots   chan struct{}
}

// newResolver owns the descriptors from here on. ctx ends with the sandbox.
func newResolver(ctx context.Context, s *supervisor, udp, tcp int) (*resolver, error) {
	u, t := os.NewFile(uintptr(udp), "dns"), os.NewFile(uintptr(tcp), "dns")
	defer u.Close()
	defer t.Close()
	r := &resolver{servers: s.policy.DNS, slots: make(chan struct{}, maxQueries)}
	var err error
	if r.udp, err = net.FilePacketConn(u); err != nil {
		return nil, fmt.Errorf("take resolver socket: %w", err)
	}
	if r.tcp, err = net.FileListener(t); err != nil {
		return nil, errors.Join(fmt.Errorf("take resolver socket: %w", err), r.udp.Close())
	}
	s.wg.Go(func() { r.serveUDP(ctx, s) })
	s.wg.Go(func() { r.serveTCP(ctx, s) })
	return r, nil
}

func (r *resolver) close() error { return errors.Join(r.udp.Close(), r.tcp.Close()) }

func (r *resolver) serveUDP(ctx context.Context, s *supervisor) {
	buf := make([]byte, 4096)
	for {
		n, from, err := r.udp.ReadFrom(buf)
		if err != nil {
			return
		}
		select {
		case r.slots <- struct{}{}:
		default:
			continue
		}
		query := append([]byte(nil), buf[:n]...)
		s.wg.Go(func() {
			defer func() { <-r.slots }()
			if answer, err := r.exchange(ctx, query); err == nil {
				// A lost answer is asked for again.
				_, _ = r.udp.WriteTo(answer, from)
			}
		})
	}
}

// exchange asks the servers in turn and returns the first answer.
func (r *resolver) exchange(ctx context.Context, query []byte) ([]byte, error) {
	err := errors.New("no name server is configured")
	for _, server := range r.servers {
		var answer []byte
		if answer, err = r.ask(ctx, server, query); err == nil {
			return answer, nil
		}
	}
	return nil, err
}

func (r *resolver) ask(ctx context.Context, server netip.Addr, query []byte) ([]byte, error) {
	conn, err := r.dial(ctx, "udp", server)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(dnsTimeout)); err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := conn.Write(query); err != nil {
		return nil, err
	}
	buf := make([]byte, 64<<10)
	n, err := conn.Read(buf)
	return buf[:n], err
}

func (r *resolver) dial(ctx context.Context, network string, server netip.Addr) (net.Conn, error) {
	d := net.Dialer{Timeout: dnsTimeout}
	return d.DialContext(ctx, network, netip.AddrPortFrom(server, dnsPort).String())
}

func (r *resolver) serveTCP(ctx context.Context, s *supervisor) {
	for {
		conn, err := r.tcp.Accept()
		if err != nil {
			return
		}
		select {
		case r.slots <- struct{}{}:
		default:
			conn.Close()
			continue
		}
		s.wg.Go(func() {
			defer func() { <-r.slots }()
			r.relay(ctx, conn)
		})
	}
}

// relay joins a stream to the first server that takes it.
func (r *resolver) relay(ctx context.Context, inner net.Conn) {
	defer inner.Close()
	for _, server := range r.servers {
		outer, err := r.dial(ctx, "tcp", server)
		if err != nil {
			continue
		}
		defer outer.Close()
		defer context.AfterFunc(ctx, func() { inner.Close(); outer.Close() })()
		limit := time.Now().Add(2 * dnsTimeout)
		if errors.Join(inner.SetDeadline(limit), outer.SetDeadline(limit)) != nil {
			return
		}
		// Both end with either connection, and nobody would hear why.
		go func() { _, _ = io.Copy(outer, inner) }()
		_, _ = io.Copy(inner, outer)
		return
	}
}
