package local_test

import (
	"context"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
)

// leaver leaves what it can where others might find it.
const leaver = `
import os, socket, subprocess, threading, time
def main(a):
  os.environ['RESIDUE'] = 'residue'
  done = []
  for d in ('/tmp', '/dev/shm', '/var/tmp', '/run', os.environ.get('TMPDIR', '/tmp'), os.getcwd()):
    try:
      open(d + '/residue', 'w').write('residue'); done.append(d)
    except OSError: pass
  subprocess.Popen(['/bin/sh', '-c', 'exec -a residue sleep 600'], start_new_session=a.get('session', False))
  for make in (lambda s: s.bind(os.environ.get('TMPDIR', '/tmp') + '/residue.sock'), lambda s: s.bind('\0residue')):
    try:
      s = socket.socket(socket.AF_UNIX); make(s); s.listen(); done.append('socket')
      globals().setdefault('kept', []).append(s)
    except OSError: pass
  try:
    s = socket.socket(); s.bind(('127.0.0.1', 39871)); s.listen(); globals().setdefault('kept', []).append(s)
  except OSError: pass
  threading.Thread(target=lambda: time.sleep(600), daemon=True).start()
  return {'left': done}`

// finder answers what it finds of that.
const finder = `
import os, socket
def main(a):
  found = []
  for d in ('/tmp', '/dev/shm', '/var/tmp', '/run', os.environ.get('TMPDIR', '/tmp'), os.getcwd()):
    try: found += [d + '/' + n for n in os.listdir(d) if 'residue' in n]
    except OSError: pass
  found += [k for k, v in os.environ.items() if 'residue' in v]
  for p in os.listdir('/proc'):
    try:
      if p.isdigit() and b'residue' in open('/proc/%s/cmdline' % p, 'rb').read(): found.append(p)
    except OSError: pass
  for family, to in ((socket.AF_UNIX, '\0residue'), (socket.AF_INET, ('127.0.0.1', 39871))):
    try:
      socket.socket(family).connect(to); found.append(str(to))
    except OSError: pass
  return {'found': found}`

func TestWhatOneActionLeavesNoOtherFinds(t *testing.T) {
	kind := usableKind(t, "python")
	rounds := 5
	if *long {
		rounds = 1000
	}
	for _, tier := range tiers() {
		t.Run(string(tier), func(t *testing.T) {
			p := newPoolIn(t, tier, containerpool.Options{})
			first, second := message(kind, leaver, `{}`), message(kind, finder, "{}")
			second.Action.Revision = 2
			if r := run(t, p, first); r.Response.Status != entity.Success || !strings.Contains(string(r.Response.Result), "tmp") {
				t.Fatalf("leaver: %s %q", r.Response.Result, r.Logs)
			}
			for i := range rounds {
				other := *second.Action
				other.Revision, other.Name.Name = uint64(i+2), "b"+strconv.Itoa(i)
				msg := *second
				msg.Action = &other
				if r := run(t, p, &msg); string(r.Response.Result) != `{"found": []}` {
					t.Errorf("found: %s", r.Response.Result)
				}
			}
		})
	}
}

// TestAnIdleContainerTakesNoTime lets an action leave a busy thread and child.
func TestAnIdleContainerTakesNoTime(t *testing.T) {
	kind := usableKind(t, "python")
	const code = `
import os, threading
def spin():
  while True: pass
def main(a):
  threading.Thread(target=spin, daemon=True).start()
  if os.fork() == 0:
    while True: pass
  return {'ok': True}`
	for _, tier := range tiers() {
		t.Run(string(tier), func(t *testing.T) {
			p := newPoolIn(t, tier, containerpool.Options{PauseGrace: 50 * time.Millisecond})
			msg := message(kind, code, "{}")
			if r := run(t, p, msg); r.Response.Status != entity.Success {
				t.Fatalf("%s", r.Response.Result)
			}
			eventually(t, func() bool {
				before := ticks(t)
				time.Sleep(300 * time.Millisecond)
				return ticks(t) == before
			})
			if r := run(t, p, msg); r.Response.Status != entity.Success {
				t.Errorf("thawed: %s", r.Response.Result)
			}
		})
	}
}

