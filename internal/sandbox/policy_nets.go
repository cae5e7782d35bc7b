package sandbox

import (
	"net/netip"
	"sync"
)

// Prefixes with a role of their own; constants in all but the language.
var (
	nat64     = netip.PrefixFrom(netip.AddrFrom16([16]byte{1: 0x64, 2: 0xff, 3: 0x9b}), 96)
	sixToFour = netip.PrefixFrom(netip.AddrFrom16([16]byte{0: 0x20, 1: 0x02}), 16)
	global6   = netip.PrefixFrom(netip.AddrFrom16([16]byte{0: 0x20}), 3)
)

// reserved4 lists the IPv4 special-purpose blocks (RFC 6890 and successors)
// that never name a host on the internet, or name one private to this host's
// network. Test networks (RFC 5737) are left out: nobody routes them.
var reserved4 = sync.OnceValue(func() []netip.Prefix {
	return prefixes(
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8",
		"169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.88.99.0/24",
		"192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4",
		"168.63.129.16/32", // the metadata and DNS address of one large cloud
	)
})

// reserved6 lists blocks inside 2000::/3 that are not plain global unicast.
// Everything outside 2000::/3 (ULA, link-local, site-local, the local NAT64
// prefix, IPv4-compatible) is refused by global6 alone.
var reserved6 = sync.OnceValue(func() []netip.Prefix {
	return prefixes("2001::/32", "2001:2::/48", "2001:10::/28", "2001:20::/28")
})

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}
