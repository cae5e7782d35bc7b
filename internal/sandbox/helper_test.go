package sandbox_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/sandbox"
)

const mega = 1 << 20

// unprivileged marks the re-execution of these tests as a plain user.
const unprivileged = "SANDBOX_TEST_UNPRIVILEGED"

// newHost returns a host of exactly this tier, or skips with the reason.
func newHost(t testing.TB, tier sandbox.Tier, egress sandbox.Policy) *sandbox.Host {
	t.Helper()
	if tier == forked || tier == forkedRootless {
		return newForkingHost(t, tier, egress)
	}
	opts := sandbox.Options{Tier: tier, Owner: ownerOf(t), Egress: egress}
	r := sandbox.Probe(t.Context(), opts)
	if r.Tier != tier {
		t.Skipf("tier %s does not work here: %+v", tier, r.Missing)
	}
	h, err := sandbox.New(opts, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := h.Close(ctx); err != nil {
			t.Errorf("close host: %v", err)
		}
	})
	return h
}

func ownerOf(t testing.TB) string {
	name := strings.Map(func(r rune) rune {
		if r == '/' || r == '#' || r == '=' {
			return '-'
		}
		return r
	}, t.Name())
	return name[:min(len(name), 50)] + "-" + strings.ToLower(os.Getenv(unprivileged))
}

// eachTier runs the test in every namespaced tier that this user has, and in
// forks of a zygote.
func eachTier(t *testing.T, f func(t *testing.T, tier sandbox.Tier)) {
	withCgroups(t, f)
	for _, tier := range []sandbox.Tier{sandbox.TierRootless, forkedRootless} {
		t.Run(string(tier), func(t *testing.T) { f(t, tier) })
	}
}

// withCgroups runs the test where each sandbox has cgroups.
func withCgroups(t *testing.T, f func(t *testing.T, tier sandbox.Tier)) {
	for _, tier := range []sandbox.Tier{sandbox.TierFull, forked} {
		t.Run(string(tier), func(t *testing.T) { f(t, tier) })
	}
}

// inside is a running process with its output collected.
type inside struct {
	*sandbox.Process
	t     testing.TB
	mu    sync.Mutex
	out   bytes.Buffer
	ended chan struct{}
	stdin *os.File
}

// start runs the specification with stdin, stdout and stderr on pipes.
func start(t testing.TB, h *sandbox.Host, s sandbox.Spec) *inside {
	t.Helper()
	p, err := tryStart(t, h, s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func tryStart(t testing.TB, h *sandbox.Host, s sandbox.Spec) (*inside, error) {
	t.Helper()
	if z, ok := zygotes.Load(h); ok {
		return tryStartBy(t, z.(*sandbox.Zygote).Start, executing(t, s))
	}
	return tryStartBy(t, h.Start, s)
}

// starter is Host.Start, or that of a zygote.
type starter func(context.Context, sandbox.Spec) (*sandbox.Process, error)

func startBy(t testing.TB, by starter, s sandbox.Spec) *inside {
	t.Helper()
	p, err := tryStartBy(t, by, s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func tryStartBy(t testing.TB, by starter, s sandbox.Spec) (*inside, error) {
	t.Helper()
	inR, inW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if s.Files == [4]*os.File{} {
		s.Files = [4]*os.File{inR, outW, outW, outW}
	}
	if s.Env == nil {
		s.Env = []string{"PATH=/usr/bin:/bin"}
	}
	p, err := by(t.Context(), s)
	if cerr := errors.Join(inR.Close(), outW.Close()); cerr != nil {
		t.Fatal(cerr)
	}
	if err != nil {
		return nil, errors.Join(err, inW.Close(), outR.Close())
	}
	i := &inside{Process: p, t: t, stdin: inW, ended: make(chan struct{})}
	go func() {
		defer close(i.ended)
		_, err := io.Copy(&lockedWriter{i}, outR)
		if err := errors.Join(err, outR.Close()); err != nil {
			t.Errorf("read output: %v", err)
		}
	}()
	t.Cleanup(i.close)
	return i, nil
}

type lockedWriter struct{ i *inside }

func (w *lockedWriter) Write(b []byte) (int, error) {
	w.i.mu.Lock()
	defer w.i.mu.Unlock()
	return w.i.out.Write(b)
}

func (i *inside) output() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.out.String()
}

func (i *inside) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := i.Process.Close(ctx); err != nil {
		i.t.Errorf("close process: %v", err)
	}
	<-i.ended
	i.stdin.Close()
}

// finish waits for the end and returns all output.
func (i *inside) finish() (sandbox.Exit, string) {
	i.t.Helper()
	ctx, cancel := context.WithTimeout(i.t.Context(), time.Minute)
	defer cancel()
	exit, err := i.Wait(ctx)
	if err != nil {
		i.t.Fatalf("wait: %v; output so far: %s", err, i.output())
	}
	<-i.ended
	return exit, i.output()
}

// until waits for text in the output.
func (i *inside) until(text string) {
	i.t.Helper()
	eventually(i.t, 20*time.Second, func() bool { return strings.Contains(i.output(), text) },
		func() string { return "no " + text + " in output: " + i.output() })
}

// eventually asks again until ok or the time is over.
func eventually(t testing.TB, limit time.Duration, ok func() bool, what func() string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(limit)
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal(what())
		}
	}
}

func shell(script string) sandbox.Spec {
	return sandbox.Spec{Path: "/bin/sh", Args: []string{"sh", "-c", script}}
}

// probe runs part of the test binary inside. The binary itself usually lies
// below directories that the sandbox's user cannot enter.
func probe(t testing.TB, part string, args ...string) sandbox.Spec {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return sandbox.Spec{
		Path: "/probe", Args: append([]string{"probe", part}, args...),
		Mounts: []sandbox.Mount{{Source: exe, Target: "/probe"}},
	}
}

// asPlainUser runs the named tests of this binary again as uid 65534.
func asPlainUser(t *testing.T, run string) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to become another user")
	}
	exe := readableCopy(t)
	cmd := exec.CommandContext(t.Context(), exe, "-test.run", run, "-test.v", "-test.timeout=120s")
	cmd.Env = []string{unprivileged + "=USER", "PATH=/usr/bin:/bin", "TMPDIR=/tmp", ownNetwork + "=" + os.Getenv(ownNetwork)}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("as uid 65534: %v\n%s", err, out)
	}
	if !bytes.Contains(out, []byte("\n--- PASS")) {
		t.Errorf("as uid 65534 nothing ran:\n%s", out)
	}
	if testing.Verbose() {
		t.Logf("as uid 65534:\n%s", out)
	}
}

// readableCopy puts the test binary where every user can execute it.
func readableCopy(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sandbox-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	body, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	copied := dir + "/sandbox.test"
	if err := errors.Join(os.WriteFile(copied, body, 0o755), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	return copied
}
