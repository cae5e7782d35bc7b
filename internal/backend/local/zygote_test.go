package local_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/backend/local"
	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/protocol"
)

// forkingFactory is a factory that forks containers of the kind by now.
func forkingFactory(t testing.TB, kind string) *local.Factory {
	t.Helper()
	f, host := newFactory(t, "")
	if !host.CanFork() {
		t.Skip("zygotes need namespaces")
	}
	for end := time.Now().Add(30 * time.Second); f.Forks() == 0; {
		if time.Now().After(end) {
			t.Fatal("no container was forked")
		}
		create(t, f, kind)
	}
	return f
}

func create(t testing.TB, f *local.Factory, kind string) containerpool.Container {
	t.Helper()
	c, err := f.Create(t.Context(), containerpool.Spec{Kind: kind, Memory: 256})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { destroy(t, c) })
	return c
}

func destroy(t testing.TB, c containerpool.Container) {
	t.Helper()
	if err := c.Destroy(context.Background(), "test"); err != nil {
		t.Error(err)
	}
}

// initAndRun gives the container the code and runs it once.
func initAndRun(t testing.TB, c containerpool.Container, kind, code string) string {
	t.Helper()
	a := message(kind, code, "{}").Action
	ans, err := c.Init(t.Context(), containerpool.Assignment{Action: a, Code: code})
	if err != nil || ans.Status != 200 {
		t.Fatalf("init: %v, %d %s, %q", err, ans.Status, ans.Body, c.Logs(t.Context(), "").Lines)
	}
	return runOnce(t, c)
}

func runOnce(t testing.TB, c containerpool.Container) string {
	t.Helper()
	ans, err := c.Run(t.Context(), &protocol.RunRequest{Value: []byte(`{}`)})
	if err != nil {
		t.Fatal(err)
	}
	return string(ans.Body)
}

// useful is an action that does what is delicate after a fork: threads and
// signals between them, children, random numbers, certificates.
const useful = `
import asyncio, hashlib, multiprocessing, os, pickle, random, signal, sqlite3, ssl, subprocess, sys, tempfile, threading, uuid
class Local: pass
def child(q): q.put(os.getpid() > 1)
def main(args):
    heard = threading.Event()
    signal.signal(signal.SIGUSR1, lambda *_: heard.set())
    def other():
        signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)
    for _ in range(50):
        t = threading.Thread(target=other); t.start(); t.join()
    q = multiprocessing.SimpleQueue()
    p = multiprocessing.Process(target=child, args=(q,)); p.start(); p.join()
    async def later():
        await asyncio.sleep(0.001)
        return await asyncio.to_thread(lambda: 7)
    with tempfile.NamedTemporaryFile() as f:
        f.write(b'x')
    return {
        'ids': [os.getpid(), threading.get_native_id(), threading.main_thread().native_id, threading.active_count()],
        'heard': heard.is_set(), 'forked': q.get(), 'async': asyncio.run(later()),
        'shell': subprocess.run(['sh', '-c', 'echo $PPID; cat'], input=b'in', capture_output=True).stdout.decode(),
        'argv': sys.argv, 'path0': sys.path[0], 'main': sys.modules['__main__'].__file__, 'recursion': sys.getrecursionlimit(),
        'gc': __import__('gc').isenabled(), 'env': sorted(os.environ), 'cwd': os.getcwd(), 'flags': str(sys.flags),
        'stdio': [sys.stdin.read(), sys.stdout.encoding, sys.stdout.errors, sys.stdout.write_through, os.isatty(1)],
        'sql': sqlite3.connect(':memory:').execute('select 1').fetchone(), 'pickle': type(pickle.loads(pickle.dumps(random.Random()))).__name__,
        'context': ssl.create_default_context().verify_mode.name, 'hash': hashlib.sha256(b'').hexdigest()[:8],
        'switch': sys.getswitchinterval(), 'open': sorted(os.listdir('/proc/self/fd'))[:5],
    }
`

