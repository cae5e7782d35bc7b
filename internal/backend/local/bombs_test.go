package local_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
	"github.com/gowhisk/gowhisk/internal/sandbox"
)

// bombs take all they can of one thing, and say when they are refused more.
func bombs() map[string]string {
	const head = `
import os, socket, subprocess, sys, threading, time
TMP = os.environ.get('TMPDIR', '/tmp')
def main(a):
  kept = []
  try:
`
	const tail = `
  except (OSError, RuntimeError, MemoryError) as e: return {'error': str(e)}`
	all := map[string]string{
		"processes": `
    while True:
      pid = os.fork()
      if pid == 0:
        while True: time.sleep(10)`,
		"processes that fork": `
    while True:
      try: os.fork()
      except OSError: pass`,
		"threads":       `    while True: threading.Thread(target=time.sleep, args=(100,), daemon=True).start()`,
		"memory":        `    while True: kept.append(bytearray(1 << 20))`,
		"empty files":   "    for i in range(1000000): open(TMP + '/%d' % i, 'w').close()",
		"a big file":    "    with open(TMP + '/f', 'wb') as f:\n      while True: f.write(b'x' * (1 << 20))",
		"a sparse file": "    with open(TMP + '/f', 'wb') as f:\n      f.truncate(1 << 40)\n      f.seek(1 << 39)\n      while True: f.write(b'x' * (1 << 20))",
		"descriptors":   `    while True: kept.append(open('/dev/null'))`,
		"sockets":       `    while True: kept.extend(socket.socketpair())`,
		"pipes":         "    while True:\n      r, w = os.pipe()\n      os.set_blocking(w, False)\n      kept.append((r, w))\n      try: os.write(w, b'x' * (1 << 20))\n      except BlockingIOError: pass",
		"time": `
    def spin():
      while True: pass
    for i in range(50): threading.Thread(target=spin, daemon=True).start()
    spin()`,
		"folders": "    os.chdir(TMP)\n    while True:\n      os.mkdir('d'); os.chdir('d')",
	}
	for name, code := range all {
		all[name] = head + code + tail
	}
	return all
}

// TestABombHarmsNoNeighbour leaves the Landlock tier out: what bounds a whole
// container is missing there, and its /tmp is a folder of the host's.
func TestABombHarmsNoNeighbour(t *testing.T) {
	kind := usableKind(t, "python")
	for _, tier := range []sandbox.Tier{sandbox.TierFull, sandbox.TierRootless} {
		t.Run(string(tier), func(t *testing.T) {
			p := newPoolIn(t, tier, containerpool.Options{})
			neighbour := message(kind, "def main(a):\n  return {'fine': True}", "{}")
			neighbour.Identity.Namespace.Name, neighbour.Action.Revision = "neighbour", 1000
			revision := uint64(1)
			for name, code := range bombs() {
				t.Run(name, func(t *testing.T) {
					revision++
					msg := message(kind, code, "{}")
					msg.Action.Revision, msg.Action.Limits.Timeout, msg.Action.Limits.Memory = revision, 3*time.Second, 128
					times, stop := watch(t, p, neighbour)
					r := run(t, p, msg)
					stop()
					t.Logf("%s %s %.120s; neighbour ran %d times, 99 %% within %s", r.Response.Status, r.Fault, r.Response.Result, len(*times), p99(*times))
					if r.Response.Status == entity.Success || len(r.Response.Result) == 0 {
						t.Errorf("%v %s", r.Response.Status, r.Response.Result)
					}
					if r.Response.Status == entity.DeveloperError && r.Fault == "" || strings.Contains(string(r.Response.Result), "internal error") {
						t.Errorf("it is not named: %s", r.Response.Result)
					}
					if r.Duration > 4*time.Second {
						t.Errorf("it ran %s", r.Duration)
					}
				})
			}
		})
	}
}

// watch invokes msg again and again until stop is called; every run must work.
func watch(t *testing.T, p *containerpool.Pool, msg *invoker.Message) (times *[]time.Duration, stop func()) {
	t.Helper()
	times = &[]time.Duration{}
	var over atomic.Bool
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for !over.Load() {
			began := time.Now()
			r, err := p.Invoke(t.Context(), msg)
			if err != nil || r.Response.Status != entity.Success {
				t.Errorf("neighbour: %s %s %v", r.Response.Result, r.Why, err)
			}
			*times = append(*times, time.Since(began))
			time.Sleep(5 * time.Millisecond)
		}
	}()
	return times, func() { over.Store(true); <-stopped }
}

func p99(times []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)*99/100]
}
