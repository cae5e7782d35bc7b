package sandbox_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gowhisk/gowhisk/internal/sandbox"
)

// ownNetwork marks the re-execution of the egress tests in a network
// namespace of their own, where addresses can be made up.
const ownNetwork = "SANDBOX_TEST_NETWORK"

// The made-up host: a public address, a private one, and its loopback.
const (
	publicAddr  = "203.0.113.1"
	privateAddr = "10.9.8.7"
	public6     = "2606:4700::1"
)

func TestOutboundConnectionsAreMediated(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to make a network")
	}
	cmd := exec.CommandContext(t.Context(), readableCopy(t), "-test.run=EgressInOwnNetwork", "-test.v")
	cmd.Env = append(os.Environ(), ownNetwork+"=1", "TMPDIR=/tmp")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// makeHost raises loopback and gives it the made-up addresses.
func makeHost(t *testing.T) {
	t.Helper()
	if os.Getenv(ownNetwork) == "" {
		t.Skip("runs only as a part of TestOutboundConnectionsAreMediated")
	}
	if os.Geteuid() != 0 {
		return // made by the parent
	}
	needProgram(t, "/sbin/ip")
	for _, args := range []string{
		"link set lo up", "addr replace " + publicAddr + "/32 dev lo", "addr replace " + privateAddr + "/32 dev lo",
		"addr replace " + public6 + "/128 dev lo nodad",
	} {
		out, err := exec.Command("/sbin/ip", strings.Fields(args)...).CombinedOutput()
		if err != nil {
			t.Fatalf("ip %s: %v: %s", args, err, out)
		}
	}
}

func serve(t *testing.T, address string) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go serveEcho(l, "outside")
	return l.Addr().(*net.TCPAddr).AddrPort()
}

func TestEgressInOwnNetwork(t *testing.T) {
	makeHost(t)
	public, public6 := serve(t, publicAddr+":0"), serve(t, "["+public6+"]:0")
	private, loopback, api := serve(t, privateAddr+":0"), serve(t, "127.0.0.1:0"), serve(t, "127.0.0.1:0")
	closed := net.JoinHostPort(publicAddr, "1")
	dns := nameServer(t)
	policy := sandbox.Policy{API: []netip.AddrPort{api}, DNS: []netip.Addr{dns}}
	t.Run("plain user", func(t *testing.T) { asPlainUser(t, "^TestEgressInOwnNetwork$") })
	eachTier(t, func(t *testing.T, tier sandbox.Tier) {
		h := newHost(t, tier, policy)
		cases := []struct{ how, target, want string }{
			{"go", public.String(), "this is outside from " + public.String()},
			{"go", public6.String(), "this is outside from " + public6.String()},
			{"blocking", public.String(), "this is outside"},
			{"mapped", public.String(), "this is outside"},
			{"go", api.String(), "this is outside"},
			{"options", public.String(), "nodelay 1, keepalive 1, timeout 7s, nonblock false"},
			{"go", private.String(), "network is unreachable"},
			{"blocking", private.String(), "network is unreachable"},
			{"mapped", private.String(), "network is unreachable"},
			{"mapped", loopback.String(), "connection refused"},
			{"go", loopback.String(), "connection refused"},
			{"go", closed, "connection refused"},
			{"blocking", closed, "connection refused"},
			{"inner", "tcp4", "this is inside"},
			{"inner", "tcp6", "this is inside"},
			{"inner", "unix", "this is inside"},
			{"inner", "abstract", "this is inside"},
			{"resolve", "name.example", "[203.0.113.1]"},
			{"udp", private.String(), "network is unreachable"},
			{"abuse connected", public.String() + "," + loopback.String(), "held"},
			{"abuse failed", closed + "," + loopback.String(), "held"},
		}
		var pairs []string
		for _, c := range cases {
			pairs = append(pairs, c.how, c.target)
		}
		_, out := start(t, h, probe(t, "dial", pairs...)).finish()
		lines := strings.Split(out, "\n")
		for i, c := range cases {
			if i >= len(lines) || !strings.Contains(lines[i], c.want) {
				t.Errorf("%s %s: want %q in line %d of\n%s", c.how, c.target, c.want, i, out)
			}
		}
		for name, s := range clients(t, public) {
			t.Run(name, func(t *testing.T) {
				needProgram(t, s.Path)
				_, out := start(t, h, s).finish()
				if !strings.Contains(out, "this is outside") || name == "java" && !strings.Contains(out, "nio true") {
					t.Errorf("got %q", out)
				}
			})
		}
	})
}