// ticks is the processor time of all runtimes so far, in ticks of 10 ms.
func ticks(t *testing.T) (sum int) {
	t.Helper()
	for _, pid := range runtimesBelow() {
		body, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(body), ") ")
		for _, field := range strings.Fields(rest)[11:13] {
			n, err := strconv.Atoi(field)
			if err != nil {
				t.Fatal(err)
			}
			sum += n
		}
	}
	return sum
}

// TestCodeCannotBeReplaced has an action patch its runtime and its code, and
// the platform try to initialize it again.
func TestCodeCannotBeReplaced(t *testing.T) {
	kind := usableKind(t, "python")
	rounds := 3
	if *long {
		rounds = 1000
	}
	const code = `
import os, sys, json
def main(a):
  denied = []
  here = os.path.dirname(os.path.abspath(__file__)) if os.path.exists(__file__) else os.getcwd()
  for what in (lambda: open(os.path.join(here, 'x'), 'w'), lambda: open(__file__, 'a'), lambda: os.unlink(__file__),
                lambda: os.rename(__file__, __file__ + '2'), lambda: open(sys.argv[0], 'a')):
    try: what(); denied.append('done')
    except OSError as e: denied.append(e.strerror)
  mode = os.stat(__file__).st_mode
  try: os.chmod(__file__, 0o777)
  except OSError: pass
  if os.stat(__file__).st_mode != mode: denied.append('done')
  if a.get('patch'):
    import builtins
    sys.modules['__main__'].encode = lambda r: b'{"patched": true}'
    sys.modules['__main__'].run = lambda *x: b'{"patched": true}'
    if a['patch'] == 'exit': os._exit(1)
  return {'denied': denied}`
	for _, tier := range tiers() {
		t.Run(string(tier), func(t *testing.T) {
			p := newPoolIn(t, tier, containerpool.Options{})
			msg := zipped(t, kind, [2]string{"__main__.py", code})
			msg.Args = json.RawMessage(`{}`)
			r := run(t, p, msg)
			if strings.Contains(string(r.Response.Result), "done") || !strings.Contains(string(r.Response.Result), "denied") {
				t.Errorf("%v %s %q", r.Response.Status, r.Response.Result, r.Logs)
			}
			exit := *msg
			exit.Args = json.RawMessage(`{"patch":"exit"}`)
			for range rounds {
				if r := run(t, p, &exit); r.Response.Status != entity.DeveloperError {
					t.Errorf("%v %s", r.Response.Status, r.Response.Result)
				}
				if r := run(t, p, msg); strings.Contains(string(r.Response.Result), "patched") {
					t.Errorf("the next run was patched: %s", r.Response.Result)
				}
			}
		})
	}
}

func TestASecondInitIsRefused(t *testing.T) {
	for _, kind := range certified(t, "nodejs", "python", "php", "ruby", "bash") {
		t.Run(kind.Kind, func(t *testing.T) {
			f, _ := newFactory(t, "")
			c, err := f.Create(t.Context(), containerpool.Spec{Kind: kind.Kind})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := c.Destroy(context.Background(), "test is over"); err != nil {
					t.Error(err)
				}
			})
			a := containerpool.Assignment{Action: message(kind.Kind, "", "").Action, Code: kind.Echo, Env: map[string]string{}}
			if ans, err := c.Init(t.Context(), a); err != nil || ans.Status != 200 {
				t.Fatalf("init: %d %s, %v", ans.Status, ans.Body, err)
			}
			a.Code, a.Action.Exec.CodeID = kind.Broken, "another"
			if ans, err := c.Init(t.Context(), a); err == nil && ans.Status == 200 {
				t.Errorf("second init: %d %s", ans.Status, ans.Body)
			}
		})
	}
}
