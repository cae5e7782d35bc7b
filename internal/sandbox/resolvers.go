package sandbox

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
)

// Resolvers lists the name servers that the host itself uses, for Policy.DNS,
// in their order. A host without a resolver configuration has its own on
// loopback, as resolv.conf(5) says.
func Resolvers() ([]netip.Addr, error) {
	body, err := os.ReadFile("/etc/resolv.conf")
	if os.IsNotExist(err) {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read name servers: %w", err)
	}
	var out []netip.Addr
	for line := range strings.Lines(string(body)) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] != "nameserver" {
			continue
		}
		if a, err := netip.ParseAddr(f[1]); err == nil {
			out = append(out, a.Unmap())
		}
	}
	return out, nil
}
