package sandbox_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gowhisk/gowhisk/internal/sandbox"
	"github.com/gowhisk/gowhisk/runtimes"
)

// python3 is the interpreter in the base system, as sandboxes see it.
const python3 = "/usr/bin/python3"

// newZygote starts a zygote whose forks run the program, which can use what
// is in mounts. Each fork may mount folders at /action and
// /java.
func newZygote(t testing.TB, h *sandbox.Host, program string, mounts ...sandbox.Mount) *sandbox.Zygote {
	t.Helper()
	needProgram(t, python3)
	dir := t.TempDir()
	zygote, err := runtimes.FS.ReadFile("python/zygote.py")
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string][]byte{"zygote.py": zygote, "launcher.py": []byte(program)} {
		if err := os.WriteFile(filepath.Join(dir, name), body, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := sandbox.Spec{
		Path: python3, Args: []string{python3, "-B", "/z/zygote.py", "/z/launcher.py"},
		Env: []string{"PATH=/usr/bin:/bin"}, Mounts: append(mounts, sandbox.Mount{Source: dir, Target: "/z"}),
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	z, err := h.StartZygote(ctx, s, sandbox.Places{Targets: []string{"/action", "/java"}, Sources: os.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := z.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return z
}

// These stand for the tiers by way of a zygote, so that what holds of
// sandboxes is shown of forks by the same tests.
const (
	forked         sandbox.Tier = "forked"
	forkedRootless sandbox.Tier = "forked-rootless"
)

// zygotes are those of hosts that newForkingHost made.
var zygotes sync.Map

// toExecute is what the forks of such a host execute, in the environment.
const toExecute = "SANDBOX_TEST_EXECUTE"

func newForkingHost(t testing.TB, tier sandbox.Tier, egress sandbox.Policy) *sandbox.Host {
	t.Helper()
	h := newHost(t, map[sandbox.Tier]sandbox.Tier{forked: sandbox.TierFull, forkedRootless: sandbox.TierRootless}[tier], egress)
	z := newZygote(t, h, "import json, os\nwhat = json.loads(os.environ.pop('"+toExecute+"'))\n"+
		"os.execve(what['Path'], what['Args'], os.environ)\n", probe(t, "").Mounts...)
	zygotes.Store(h, z)
	t.Cleanup(func() { zygotes.Delete(h) })
	return h
}

// executing has a fork execute s, which a program of the zygote's own shows
// only the same if all that is to hold survives an execve.
func executing(t testing.TB, s sandbox.Spec) sandbox.Spec {
	t.Helper()
	body, err := json.Marshal(struct {
		Path string
		Args []string
	}{s.Path, s.Args})
	if err != nil {
		t.Fatal(err)
	}
	env := s.Env
	if env == nil {
		env = []string{"PATH=/usr/bin:/bin"}
	}
	s.Env = append(slices.Clone(env), toExecute+"="+string(body))
	return s
}

// forkSpec is what a fork still needs: its program is the zygote's.
func forkSpec() sandbox.Spec {
	return sandbox.Spec{
		Path: python3, Args: []string{python3}, Env: []string{"ONLY=this"},
		Limits: sandbox.Limits{Memory: 512 * mega, Pids: 128},
	}
}

// look prints what the kernel tells of a process, without another execve.
const look = `
import json, os, random, re, sys, uuid, tempfile, threading, ctypes
out = {name: os.readlink('/proc/self/ns/' + name) for name in os.listdir('/proc/self/ns')}
for line in open('/proc/self/status'):
    key, _, value = line.partition(':')
    if key in ('Uid', 'Gid', 'Groups', 'CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs', 'Seccomp',
               'Seccomp_filters', 'NSpid', 'NSsid', 'SigBlk', 'SigIgn', 'Threads'):
        out[key] = value.split()
for line in open('/proc/self/limits'):
    out[line[:26].strip()] = line[26:].split()[:2]
out['fds'] = sorted(f for f in os.listdir('/proc/self/fd') if os.path.exists('/proc/self/fd/' + f))
out['mounts'] = sorted(re.sub(r'size=\w+|nr_inodes=\w+|[ug]id=\d+|mode=\d+|,', '', ' '.join(l.split()[1:4])) for l in open('/proc/self/mounts'))
out['root'] = sorted(os.listdir('/'))
out['tmp'] = os.listdir('/tmp')
out['cwd'] = os.getcwd()
out['host'] = os.uname().nodename
out['cgroup'] = [l.strip().split(':', 1)[1] for l in open('/proc/self/cgroup')]
out['oom'] = open('/proc/self/oom_score_adj').read()
out['umask'] = oct(os.umask(0o022))
out['dumpable'] = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)
out['tid'] = threading.get_native_id(), os.getpid(), os.getppid()
out['sid'] = os.getsid(0), os.getpgid(0)
chance = [random.random(), random.SystemRandom().random(), str(uuid.uuid4()), tempfile.mktemp()]
print(json.dumps([out, chance]), flush=True)
os.read(0, 1)
`

type looked struct {
	kernel map[string]any
	chance []any
}

// lookOf reads what a process that goes on has seen.
func lookOf(t *testing.T, p *inside) (l looked) {
	t.Helper()
	p.until("]]\n")
	out := p.output()
	if err := json.Unmarshal([]byte(out), &[]any{&l.kernel, &l.chance}); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return l
}

func TestForkIsIsolatedLikeAStart(t *testing.T) {
	for _, tier := range []sandbox.Tier{sandbox.TierFull, sandbox.TierRootless} {
		t.Run(string(tier), func(t *testing.T) { compareForks(t, newHost(t, tier, sandbox.Policy{})) })
	}
}

func TestForkIsIsolatedLikeAStartAsPlainUser(t *testing.T) {
	asPlainUser(t, "^TestForkIsIsolatedLikeAStart$")
}

func compareForks(t *testing.T, h *sandbox.Host) {
	code := t.TempDir()
	spec := forkSpec()
	spec.Mounts = []sandbox.Mount{{Source: code, Target: "/action"}, {Source: code, Target: "/java"}}
	z := newZygote(t, h, look)
	fork := lookOf(t, startBy(t, z.Start, spec))
	second := lookOf(t, startBy(t, z.Start, spec))

	spec.Args = []string{python3, "-c", look}
	// The zygote's mount is the only one that only its forks see.
	spec.Mounts = append(spec.Mounts, sandbox.Mount{Source: code, Target: "/z"})
	ordinary := lookOf(t, start(t, h, spec))
	for key, want := range ordinary.kernel {
		if ns, ok := want.(string); ok && strings.Contains(ns, ":[") {
			if key == "time" || key == "time_for_children" {
				continue
			}
			if fork.kernel[key] == second.kernel[key] {
				t.Errorf("two forks share the %s namespace", key)
			}
			if own, err := os.Readlink("/proc/self/ns/" + key); err == nil && fork.kernel[key] == own {
				t.Errorf("a fork is in the host's %s namespace", key)
			}
			continue
		}
		if fmt.Sprint(fork.kernel[key]) != fmt.Sprint(want) {
			t.Errorf("%s:\n fork     %v\n ordinary %v", key, fork.kernel[key], want)
		}
	}
	for i := range fork.chance {
		if fork.chance[i] == second.chance[i] {
			t.Errorf("two forks draw the same: %v", fork.chance[i])
		}
	}
}

func TestForkThatFailsLeavesNothing(t *testing.T) {
	h := newHost(t, sandbox.TierFull, sandbox.Policy{})
	z := newZygote(t, h, "pass")
	before, dir := idle(t, h), t.TempDir()
	for what, change := range map[string]func(*sandbox.Spec){
		"missing folder": func(s *sandbox.Spec) { s.Dir = "/no/such/folder" },
		"no place":       func(s *sandbox.Spec) { s.Mounts = []sandbox.Mount{{Source: dir, Target: "/elsewhere"}} },
		"missing source": func(s *sandbox.Spec) { s.Mounts = []sandbox.Mount{{Source: dir + "/none", Target: "/action"}} },
	} {
		s := forkSpec()
		change(&s)
		if _, err := tryStartBy(t, z.Start, s); err == nil || !strings.Contains(err.Error(), "No such file") && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", what, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := z.Start(ctx, forkSpec()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	before.settle(t)
	if exit, _ := startBy(t, z.Start, forkSpec()).finish(); exit.Code != 0 {
		t.Errorf("afterwards: %+v", exit)
	}
}

func TestForksAreDifferentUsersOfTheHost(t *testing.T) {
	h := newHost(t, sandbox.TierFull, sandbox.Policy{})
	z := newZygote(t, h, look)
	seen := map[uint32]bool{0: true, ownerOfProcess(t, z.Pid()): true}
	for range 3 {
		p := startBy(t, z.Start, forkSpec())
		lookOf(t, p)
		uid := ownerOfProcess(t, p.Pid())
		if seen[uid] || uid < 0x60000000 {
			t.Errorf("user id %#x", uid)
		}
		seen[uid] = true
	}
}

func ownerOfProcess(t *testing.T, pid int) uint32 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(fmt.Sprintf("/proc/%d", pid), &st); err != nil {
		t.Fatal(err)
	}
	return st.Uid
}

func TestZygoteHasNoRightsOnTheHost(t *testing.T) {
	h := newHost(t, sandbox.TierFull, sandbox.Policy{})
	z := newZygote(t, h, "pass")
	for _, name := range []string{"user", "mnt", "net", "ipc", "uts"} {
		theirs, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", z.Pid(), name))
		own, oerr := os.Readlink("/proc/self/ns/" + name)
		if err := errors.Join(err, oerr); err != nil || theirs == own {
			t.Errorf("namespace %s is the host's: %v", name, err)
		}
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", z.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	// Of its own namespace: to become another user and group.
	for _, want := range []string{"CapEff:\t00000000000000c0", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Threads:\t1"} {
		if !strings.Contains(string(status), want) {
			t.Errorf("no %q in %s", want, status)
		}
	}
}

func TestForksOutliveTheirZygote(t *testing.T) {
	h := newHost(t, sandbox.TierFull, sandbox.Policy{})
	z := newZygote(t, h, "import os\nos.write(1, b'ready')\nos.write(1, os.read(0, 9))\n")
	p := startBy(t, z.Start, forkSpec())
	p.until("ready")
	if err := unix.Kill(z.Pid(), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-z.Done()
	if _, err := tryStartBy(t, z.Start, forkSpec()); err == nil {
		t.Error("a dead zygote forked")
	}
	if _, err := p.stdin.WriteString("onwards"); err != nil {
		t.Fatal(err)
	}
	if exit, out := p.finish(); exit.Code != 0 || out != "readyonwards" {
		t.Errorf("%+v %q", exit, out)
	}
}

func TestStoppedZygoteNeverForksForAnother(t *testing.T) {
	h := newHost(t, sandbox.TierFull, sandbox.Policy{})
	z := newZygote(t, h, "pass")
	before := idle(t, h)
	if err := unix.Kill(z.Pid(), unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if _, err := tryStartBy(t, z.Start, forkSpec()); err == nil {
		t.Fatal("a stopped zygote forked")
	}
	if err := unix.Kill(z.Pid(), unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	// It forks for the first request now, and nobody wants it any more.
	if _, err := tryStartBy(t, z.Start, forkSpec()); err == nil {
		t.Error("a zygote that is out of step was asked again")
	}
	<-z.Done()
	before.settle(t)
}
