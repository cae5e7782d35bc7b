package sandbox

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// connectRaw connects to an address given as the kernel sees it.
func connectRaw(fd int, raw *unix.RawSockaddrAny) unix.Errno {
	_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(raw)), unix.SizeofSockaddrInet4)
	return errno
}

// copyOptions carries over the options that programs set before connecting.
// An option that does not apply to the family is skipped: what the old socket
// could not have, the new one need not.
func copyOptions(dst, src, domain int) {
	for _, o := range [...]struct{ level, name int }{
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE}, {unix.SOL_SOCKET, unix.SO_OOBINLINE},
		{unix.SOL_SOCKET, unix.SO_RCVTIMEO}, {unix.SOL_SOCKET, unix.SO_SNDTIMEO},
		{unix.SOL_SOCKET, unix.SO_LINGER},
		{unix.SOL_TCP, unix.TCP_NODELAY}, {unix.SOL_TCP, unix.TCP_KEEPIDLE},
		{unix.SOL_TCP, unix.TCP_KEEPINTVL}, {unix.SOL_TCP, unix.TCP_KEEPCNT},
		{unix.SOL_TCP, unix.TCP_USER_TIMEOUT}, {unix.SOL_TCP, unix.TCP_MAXSEG},
		{unix.SOL_TCP, unix.TCP_QUICKACK},
	} {
		copyOption(dst, src, o.level, o.name)
	}
	if domain == unix.AF_INET6 {
		copyOption(dst, src, unix.SOL_IPV6, unix.IPV6_V6ONLY)
		copyOption(dst, src, unix.SOL_IPV6, unix.IPV6_TCLASS)
		return
	}
	copyOption(dst, src, unix.SOL_IP, unix.IP_TOS)
}

// copyOption copies one option as the bytes it is made of.
func copyOption(dst, src, level, name int) {
	var buf [16]byte
	size := uint32(len(buf))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(src), uintptr(level), uintptr(name),
		uintptr(unsafe.Pointer(&buf)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 || buf == [16]byte{} {
		return
	}
	_, _, _ = unix.Syscall6(unix.SYS_SETSOCKOPT, uintptr(dst), uintptr(level), uintptr(name),
		uintptr(unsafe.Pointer(&buf)), uintptr(size), 0)
}