// clients fetch from the address each in its own language's way.
func clients(t *testing.T, a netip.AddrPort) map[string]sandbox.Spec {
	url := fmt.Sprintf("http://%s/", a)
	return map[string]sandbox.Spec{
		"curl": {Path: "/usr/bin/curl", Args: []string{"curl", "-sS", "-m", "5", url}},
		"curl by name": {Path: "/usr/bin/curl", Args: []string{"curl", "-sS", "-m", "5",
			fmt.Sprintf("http://name.example:%d/", a.Port())}},
		"python": {Path: "/usr/bin/python3", Args: []string{"python3", "-c",
			"import urllib.request as u; print(u.urlopen('" + url + "', timeout=5).read())"}},
		"python by name": {Path: "/usr/bin/python3", Args: []string{"python3", "-c",
			fmt.Sprintf("import urllib.request as u; print(u.urlopen('http://name.example:%d/', timeout=5).read())", a.Port())}},
		"python asyncio": {Path: "/usr/bin/python3", Args: []string{"python3", "-c", fmt.Sprintf(`
import asyncio
async def main():
    r, w = await asyncio.open_connection(%q, %d)
    w.write(b"hello\n")
    print(await r.read())
asyncio.run(main())`, a.Addr(), a.Port())}},
		"node": {Path: "/usr/bin/node", Args: []string{"node", "-e",
			"fetch('" + url + "').then(r => r.text()).then(console.log, e => console.log(e.cause))"}},
		"node by name": {Path: "/usr/bin/node", Args: []string{"node", "-e",
			fmt.Sprintf("require('http').get('http://name.example:%d/', r => r.on('data', d => console.log(String(d)))).on('error', console.log)", a.Port())}},
		"java": {Path: "/usr/bin/java", Args: []string{"java", "-Xshare:auto", "-XX:TieredStopAtLevel=1",
			"-Djdk.net.hosts.file=/etc/hosts", "-cp", "/java", "Fetch", url},
			Mounts: []sandbox.Mount{{Source: javaClasses(t), Target: "/java"}}},
	}
}

// javaClasses compiles a client, one blocking and one non-blocking, if there
// is a compiler.
func javaClasses(t *testing.T) string {
	dir := t.TempDir()
	src := dir + "/Fetch.java"
	err := os.WriteFile(src, []byte(`
import java.net.*; import java.nio.channels.*;
public class Fetch { public static void main(String[] a) throws Exception {
  System.out.println(new String(new URL(a[0]).openStream().readAllBytes()));
  var c = SocketChannel.open(); var s = Selector.open(); var u = URI.create(a[0]);
  c.configureBlocking(false); c.register(s, SelectionKey.OP_CONNECT);
  c.connect(new InetSocketAddress(u.getHost(), u.getPort()));
  s.select(5000); System.out.println("nio " + c.finishConnect());
} }`), 0o644)
	out, cerr := exec.Command("javac", "-d", dir, src).CombinedOutput()
	if err = errors.Join(err, cerr); err != nil {
		t.Logf("no Java client: %v: %s", err, out)
	}
	return dir
}

// nameServer answers every A query with publicAddr, on port 53 of a loopback
// address that only the host has.
func nameServer(t *testing.T) netip.Addr {
	t.Helper()
	address := netip.MustParseAddr("127.0.0.53")
	conn, err := net.ListenPacket("udp", netip.AddrPortFrom(address, 53).String())
	if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EADDRINUSE) {
		return address // the privileged parent serves it
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if _, err := conn.WriteTo(answer(buf[:n]), from); err != nil {
				return
			}
		}
	}()
	return address
}

// answer replies to one DNS question: an address for A, nothing for others.
func answer(q []byte) []byte {
	end := 12
	for q[end] != 0 {
		end += int(q[end]) + 1
	}
	end += 5
	reply := append([]byte{}, q[:end]...)
	reply[2], reply[3] = 0x81, 0x80
	copy(reply[6:12], []byte{0, 0, 0, 0, 0, 0})
	if q[end-3] == 1 {
		reply[7] = 1
		reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 203, 0, 113, 1)
	}
	return reply
}
