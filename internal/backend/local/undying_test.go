package local_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
)

// undying are Python actions that try to outlive their limit.
func undying() map[string]string {
	const head = "import os, signal, sys, threading, time, ctypes, socket, mmap\nlibc = ctypes.CDLL(None, use_errno=True)\ndef main(a):\n"
	all := map[string]string{
		"ignores every signal": `
  for s in range(1, 65):
    try: signal.signal(s, signal.SIG_IGN)
    except (OSError, ValueError): pass
  while True: pass`,
		"handles every signal by going on": `
  for s in range(1, 65):
    try: signal.signal(s, lambda *x: None)
    except (OSError, ValueError): pass
  while True: time.sleep(10)`,
		"blocks every signal": `
  signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
  while True: pass`,
		"is a daemon": `
  if os.fork() == 0:
    try: os.setsid()
    except OSError: pass
    if os.fork() == 0:
      os.closerange(0, 1024)
      while True: pass
    os._exit(0)
  time.sleep(100)`,
		"closes its descriptors": `
  os.closerange(0, 1024)
  while True: pass`,
		"stops itself": `
  os.kill(os.getpid(), signal.SIGSTOP)
  time.sleep(100)`,
		"stops its children": `
  for i in range(5):
    if os.fork() == 0:
      os.kill(os.getpid(), signal.SIGSTOP)
      time.sleep(100)
  time.sleep(100)`,
		"has busy threads": `
  for i in range(20):
    threading.Thread(target=lambda: any(iter(int, 1))).start()
  while True: pass`,
		"traces itself": `
  libc.ptrace(0, 0, 0, 0)
  time.sleep(100)`,
		"forks for ever, the parent ending": `
  first = os.getpid()
  while True:
    try:
      if os.fork() != 0 and os.getpid() != first: os._exit(0)
    except OSError: time.sleep(0.001)`,
		"has vforked children": `
  for i in range(3):
    if os.fork() == 0:
      os.execv('/bin/sh', ['sh', '-c', 'trap "" TERM INT HUP; while :; do :; done'])
  while True: os.waitpid(-1, 0)`,
		"reads a pipe that nobody writes": `
  r, w = os.pipe()
  os.read(r, 1)`,
		"waits for a lock that it holds": `
  l = threading.Lock(); l.acquire(); l.acquire()`,
		"accepts connections that never come": `
  s = socket.socket(socket.AF_UNIX); s.bind(os.path.join(os.environ.get('TMPDIR', '/tmp'), 's')); s.listen(); s.accept()`,
		"writes to the disk without end": `
  f = open(os.path.join(os.environ.get('TMPDIR', '/tmp'), 'f'), 'wb', 0)
  while True:
    f.seek(0); f.write(b'x' * (1 << 20)); os.fsync(f.fileno())`,
		"sets a new death signal": `
  libc.prctl(1, 0, 0, 0, 0)
  while True: pass`,
		"is a tree of sleepers": `
  for i in range(6): os.fork()
  signal.signal(signal.SIGTERM, signal.SIG_IGN)
  time.sleep(100)`,
	}
	for name, code := range all { // what a tier refuses must not be the way out
		all[name] = head + " try:" + code + "\n except BaseException: pass\n while True: time.sleep(10)"
	}
	return all
}

func TestNoActionOutlivesItsLimit(t *testing.T) {
	kind := usableKind(t, "python")
	// A second is the promise; this host has others than us.
	const limit, slack = 700 * time.Millisecond, 3
	for _, tier := range tiers() {
		t.Run(string(tier), func(t *testing.T) {
			p := newPoolIn(t, tier, containerpool.Options{})
			revision := uint64(1)
			for name, code := range undying() {
				t.Run(name, func(t *testing.T) {
					revision++
					msg := message(kind, code, "{}")
					msg.Action.Revision, msg.Action.Limits.Timeout = revision, limit
					r := run(t, p, msg)
					if r.Response.Status != entity.DeveloperError || r.Fault != fault.Timeout && r.Fault != fault.Exited {
						t.Errorf("%v %s %s", r.Response.Status, r.Fault, r.Response.Result)
					}
					gone := time.Now()
					for left := runtimesBelow(); len(left) > 0; left = runtimesBelow() {
						if time.Since(gone) > time.Second*slack {
							t.Fatalf("%d processes live a second after the limit: %s", len(left), described(left[0]))
						}
						time.Sleep(5 * time.Millisecond)
					}
					if over := r.Duration - limit; over > time.Second*slack {
						t.Errorf("it ran %s beyond its limit", over)
					}
				})
			}
		})
	}
}

func described(pid int) string {
	body, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return err.Error()
	}
	return strings.ReplaceAll(string(body[:min(300, len(body))]), "\n", ", ")
}
