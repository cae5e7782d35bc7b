package sandbox_test

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// dialAll is the probe's client: "how address" pairs, one line of result each.
func dialAll(args []string) int {
	for i := 0; i+1 < len(args); i += 2 {
		how, target := args[i], args[i+1]
		fmt.Printf("%s %s: %s\n", how, target, dialOne(how, target))
	}
	return 0
}

func dialOne(how, target string) string {
	switch how {
	case "go":
		return greet(net.DialTimeout("tcp", target, 5*time.Second))
	case "abuse connected", "abuse failed":
		return abuse(target)
	case "blocking", "options", "mapped":
		return rawDial(how, target)
	case "udp":
		return greet(net.DialTimeout("udp", target, 5*time.Second))
	case "inner":
		return innerDial(target)
	case "resolve":
		addrs, err := net.LookupHost(target)
		return fmt.Sprint(addrs, err)
	}
	return "unknown"
}

// greet says hello and returns what came back.
func greet(c net.Conn, err error) string {
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err.Error()
	}
	if _, err := io.WriteString(c, "hello\n"); err != nil {
		return err.Error()
	}
	buf := make([]byte, 64)
	n, err := c.Read(buf)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(buf[:n])) + " from " + c.RemoteAddr().String()
}

// rawDial uses plain system calls on a blocking socket.
func rawDial(how, target string) string {
	a, err := net.ResolveTCPAddr("tcp", target)
	if err != nil {
		return err.Error()
	}
	domain, sa := unix.AF_INET, unix.Sockaddr(&unix.SockaddrInet4{Port: a.Port, Addr: [4]byte(a.IP.To4())})
	if how == "mapped" {
		domain, sa = unix.AF_INET6, &unix.SockaddrInet6{Port: a.Port, Addr: [16]byte(a.IP.To16())}
	}
	fd, err := unix.Socket(domain, unix.SOCK_STREAM, 0)
	if err != nil {
		return err.Error()
	}
	defer unix.Close(fd)
	if how == "options" {
		_ = unix.SetsockoptInt(fd, unix.SOL_TCP, unix.TCP_NODELAY, 1)
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
		_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 7})
	}
	if err := unix.Connect(fd, sa); err != nil {
		return err.Error()
	}
	if how == "options" {
		nodelay, _ := unix.GetsockoptInt(fd, unix.SOL_TCP, unix.TCP_NODELAY)
		alive, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE)
		wait, _ := unix.GetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO)
		flags, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		return fmt.Sprintf("nodelay %d, keepalive %d, timeout %ds, nonblock %v", nodelay, alive, wait.Sec, flags&unix.O_NONBLOCK != 0)
	}
	if _, err := unix.Write(fd, []byte("hello\n")); err != nil {
		return err.Error()
	}
	buf := make([]byte, 64)
	n, err := unix.Read(fd, buf)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(buf[:n]))
}

// abuse connects, or fails to, and then tries to turn the socket that the
// supervisor put in place against the host's loopback.
func abuse(targets string) string {
	first, loopback, _ := strings.Cut(targets, ",")
	from, host := resolveTCP(first), resolveTCP(loopback)
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return err.Error()
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, from); err != unix.EINPROGRESS && err != unix.ECONNREFUSED {
		return fmt.Sprint("connect: ", err)
	}
	poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
	if _, err := unix.Poll(poll, 3000); err != nil {
		return err.Error()
	}
	// Consumes the outcome of a connect that failed.
	_, _ = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	dissolve := make([]byte, 16)
	for name, err := range map[string]error{
		"connect":             unix.Connect(fd, host),
		"dissolve":            call(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&dissolve[0])), 16),
		"listen":              unix.Listen(fd, 1),
		"fast open":           unix.Sendto(fd, []byte("x"), 0x20000000, host),
		"fast open by option": unix.SetsockoptInt(fd, unix.SOL_TCP, 30, 1),
	} {
		if err == nil {
			return name + " worked"
		}
	}
	return race(fd, host.Port)
}

func resolveTCP(s string) *unix.SockaddrInet4 {
	a := netip.MustParseAddrPort(s)
	return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
}

// race shows the supervisor a Unix address and the kernel another one.
func race(fd, port int) string {
	addr := make([]byte, 16)
	copy(addr[2:], []byte{byte(port >> 8), byte(port), 127, 0, 0, 1})
	stop := make(chan struct{})
	done := make(chan struct{})
	family := (*uint32)(unsafe.Pointer(&addr[0]))
	inet, local := atomic.LoadUint32(family)|unix.AF_INET, atomic.LoadUint32(family)|unix.AF_UNIX
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				atomic.StoreUint32(family, inet)
				atomic.StoreUint32(family, local)
			}
		}
	}()
	defer func() { close(stop); <-done }()
	for range 2000 {
		_ = call(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&addr[0])), 16)
		if peer, err := unix.Getpeername(fd); err == nil {
			if p, ok := peer.(*unix.SockaddrInet4); ok && p.Addr == [4]byte{127, 0, 0, 1} {
				return "reached the host's loopback"
			}
		}
	}
	return "held"
}

// innerDial connects to a server within the same sandbox.
func innerDial(network string) string {
	address := "127.0.0.1:0"
	if network == "unix" {
		address = "/tmp/socket"
	}
	if network == "abstract" {
		network, address = "unix", "@socket"
	}
	if network == "tcp6" {
		address = "[::1]:0"
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return err.Error()
	}
	defer l.Close()
	go serveEcho(l, "inside")
	return greet(net.Dial(network, l.Addr().String()))
}

// serveEcho answers every line with a greeting until the listener is closed.
func serveEcho(l net.Listener, name string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			buf := make([]byte, 256)
			if _, err := c.Read(buf); err != nil {
				return
			}
			body := "this is " + name
			reply := body
			if strings.HasPrefix(string(buf), "GET ") {
				reply = fmt.Sprintf("HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
			}
			// The client may have left; that shows on its side.
			_, _ = io.WriteString(c, reply)
		}()
	}
}