func TestForkedContainerServesLikeAnOrdinaryOne(t *testing.T) {
	kind := usableKind(t, "python")
	f := forkingFactory(t, kind)
	forks := f.Forks()
	forked := initAndRun(t, create(t, f, kind), kind, useful)
	if f.Forks() == forks {
		t.Fatal("the container was not forked")
	}
	plain, _ := newFactoryOf(t, "", false)
	ordinary := initAndRun(t, create(t, plain, kind), kind, useful)
	if forked != ordinary {
		t.Errorf("forked:   %s\nordinary: %s", forked, ordinary)
	}
	t.Log(forked)
}

func TestForksDrawDifferently(t *testing.T) {
	kind := usableKind(t, "python")
	f := forkingFactory(t, kind)
	const draw = `
import multiprocessing, os, random, secrets, ssl, tempfile, uuid
def main(args):
    return {'drawn': [random.random(), secrets.token_hex(), ssl.RAND_bytes(8).hex(), str(uuid.uuid1()), str(uuid.uuid4()),
        next(tempfile._get_candidate_names()), multiprocessing.current_process().authkey.hex(), os.urandom(8).hex()]}
`
	seen := map[string]bool{}
	for range 3 {
		var got struct{ Drawn []any }
		if err := json.Unmarshal([]byte(initAndRun(t, create(t, f, kind), kind, draw)), &got); err != nil {
			t.Fatal(err)
		}
		for i, v := range got.Drawn {
			if key := fmt.Sprint(i, v); seen[key] {
				t.Errorf("two forks drew %s", key)
			} else {
				seen[key] = true
			}
		}
	}
}

// zygotesBelow lists the zygotes of this process.
func zygotesBelow() (pids []int) {
	for _, pid := range offspring() {
		if isZygote(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// isZygote tells a zygote from what it forked, which has its command line but
// is among other processes.
func isZygote(pid int) bool {
	dir := "/proc/" + strconv.Itoa(pid)
	line, err := os.ReadFile(dir + "/cmdline")
	if err != nil || !strings.Contains(string(line), "/zygote.py") {
		return false
	}
	status, err := os.ReadFile(dir + "/status")
	return err == nil && strings.Contains(string(status), "\nNSpid:\t"+strconv.Itoa(pid)+"\n")
}

func TestLostZygoteCostsOnlyOrdinaryStarts(t *testing.T) {
	kind := usableKind(t, "python")
	for name, sig := range map[string]syscall.Signal{"killed": syscall.SIGKILL, "stopped": syscall.SIGSTOP} {
		t.Run(name, func(t *testing.T) { loseZygote(t, kind, sig) })
	}
}

func loseZygote(t *testing.T, kind string, sig syscall.Signal) {
	f := forkingFactory(t, kind)
	const code = "def main(args):\n  return {'ok': True}\n"
	before := create(t, f, kind)
	if got := initAndRun(t, before, kind, code); got != `{"ok": true}` {
		t.Fatal(got)
	}
	pids := zygotesBelow()
	if len(pids) != 1 {
		t.Fatalf("zygotes: %v", pids)
	}
	if err := syscall.Kill(pids[0], sig); err != nil {
		t.Fatal(err)
	}
	if got := initAndRun(t, create(t, f, kind), kind, code); got != `{"ok": true}` {
		t.Errorf("after the zygote's end: %s", got)
	}
	if got := runOnce(t, before); got != `{"ok": true}` {
		t.Errorf("what it had forked: %s", got)
	}
	forks := f.Forks()
	for end := time.Now().Add(30 * time.Second); f.Forks() == forks; {
		if time.Now().After(end) {
			t.Fatal("no new zygote")
		}
		create(t, f, kind)
	}
}

// The pair compares refilling: from the request to a container that waits for
// an action. PSS is the mean of those that are there together.
func BenchmarkCreatePythonForked(b *testing.B)   { benchCreate(b, true) }
func BenchmarkCreatePythonOrdinary(b *testing.B) { benchCreate(b, false) }

func benchCreate(b *testing.B, fork bool) {
	kind := usableKind(b, "python")
	var f *local.Factory
	if fork {
		f = forkingFactory(b, kind)
	} else {
		f, _ = newFactoryOf(b, "", false)
	}
	var times []time.Duration
	for b.Loop() {
		began := time.Now()
		c, err := f.Create(b.Context(), containerpool.Spec{Kind: kind, Memory: 256})
		times = append(times, time.Since(began))
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		destroy(b, c)
		b.StartTimer()
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(times[0].Microseconds()), "min-µs")
}
