package sandbox

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"
)

// parseAddress decodes a struct sockaddr. Of families other than the internet
// ones only the family is looked at.
func parseAddress(b []byte) (address, unix.Errno) {
	a := address{family: binary.NativeEndian.Uint16(b)}
	switch a.family {
	case unix.AF_INET:
		if len(b) < unix.SizeofSockaddrInet4 {
			return a, unix.EINVAL
		}
		ip := netip.AddrFrom4([4]byte(b[4:8]))
		a.dst = netip.AddrPortFrom(ip, binary.BigEndian.Uint16(b[2:]))
	case unix.AF_INET6:
		if len(b) < unix.SizeofSockaddrInet6-4 { // RFC 2133 had no scope
			return a, unix.EINVAL
		}
		ip := netip.AddrFrom16([16]byte(b[8:24]))
		a.dst = netip.AddrPortFrom(ip, binary.BigEndian.Uint16(b[2:]))
		a.mapped = ip.Is4In6()
		if len(b) >= unix.SizeofSockaddrInet6 {
			a.scope = binary.NativeEndian.Uint32(b[24:])
		}
	}
	return a, 0
}

// sockaddr encodes the address for the system call that we make.
func (a address) sockaddr() unix.Sockaddr {
	if a.family == unix.AF_INET {
		return &unix.SockaddrInet4{Port: int(a.dst.Port()), Addr: a.dst.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.dst.Port()), Addr: a.dst.Addr().As16(), ZoneId: a.scope}
}

// errnoOf is the errno inside err: 0 for nil, EIO for what is none.
func errnoOf(err error) unix.Errno {
	if err == nil {
		return 0
	}
	var e unix.Errno
	if errors.As(err, &e) {
		return e
	}
	return unix.EIO
}
