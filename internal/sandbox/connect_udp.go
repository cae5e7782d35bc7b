package sandbox

import "golang.org/x/sys/unix"

// connectUDP connects a datagram socket within the sandbox's own network. A
// socket of the host's could send anywhere whatever it is connected to, so
// none is ever handed over; names are resolved by the resolver inside.
func (s *supervisor) connectUDP(sock socket, a address) unix.Errno {
	if !sock.inside || s.policy.Allow(a.dst, UDP) != Local {
		return unix.ENETUNREACH
	}
	return errnoOf(unix.Connect(sock.fd, a.sockaddr()))
}
