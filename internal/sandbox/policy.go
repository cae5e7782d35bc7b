package sandbox

import (
	"net/netip"
	"slices"
)

// Verdict is what happens to one outbound connection.
type Verdict uint8

// The verdicts of a Policy.
const (
	Deny    Verdict = iota // refused
	Local                  // stays on the loopback interface inside the sandbox
	Connect                // made by the supervisor on the host's network
)

// Proto is the transport of a connection.
type Proto uint8

// The transports a sandbox may use.
const (
	TCP Proto = iota + 1
	UDP
)

// Policy says where a sandboxed process may connect. The zero value allows
// every public address and nothing that is private to the host.
type Policy struct {
	// API lists exact addresses of our own server, private or not. An entry
	// wins over the sandbox's own loopback.
	API []netip.AddrPort
	// DNS lists the resolvers that the host uses; reachable on port 53.
	DNS []netip.Addr
	// AllowNets lists private networks that are opened on purpose.
	AllowNets []netip.Prefix
	// None refuses everything but API and the sandbox's own loopback.
	None bool
}

// Allow is the verdict on a connection to dst. It is pure: no lookups, no
// state, so that what was checked is what is connected.
func (p Policy) Allow(dst netip.AddrPort, proto Proto) Verdict {
	addr := dst.Addr().Unmap().WithZone("")
	exact := netip.AddrPortFrom(addr, dst.Port())
	if proto == TCP && slices.Contains(p.API, exact) {
		return Connect
	}
	if addr.IsLoopback() || addr.IsUnspecified() {
		return Local
	}
	if p.None || dst.Port() == 0 {
		return Deny
	}
	if dst.Port() == 53 && slices.Contains(p.DNS, addr) {
		return Connect
	}
	for _, n := range p.AllowNets {
		if n.Contains(addr) {
			return Connect
		}
	}
	if !public(addr) {
		return Deny
	}
	return Connect
}

// public reports whether addr is a global unicast address of the internet,
// seen through the transition mechanisms that embed an IPv4 address.
func public(addr netip.Addr) bool {
	if !addr.IsValid() || addr.IsMulticast() || addr.IsUnspecified() {
		return false
	}
	if v4, ok := embeddedIPv4(addr); ok {
		return public(v4)
	}
	nets := reserved4
	if addr.Is6() {
		nets = reserved6
	}
	for _, s := range nets() {
		if s.Contains(addr) {
			return false
		}
	}
	return addr.Is4() || global6.Contains(addr)
}

// embeddedIPv4 unwraps NAT64 and 6to4: a gateway on the path would deliver
// such a packet to the embedded IPv4 address.
func embeddedIPv4(addr netip.Addr) (netip.Addr, bool) {
	if !addr.Is6() {
		return netip.Addr{}, false
	}
	b := addr.As16()
	switch {
	case nat64.Contains(addr):
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case sixToFour.Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return netip.Addr{}, false
}
