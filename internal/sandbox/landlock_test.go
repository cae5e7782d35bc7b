package sandbox_test

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gowhisk/gowhisk/internal/sandbox"
)

// hostEscapes is what must fail where the process shares the host's file
// system, network and process ids.
func hostEscapes(secret, port, pid string) map[string]func() error {
	server, _ := strconv.Atoi(pid)
	kernel, spaces, sockets := kernelEscapes(), namespaceEscapes(), socketEscapes(port)
	delete(sockets, "find an interface")
	all := map[string]func() error{
		"read the host's secret":       read(secret),
		"list its directory":           func() error { _, err := os.ReadDir(filepath.Dir(secret)); return err },
		"write beside the secret":      create(filepath.Dir(secret) + "/x"),
		"write the host's /tmp":        create("/tmp/gowhisk-escape"),
		"write the host's /dev/shm":    create("/dev/shm/gowhisk-escape"),
		"write /usr":                   create("/usr/gowhisk-escape"),
		"read the server's memory map": read("/proc/" + pid + "/maps"),
		"read the server's environ":    read("/proc/" + pid + "/environ"),
		"open the server's root":       func() error { _, err := os.ReadDir("/proc/" + pid + "/root"); return err },
		"signal the server":            func() error { return unix.Kill(server, 0) },
		"signal a thread of it":        func() error { return unix.Tgkill(server, server, 0) },
		"trace the server":             func() error { return unix.PtraceAttach(server) },
		"limit the server": func() error {
			return unix.Prlimit(server, unix.RLIMIT_CPU, &unix.Rlimit{Cur: 1, Max: 1}, nil)
		},
		"leave the session":       func() error { _, err := unix.Setsid(); return err },
		"leave the process group": func() error { return unix.Setpgid(0, 0) },
		"listen on the host":      func() error { l, err := net.Listen("tcp", "127.0.0.1:0"); return closing(l, err) },
		"bind a datagram port":    func() error { l, err := net.ListenPacket("udp", "127.0.0.1:0"); return closing(l, err) },
		"reach an abstract socket": func() error {
			c, err := net.Dial("unix", "@gowhisk-escape-"+pid)
			return closing(c, err)
		},
	}
	for _, part := range []map[string]func() error{kernel, spaces, sockets} {
		for name, attempt := range part {
			all[name] = attempt
		}
	}
	for _, name := range []string{"/root/.bashrc", "/home", "/etc/shadow", "/sys/kernel/notes", "/var/log/dpkg.log"} {
		all["read "+name] = read(name)
	}
	return all
}

func closing(c interface{ Close() error }, err error) error {
	if err != nil {
		return err
	}
	return c.Close()
}

// landlocked is the specification of a probe for the tier without mounts.
func landlocked(t *testing.T, h *sandbox.Host, part string, args ...string) sandbox.Spec {
	t.Helper()
	s := probe(t, part, args...)
	s.Mounts[0].Source = readableCopy(t)
	s.Path = h.Path(s.Mounts[0])
	return s
}

func TestLandlockTierHoldsWithoutNamespaces(t *testing.T) {
	h := newHost(t, sandbox.TierLandlock, sandbox.Policy{})
	dir := filepath.Dir(readableCopy(t))
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o666); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := net.Listen("unix", "@gowhisk-escape-"+strconv.Itoa(os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	_, out := start(t, h, landlocked(t, h, "escape host", secret, port, strconv.Itoa(os.Getpid()))).finish()
	for line := range strings.Lines(out) {
		if !strings.HasPrefix(line, "held\t") {
			t.Error(line)
		}
	}
	t.Logf("%d attempts, all failed", strings.Count(out, "held\t"))
}

func TestLandlockTierRunsPrograms(t *testing.T) {
	h := newHost(t, sandbox.TierLandlock, sandbox.Policy{})
	s := python(t, "import os, tempfile, json; f = tempfile.TemporaryFile(); f.write(b'x'); print('ran', os.getcwd())")
	exit, out := start(t, h, s).finish()
	if exit.Code != 0 || !strings.HasPrefix(out, "ran ") {
		t.Errorf("exit %+v, output %q", exit, out)
	}
	needProgram(t, "/usr/bin/node")
	s = sandbox.Spec{Path: "/usr/bin/node", Args: []string{"node", "-e", "console.log('ran')"}}
	if exit, out = start(t, h, s).finish(); exit.Code != 0 || out != "ran\n" {
		t.Errorf("exit %+v, output %q", exit, out)
	}
}

func TestLandlockTierKillsWholeTree(t *testing.T) {
	h := newHost(t, sandbox.TierLandlock, sandbox.Policy{})
	p := start(t, h, shell("(trap '' TERM HUP; setsid sleep 601 || sleep 601) & (sleep 601 & sleep 601) & echo ready; sleep 601"))
	p.until("ready")
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	p.finish()
	eventually(t, time.Second, func() bool { return running(t, p.Pid()) == 0 },
		func() string { return "processes left in the group" })
}

// running counts the processes of a group, without zombies: reaping orphans is
// up to the host's init.
func running(t *testing.T, group int) (n int) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range stats {
		body, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(body), ") ")
		if f := strings.Fields(rest); f[2] == strconv.Itoa(group) && f[0] != "Z" {
			n++
		}
	}
	return n
}

func TestLandlockEgressInOwnNetwork(t *testing.T) {
	makeHost(t)
	public, private, api := serve(t, publicAddr+":0"), serve(t, privateAddr+":0"), serve(t, "127.0.0.1:0")
	h := newHost(t, sandbox.TierLandlock, sandbox.Policy{API: []netip.AddrPort{api}})
	_, out := start(t, h, landlocked(t, h, "dial", "go", public.String(), "blocking", public.String(), "go", api.String(),
		"go", private.String(), "mapped", private.String(), "udp", public.String(), "inner", "tcp4")).finish()
	lines := strings.Split(out+strings.Repeat("\n", 7), "\n")
	for i, want := range []string{"outside", "outside", "outside", "unreachable", "unreachable", "permission denied", "not permitted"} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("line %d: want %q in\n%s", i, want, out)
		}
	}
}

func TestLandlockAsPlainUser(t *testing.T) { asPlainUser(t, "^TestLandlockTier.*$") }

func TestTierNoneIsOnlyGivenWhenNamed(t *testing.T) {
	h := newHost(t, sandbox.TierNone, sandbox.Policy{})
	if _, out := start(t, h, shell("echo ran")).finish(); out != "ran\n" {
		t.Errorf("got %q", out)
	}
	r := sandbox.Probe(t.Context(), sandbox.Options{Owner: ownerOf(t)})
	if r.Tier == sandbox.TierNone {
		t.Errorf("unasked: %+v", r)
	}
	if _, err := sandbox.New(sandbox.Options{Owner: "x"}, sandbox.Report{}); err == nil {
		t.Error("a host without a tier was made")
	}
	t.Logf("%+v", r)
}
