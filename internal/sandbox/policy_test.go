package sandbox_test

import (
	"net/netip"
	"testing"

	"github.com/gowhisk/gowhisk/internal/sandbox"
)

func TestPolicyJudgesAddresses(t *testing.T) {
	policy := sandbox.Policy{
		API:       []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:3233"), netip.MustParseAddrPort("192.168.7.7:443")},
		DNS:       []netip.Addr{netip.MustParseAddr("10.255.255.53")},
		AllowNets: []netip.Prefix{netip.MustParsePrefix("10.20.0.0/16"), netip.MustParsePrefix("fd12::/16")},
	}
	for _, c := range []struct {
		dst   string
		proto sandbox.Proto
		want  sandbox.Verdict
	}{
		{"8.8.8.8:443", sandbox.TCP, sandbox.Connect},
		{"203.0.113.1:80", sandbox.TCP, sandbox.Connect},
		{"[2606:4700::1111]:443", sandbox.TCP, sandbox.Connect},
		{"[::ffff:8.8.8.8]:443", sandbox.TCP, sandbox.Connect},
		{"[64:ff9b::8.8.8.8]:443", sandbox.TCP, sandbox.Connect},

		{"127.0.0.1:3233", sandbox.TCP, sandbox.Connect},
		{"[::ffff:127.0.0.1]:3233", sandbox.TCP, sandbox.Connect},
		{"127.0.0.1:3233", sandbox.UDP, sandbox.Local},
		{"192.168.7.7:443", sandbox.TCP, sandbox.Connect},
		{"192.168.7.7:444", sandbox.TCP, sandbox.Deny},
		{"192.168.7.7:443", sandbox.UDP, sandbox.Deny},

		{"127.0.0.1:80", sandbox.TCP, sandbox.Local},
		{"127.255.255.254:80", sandbox.TCP, sandbox.Local},
		{"[::1]:80", sandbox.TCP, sandbox.Local},
		{"[::ffff:127.0.0.1]:80", sandbox.TCP, sandbox.Local},
		{"0.0.0.0:80", sandbox.TCP, sandbox.Local},
		{"[::]:80", sandbox.TCP, sandbox.Local},

		{"10.255.255.53:53", sandbox.UDP, sandbox.Connect},
		{"10.255.255.53:53", sandbox.TCP, sandbox.Connect},
		{"10.255.255.53:80", sandbox.TCP, sandbox.Deny},
		{"10.20.1.2:5432", sandbox.TCP, sandbox.Connect},
		{"[fd12::1]:5432", sandbox.TCP, sandbox.Connect},

		{"10.0.0.1:80", sandbox.TCP, sandbox.Deny},
		{"172.16.0.1:80", sandbox.TCP, sandbox.Deny},
		{"172.31.255.255:80", sandbox.TCP, sandbox.Deny},
		{"172.32.0.1:80", sandbox.TCP, sandbox.Connect},
		{"192.168.0.1:80", sandbox.TCP, sandbox.Deny},
		{"100.64.0.1:80", sandbox.TCP, sandbox.Deny},
		{"100.100.100.200:80", sandbox.TCP, sandbox.Deny},
		{"100.128.0.1:80", sandbox.TCP, sandbox.Connect},
		{"169.254.169.254:80", sandbox.TCP, sandbox.Deny},
		{"168.63.129.16:80", sandbox.TCP, sandbox.Deny},
		{"0.1.2.3:80", sandbox.TCP, sandbox.Deny},
		{"192.0.0.192:80", sandbox.TCP, sandbox.Deny},
		{"198.18.0.1:80", sandbox.TCP, sandbox.Deny},
		{"224.0.0.1:80", sandbox.TCP, sandbox.Deny},
		{"255.255.255.255:80", sandbox.TCP, sandbox.Deny},
		{"8.8.8.8:0", sandbox.TCP, sandbox.Deny},

		{"[::ffff:10.0.0.1]:80", sandbox.TCP, sandbox.Deny},
		{"[::ffff:169.254.169.254]:80", sandbox.TCP, sandbox.Deny},
		{"[::10.0.0.1]:80", sandbox.TCP, sandbox.Deny},
		{"[::8.8.8.8]:80", sandbox.TCP, sandbox.Deny},
		{"[64:ff9b::10.0.0.1]:80", sandbox.TCP, sandbox.Deny},
		{"[64:ff9b::127.0.0.1]:80", sandbox.TCP, sandbox.Deny},
		{"[64:ff9b::169.254.169.254]:80", sandbox.TCP, sandbox.Deny},
		{"[64:ff9b:1::8.8.8.8]:80", sandbox.TCP, sandbox.Deny},
		{"[2002:a00:1::]:80", sandbox.TCP, sandbox.Deny},
		{"[2002:7f00:1::]:80", sandbox.TCP, sandbox.Deny},
		{"[2002:a9fe:a9fe::]:80", sandbox.TCP, sandbox.Deny},
		{"[2001:0:a00:1::]:80", sandbox.TCP, sandbox.Deny},
		{"[fd00:ec2::254]:80", sandbox.TCP, sandbox.Deny},
		{"[fc00::1]:80", sandbox.TCP, sandbox.Deny},
		{"[fe80::1]:80", sandbox.TCP, sandbox.Deny},
		{"[fe80::1%eth0]:80", sandbox.TCP, sandbox.Deny},
		{"[fec0::1]:80", sandbox.TCP, sandbox.Deny},
		{"[ff02::1]:80", sandbox.TCP, sandbox.Deny},
		{"[100::1]:80", sandbox.TCP, sandbox.Deny},
		{"[5f00::1]:80", sandbox.TCP, sandbox.Deny},
	} {
		if got := policy.Allow(netip.MustParseAddrPort(c.dst), c.proto); got != c.want {
			t.Errorf("%s over %d: got %d, want %d", c.dst, c.proto, got, c.want)
		}
	}
}

