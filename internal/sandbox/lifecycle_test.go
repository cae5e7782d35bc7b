package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gowhisk/gowhisk/internal/sandbox"
)

func needProgram(t testing.TB, name string) {
	t.Helper()
	if _, err := os.Stat(name); err != nil {
		t.Skipf("needs %s: %v", name, err)
	}
}

// members counts the processes of the pid namespace whose first process is pid.
func members(t testing.TB, pid int) int {
	t.Helper()
	ns, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", pid))
	if err != nil {
		return 0
	}
	return inNamespace(t, ns)
}

func inNamespace(t testing.TB, ns string) int {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/ns/pid")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, l := range links {
		if got, err := os.Readlink(l); err != nil || got != ns {
			continue
		}
		// Reaping what lost its parent is up to the host's init.
		stat, err := os.ReadFile(filepath.Dir(filepath.Dir(l)) + "/stat")
		if err == nil && !strings.Contains(string(stat), ") Z ") {
			n++
		}
	}
	return n
}

func TestKillEndsStubbornTrees(t *testing.T) {
	needProgram(t, "/usr/bin/python3")
	for name, script := range map[string]string{
		"ignores signals": "trap '' TERM INT HUP; (trap '' TERM; while :; do sleep 1; done) & echo ready; while :; do sleep 1; done",
		"double fork":     "(setsid sh -c 'trap \"\" TERM HUP; sleep 600' </dev/null >/dev/null 2>&1 &) ; setsid sleep 600 & echo ready; sleep 600",
		"stops itself":    "sleep 600 & echo ready; kill -STOP $!; sh -c 'kill -STOP $$'; sleep 600",
		"forks forever": `exec python3 -c '
import os, signal
print("ready", flush=True)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True:
    try: os.fork()
    except OSError: pass'`,
	} {
		t.Run(name, func(t *testing.T) {
			eachTier(t, func(t *testing.T, tier sandbox.Tier) {
				h := newHost(t, tier, sandbox.Policy{})
				s := shell(script)
				s.Limits.Pids = 64
				p := start(t, h, s)
				p.until("ready")
				ns, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", p.Pid()))
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				if err := p.Kill(); err != nil {
					t.Fatal(err)
				}
				exit, _ := p.finish()
				if took := time.Since(began); took > time.Second {
					t.Errorf("took %v", took)
				}
				if n := inNamespace(t, ns); n != 0 || exit.Signal != unix.SIGKILL {
					t.Errorf("%d processes left, exit %+v", n, exit)
				}
			})
		})
	}
}

