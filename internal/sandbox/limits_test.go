package sandbox_test

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gowhisk/gowhisk/internal/sandbox"
)

func python(t *testing.T, script string) sandbox.Spec {
	t.Helper()
	needProgram(t, "/usr/bin/python3")
	return sandbox.Spec{Path: "/usr/bin/python3", Args: []string{"python3", "-c", script}}
}

func TestExceedingMemoryIsReportedAsOOMKilled(t *testing.T) {
	withCgroups(t, func(t *testing.T, tier sandbox.Tier) {
		h := newHost(t, tier, sandbox.Policy{})
		s := python(t, "b = b'x' * (200 << 20); print('survived')")
		s.Limits.Memory = 64 * mega
		exit, out := start(t, h, s).finish()
		if !exit.OOMKilled || exit.Signal != unix.SIGKILL || strings.Contains(out, "survived") {
			t.Errorf("exit %+v, output %q", exit, out)
		}
	})
}

func TestMemoryIsLimitedWithoutCgroups(t *testing.T) {
	h := newHost(t, sandbox.TierRootless, sandbox.Policy{})
	s := python(t, "b = b'x' * (200 << 20); print('survived')")
	s.Limits.Memory = 64 * mega
	exit, out := start(t, h, s).finish()
	if exit.Code == 0 || !strings.Contains(out, "MemoryError") {
		t.Errorf("exit %+v, output %q", exit, out)
	}
}

func TestSharedMemoryAndTmpCountAsMemory(t *testing.T) {
	withCgroups(t, func(t *testing.T, tier sandbox.Tier) {
		h := newHost(t, tier, sandbox.Policy{})
		s := shell("head -c 100000000 /dev/zero >/dev/shm/x; echo survived")
		s.TmpSize, s.Limits.Memory = 200*mega, 32*mega
		exit, _ := start(t, h, s).finish()
		if !exit.OOMKilled {
			t.Errorf("exit %+v", exit)
		}
	})
}

func TestForkBombStaysBounded(t *testing.T) {
	eachTier(t, func(t *testing.T, tier sandbox.Tier) {
		h := newHost(t, tier, sandbox.Policy{})
		s := python(t, `
import os, time
n = 0
try:
    while n < 500:
        if os.fork() == 0:
            time.sleep(60)
        n += 1
except OSError as e:
    print("stopped at", n, e, flush=True)
time.sleep(60)`)
		s.Limits = sandbox.Limits{Pids: 32}
		p := start(t, h, s)
		p.until("stopped at")
		if n := members(t, p.Pid()); n > 32 {
			t.Errorf("%d processes", n)
		}
	})
}

func TestTmpIsFullAtItsSize(t *testing.T) {
	eachTier(t, func(t *testing.T, tier sandbox.Tier) {
		h := newHost(t, tier, sandbox.Policy{})
		s := shell("head -c 3000000 /dev/zero >/tmp/a && echo three; head -c 9000000 /dev/zero >/tmp/b || wc -c </tmp/b")
		s.TmpSize = 8 * mega
		_, out := start(t, h, s).finish()
		if !strings.Contains(out, "three") || !strings.Contains(out, "No space left") {
			t.Errorf("got %q", out)
		}
	})
}

func TestLimitsCanBeRaisedAfterTheStart(t *testing.T) {
	withCgroups(t, func(t *testing.T, tier sandbox.Tier) {
		h := newHost(t, tier, sandbox.Policy{})
		s := python(t, "input(); b = b'x' * (100 << 20); print('survived')")
		s.Limits = sandbox.Limits{Memory: 48 * mega, Pids: 8, CPUShares: 256}
		p := start(t, h, s)
		err := p.SetLimits(sandbox.Limits{Memory: 256 * mega, CPUShares: 1024, CPUQuota: 1.5})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.stdin.WriteString("go\n"); err != nil {
			t.Fatal(err)
		}
		exit, out := p.finish()
		if exit.Code != 0 || !strings.Contains(out, "survived") {
			t.Errorf("exit %+v, output %q", exit, out)
		}
		current, peak, err := p.Memory()
		if err != nil || peak < 100*mega || current > peak {
			t.Errorf("memory %d, peak %d, %v", current, peak, err)
		}
	})
}

func TestLimitsCanBeLoweredToWhatIsInUse(t *testing.T) {
	withCgroups(t, func(t *testing.T, tier sandbox.Tier) {
		h := newHost(t, tier, sandbox.Policy{})
		s := python(t, "print('up', flush=True); input(); b = b'x' * (100 << 20); print('survived')")
		s.Limits = sandbox.Limits{Memory: 512 * mega}
		p := start(t, h, s)
		p.until("up")
		if err := p.SetLimits(sandbox.Limits{Memory: 64 * mega}); err != nil {
			t.Fatal(err)
		}
		if _, err := p.stdin.WriteString("go\n"); err != nil {
			t.Fatal(err)
		}
		if exit, _ := p.finish(); !exit.OOMKilled {
			t.Errorf("exit %+v", exit)
		}
	})
}

func TestOpenFilesAndFileSizeAreLimited(t *testing.T) {
	h := newHost(t, sandbox.TierRootless, sandbox.Policy{})
	s := shell("ulimit -n; ulimit -c; head -c 2000000 /dev/zero >/tmp/x; wc -c </tmp/x")
	s.Limits = sandbox.Limits{Files: 100, FileSize: mega}
	_, out := start(t, h, s).finish()
	if !strings.HasPrefix(out, "100\n0\n") || !strings.Contains(out, "1048576") {
		t.Errorf("got %q", out)
	}
}

func TestLimitsCanBeSetLaterWithoutCgroups(t *testing.T) {
	h := newHost(t, sandbox.TierRootless, sandbox.Policy{})
	p := start(t, h, python(t, "print('up', flush=True); input(); b = b'x' * (200 << 20); print('survived')"))
	p.until("up")
	if err := p.SetLimits(sandbox.Limits{Memory: 64 * mega}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.stdin.WriteString("go\n"); err != nil {
		t.Fatal(err)
	}
	if exit, out := p.finish(); exit.Code == 0 || !strings.Contains(out, "MemoryError") {
		t.Errorf("exit %+v, output %q", exit, out)
	}
}