func TestPolicyOfNoneAllowsOnlyTheAPIAndLoopback(t *testing.T) {
	api := netip.MustParseAddrPort("127.0.0.1:3233")
	policy := sandbox.Policy{None: true, API: []netip.AddrPort{api}, DNS: []netip.Addr{netip.MustParseAddr("9.9.9.9")}}
	for dst, want := range map[string]sandbox.Verdict{
		"127.0.0.1:3233": sandbox.Connect, "127.0.0.1:80": sandbox.Local,
		"8.8.8.8:443": sandbox.Deny, "9.9.9.9:53": sandbox.Deny,
	} {
		if got := policy.Allow(netip.MustParseAddrPort(dst), sandbox.TCP); got != want {
			t.Errorf("%s: got %d, want %d", dst, got, want)
		}
	}
}

// FuzzPolicyHidesPrivateNetworksBehindAnyNotation embeds an IPv4 address in
// every notation that reaches it: the verdict must never be milder than on
// the address itself.
func FuzzPolicyHidesPrivateNetworksBehindAnyNotation(f *testing.F) {
	f.Add([]byte{10, 0, 0, 1}, uint16(80))
	f.Add([]byte{169, 254, 169, 254}, uint16(80))
	f.Add([]byte{127, 0, 0, 1}, uint16(22))
	f.Fuzz(func(t *testing.T, b []byte, port uint16) {
		v4, ok := netip.AddrFromSlice(b)
		if !ok || !v4.Is4() {
			t.Skip("not an IPv4 address")
		}
		var policy sandbox.Policy
		if policy.Allow(netip.AddrPortFrom(v4, port), sandbox.TCP) == sandbox.Connect {
			if v4.IsPrivate() || v4.IsLoopback() || v4.IsLinkLocalUnicast() || v4.IsMulticast() {
				t.Fatalf("%v is connected to", v4)
			}
			return
		}
		a := v4.As4()
		for _, prefix := range [][]byte{
			{10: 0xff, 11: 0xff}, {0: 0, 11: 0}, {0: 0, 1: 0x64, 2: 0xff, 3: 0x9b, 11: 0}, {0: 0x20, 1: 0x02},
		} {
			var v6 [16]byte
			n := copy(v6[:], prefix)
			copy(v6[n:], a[:])
			addr := netip.AddrPortFrom(netip.AddrFrom16(v6), port)
			if policy.Allow(addr, sandbox.TCP) == sandbox.Connect {
				t.Errorf("%v is connected to, %v is not", addr, v4)
			}
		}
	})
}