func TestFrozenTreeUsesNoProcessorAndThaws(t *testing.T) {
	eachTier(t, func(t *testing.T, tier sandbox.Tier) {
		h := newHost(t, tier, sandbox.Policy{})
		p := start(t, h, shell("(while :; do :; done) & echo ready; while read line; do echo got $line; done"))
		p.until("ready")
		for range 3 {
			if err := p.Freeze(t.Context()); err != nil {
				t.Fatal(err)
			}
			before := ticks(t, p.Pid())
			// Not a wait for something to happen, but the time over which
			// nothing must.
			<-time.After(200 * time.Millisecond)
			if used := ticks(t, p.Pid()) - before; used > 1 {
				t.Errorf("used %d ticks while frozen", used)
			}
			if err := p.Thaw(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := p.stdin.WriteString("this\n"); err != nil {
			t.Fatal(err)
		}
		p.until("got this")
	})
}

func TestKillEndsFrozenTree(t *testing.T) {
	eachTier(t, func(t *testing.T, tier sandbox.Tier) {
		h := newHost(t, tier, sandbox.Policy{})
		p := start(t, h, shell("sleep 600 & sleep 600"))
		if err := p.Freeze(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
		if exit, _ := p.finish(); exit.Signal != unix.SIGKILL {
			t.Errorf("exit %+v", exit)
		}
	})
}

// ticks is the processor time of the tree in clock ticks.
func ticks(t *testing.T, pid int) (sum int) {
	t.Helper()
	ns, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", pid))
	if err != nil {
		t.Fatal(err)
	}
	links, err := filepath.Glob("/proc/[0-9]*/ns/pid")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		if got, err := os.Readlink(l); err != nil || got != ns {
			continue
		}
		stat, err := os.ReadFile(filepath.Dir(filepath.Dir(l)) + "/stat")
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		f := strings.Fields(rest)
		for _, i := range []int{11, 12} {
			n, err := strconv.Atoi(f[i])
			if err != nil {
				t.Fatal(err)
			}
			sum += n
		}
	}
	return sum
}

func TestExitTellsCodeAndSignal(t *testing.T) {
	h := newHost(t, sandbox.TierRootless, sandbox.Policy{})
	if exit, _ := start(t, h, shell("exit 7")).finish(); exit.Code != 7 || exit.Signal != 0 {
		t.Errorf("exit 7: %+v", exit)
	}
	needProgram(t, "/usr/bin/python3")
	s := python(t, "import ctypes; ctypes.string_at(0)")
	if exit, _ := start(t, h, s).finish(); exit.Code != -1 || exit.Signal != unix.SIGSEGV {
		t.Errorf("segmentation fault: %+v", exit)
	}
}

func TestFailedStartLeavesNothing(t *testing.T) {
	eachTier(t, func(t *testing.T, tier sandbox.Tier) {
		if tier == forked || tier == forkedRootless {
			t.Skip("see TestForkThatFailsLeavesNothing")
		}
		h := newHost(t, tier, sandbox.Policy{})
		before := idle(t, h)
		s := shell("true")
		s.Path = "/no/such/program"
		if _, err := tryStart(t, h, s); err == nil || !strings.Contains(err.Error(), "/no/such/program") {
			t.Errorf("missing program: %v", err)
		}
		s = shell("true")
		s.Mounts = []sandbox.Mount{{Source: "/no/such/source", Target: "/x"}}
		if _, err := tryStart(t, h, s); !errors.Is(err, os.ErrNotExist) && err == nil {
			t.Errorf("missing source: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := h.Start(ctx, shell("sleep 600")); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		before.settle(t)
	})
}

func TestStartCutShortAtAnyTimeLeavesNothing(t *testing.T) {
	h := newHost(t, sandbox.TierFull, sandbox.Policy{})
	before := idle(t, h)
	for i := range 40 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*300*time.Microsecond)
		p, err := h.Start(ctx, shell("sleep 600"))
		cancel()
		if err == nil {
			if err := p.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
	before.settle(t)
}

func TestFiftySandboxesLeaveNothing(t *testing.T) {
	eachTier(t, func(t *testing.T, tier sandbox.Tier) {
		h := newHost(t, tier, sandbox.Policy{})
		before := idle(t, h)
		var all []*inside
		for range 50 {
			all = append(all, start(t, h, shell("echo ready; sleep 600 & sleep 600")))
		}
		for _, p := range all {
			p.until("ready")
			p.close()
		}
		before.settle(t)
	})
}

// idle is the level of a host that has started and ended a sandbox and has
// its spare launcher waiting again.
func idle(t *testing.T, h *sandbox.Host) level {
	t.Helper()
	p := start(t, h, shell("true"))
	p.finish()
	p.close()
	l, since := resources(t), time.Now()
	eventually(t, 20*time.Second, func() bool {
		now := resources(t)
		if now != l {
			l, since = now, time.Now()
		}
		return time.Since(since) > 300*time.Millisecond
	}, func() string { return fmt.Sprintf("the host does not come to rest: %+v", l) })
	return l
}

// level counts what sandboxes take from the host and must give back.
type level struct{ fds, goroutines, cgroups int }

func resources(t *testing.T) level {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	pattern := fmt.Sprintf("/gowhisk-*/%d-*", os.Getpid())
	l := level{fds: len(fds), goroutines: runtime.NumGoroutine()}
	for _, depth := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/*", "/sys/fs/cgroup/*/*", "/sys/fs/cgroup/*/*/*"} {
		found, err := filepath.Glob(depth + pattern)
		if err != nil {
			t.Fatal(err)
		}
		l.cgroups += len(found)
	}
	return l
}

func (l level) settle(t *testing.T) {
	t.Helper()
	var now level
	eventually(t, 5*time.Second, func() bool {
		now = resources(t)
		return now.fds <= l.fds && now.goroutines <= l.goroutines && now.cgroups <= l.cgroups
	}, func() string { return fmt.Sprintf("before %+v, now %+v", l, now) })
}

// TestServerForItsOwnDeath is not a test: TestNothingOutlivesTheServer runs it
// in a process of its own and kills that.
func TestServerForItsOwnDeath(t *testing.T) {
	tier := os.Getenv("SANDBOX_TEST_SERVER")
	if tier == "" {
		t.Skip("runs only as a part of TestNothingOutlivesTheServer")
	}
	h := newHost(t, sandbox.Tier(tier), sandbox.Policy{})
	p := start(t, h, shell("(setsid sleep 600 &); trap '' TERM HUP; echo ready; while :; do sleep 1; done"))
	p.until("ready")
	// Retire as many threads as the runtime has: none of them may be the one
	// that the sandbox's life hangs on.
	for range 20 {
		done := make(chan struct{})
		go func() { runtime.LockOSThread(); close(done) }()
		<-done
	}
	fmt.Printf("namespace %d\n", p.Pid())
	select {}
}

func TestNothingOutlivesTheServer(t *testing.T) {
	eachTier(t, func(t *testing.T, tier sandbox.Tier) {
		newHost(t, tier, sandbox.Policy{})
		cmd := exec.Command(os.Args[0], "-test.run=^TestServerForItsOwnDeath$")
		cmd.Env = append(os.Environ(), "SANDBOX_TEST_SERVER="+string(tier))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		pid := 0
		if _, err := fmt.Fscanf(out, "namespace %d\n", &pid); err != nil {
			t.Fatal(errors.Join(err, cmd.Process.Kill(), cmd.Wait()))
		}
		ns, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", pid))
		if err != nil {
			t.Fatal(err)
		}
		if n := inNamespace(t, ns); n < 2 {
			t.Errorf("%d processes before the server's death", n)
		}
		if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err == nil {
			t.Error("the server ended by itself")
		}
		eventually(t, 2*time.Second, func() bool { return inNamespace(t, ns) == 0 },
			func() string { return "processes outlive the server" })
		owner := "TestServerForItsOwnDeath-"
		if err := sandbox.CleanUp(t.Context(), owner); err != nil {
			t.Error(err)
		}
		left, err := filepath.Glob("/sys/fs/cgroup/*/gowhisk-" + owner)
		if err != nil || len(left) > 0 {
			t.Errorf("cgroups left: %v, %v", left, err)
		}
	})
}

func TestDeathOfTheSpawnerEndsSandboxesAndIsRecovered(t *testing.T) {
	eachTier(t, func(t *testing.T, tier sandbox.Tier) {
		h := newHost(t, tier, sandbox.Policy{})
		p := start(t, h, shell("echo ready; sleep 600"))
		p.until("ready")
		ns, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", p.Pid()))
		if err != nil {
			t.Fatal(err)
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Pid()))
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		spawner, err := strconv.Atoi(strings.Fields(rest)[1])
		if err != nil || spawner == os.Getpid() {
			t.Fatalf("spawner %d: %v", spawner, err)
		}
		if err := unix.Kill(spawner, unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if exit, err := p.Wait(t.Context()); err == nil || exit.Signal != unix.SIGKILL {
			t.Errorf("exit %+v, %v", exit, err)
		}
		eventually(t, time.Second, func() bool { return inNamespace(t, ns) == 0 },
			func() string { return "processes outlive the spawner" })
		eventually(t, time.Second, func() bool {
			q, err := tryStartBy(t, h.Start, shell("exit 3")) // a zygote has ended, too
			if err != nil {
				return false
			}
			exit, _ := q.finish()
			return exit.Code == 3
		}, func() string { return "the host did not recover" })
	})
}

func TestLifecycleAsPlainUser(t *testing.T) {
	asPlainUser(t, "^(TestKill.*|TestFrozen.*|TestNothing.*|TestFifty.*|TestForkBomb.*|TestLimitsCanBeSetLater.*|TestMemoryIs.*|TestProcessFinds.*)$")
}
