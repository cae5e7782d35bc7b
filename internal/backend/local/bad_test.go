package local_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
)

// badAction is an action that breaks its contract, and what its activation
// must say.
type badAction struct {
	name, kind, code string
	status           entity.Status
	want             string // in the result
	log              string // in the logs, if not empty
	within           time.Duration
}

func badActions() []badAction {
	const exited = "The action did not produce a valid response and exited unexpectedly."
	return []badAction{
		{name: "never ends", kind: "nodejs:20", code: `function main() { for (;;); }`,
			status: entity.DeveloperError, want: "exceeded its time limits of 700 milliseconds."},
		{name: "never settles", kind: "nodejs:20", code: `function main() { return new Promise(() => {}) }`,
			status: entity.DeveloperError, want: "exceeded its time limits of 700 milliseconds."},
		{name: "never loads", kind: "nodejs:20", code: `for (;;); function main() {}`,
			status: entity.DeveloperError, want: "exceeded its time limits of 700 milliseconds during initialization."},
		{name: "exits", kind: "nodejs:20", code: `function main() { process.exit(3) }`, status: entity.DeveloperError, want: exited},
		{name: "exits while loading", kind: "nodejs:20", code: `process.exit(3); function main() {}`,
			status: entity.DeveloperError, want: "The action did not initialize and exited unexpectedly."},
		{name: "kills its parent", kind: "python:3.11", code: "import os\ndef main(a):\n  for pid in (os.getppid(), 1, -1, 2, 300):\n    try: os.kill(pid, 9)\n    except OSError: pass\n  os._exit(1)",
			status: entity.DeveloperError, want: exited},
		{name: "eats memory", kind: "nodejs:20", code: `function main() { const a = []; for (;;) a.push(Buffer.alloc(1 << 20, 1)) }`,
			status: entity.DeveloperError, want: "The action exhausted its memory and was aborted.", within: 20 * time.Second},
		{name: "eats memory in python", kind: "python:3.11", code: "def main(a):\n  x = []\n  while True: x.append(bytearray(1 << 20))",
			status: entity.DeveloperError, want: "The action exhausted its memory and was aborted.", within: 20 * time.Second},
		{name: "forks without end", kind: "python:3.11", code: "import os, time\ndef main(a):\n  while True:\n    try: os.fork()\n    except OSError: pass",
			status: entity.DeveloperError, want: "", within: 5 * time.Second},
		{name: "leaves children", kind: "python:3.11", code: "import os, time\ndef main(a):\n  if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n      time.sleep(1000)\n    os._exit(0)\n  return {'ok': True}",
			status: entity.Success, want: `"ok"`},
		{name: "fills /tmp", kind: "python:3.11", code: "def main(a):\n  n = 0\n  try:\n    with open('/tmp/big', 'wb') as f:\n      while True:\n        n += f.write(b'x' * (1 << 20))\n  except OSError as e:\n    return {'error': str(e)}",
			status: entity.ApplicationError, want: "No space left on device", within: 20 * time.Second},
		{name: "closes its answer pipe", kind: "python:3.11", code: "import os\ndef main(a):\n  os.close(3)\n  return {}",
			status: entity.DeveloperError, want: ""},
		{name: "writes garbage as its answer", kind: "python:3.11", code: "import os, time\ndef main(a):\n  os.write(3, b'garbage\\n')\n  return {'a': 1}",
			status: entity.DeveloperError, want: "did not produce a valid JSON or JSON Array response: garbage"},
		{name: "returns a number", kind: "nodejs:20", code: `function main() { return 42 }`, status: entity.DeveloperError, want: "did not return a dictionary"},
		{name: "throws", kind: "nodejs:20", code: `function main() { throw new Error("no") }`, status: entity.DeveloperError, want: "An error has occurred: Error: no"},
		{name: "answers too much", kind: "nodejs:20", code: `function main() { return {a: "x".repeat(3 << 20)} }`,
			status: entity.ApplicationError, want: "exceeded the allowed length: 3145736 > 1048576 bytes."},
		{name: "prints without end", kind: "python:3.11", code: "def main(a):\n  while True: print('x' * 1000)",
			status: entity.DeveloperError, want: "exceeded its time limits", log: "Logs were truncated because the total bytes size exceeds the limit of 1048576 bytes."},
		{name: "prints one endless line", kind: "python:3.11", code: "import sys\ndef main(a):\n  for i in range(300): sys.stdout.write('x' * (1 << 20))\n  return {}",
			status: entity.Success, want: "{}", log: "Logs were truncated", within: 20 * time.Second},
		{name: "does not compile", kind: "nodejs:20", code: `function main( {`, status: entity.DeveloperError, want: "SyntaxError: Unexpected end of input"},
		{name: "has no main", kind: "nodejs:20", code: `function other() {}`, status: entity.DeveloperError, want: "main"},
		{name: "is empty", kind: "nodejs:20", code: ``, status: entity.DeveloperError, want: "Missing main/no code to execute."},
	}
}

func TestABadActionHarmsItselfAlone(t *testing.T) {
	need(t, "node")
	need(t, "python3")
	p := newPool(t, containerpool.Options{})
	neighbour := message("nodejs:20", `function main() { return {fine: true} }`, "{}")
	neighbour.Action.Name.Name = "neighbour"
	for i, bad := range badActions() {
		t.Run(bad.name, func(t *testing.T) {
			msg := message(bad.kind, bad.code, "{}")
			msg.Action.Revision = uint64(i + 10)
			msg.Action.Limits.Timeout, msg.Action.Limits.Memory, msg.Action.Limits.Logs = 700*time.Millisecond, 128, 1
			if bad.within > 0 {
				msg.Action.Limits.Timeout = bad.within - time.Second
			}
			r, err := p.Invoke(t.Context(), msg)
			if err != nil {
				t.Fatal(err)
			}
			if r.Response.Status != bad.status || !strings.Contains(string(r.Response.Result), bad.want) {
				t.Errorf("%v %.300s (why: %s), want %v with %q", r.Response.Status, r.Response.Result, r.Why, bad.status, bad.want)
			}
			if logs := strings.Join(r.Logs, "\n"); !strings.Contains(logs, bad.log) || len(logs) > 2<<20 {
				t.Errorf("%d bytes of logs without %q, they end: %s", len(logs), bad.log, logs[max(0, len(logs)-300):])
			}
			if r.Response.Status != entity.Success && r.Response.Status != entity.ApplicationError && r.Fault == "" {
				t.Error("the failure has no code")
			}
			if n, err := p.Invoke(t.Context(), neighbour); err != nil || n.Response.Status != entity.Success {
				t.Errorf("neighbour: %v %s, %v", n.Response.Status, n.Response.Result, err)
			}
		})
	}
}

func TestAKindThatIsNotHereSaysWhatToDo(t *testing.T) {
	p := newPool(t, containerpool.Options{})
	_, err := p.Invoke(t.Context(), message("swift:5.3", "x", "{}"))
	if err == nil || !strings.Contains(err.Error(), "The kind 'swift:5.3' cannot run on this host") {
		t.Errorf("error = %v", err)
	}
	msg := message(entity.KindBlackbox, "", "{}")
	msg.Action.Exec.Image = "acme/unknown"
	r, err := p.Invoke(t.Context(), msg)
	if err != nil || !strings.Contains(string(r.Response.Result), "Failed to pull container image 'acme/unknown'.") {
		t.Errorf("result = %s, %v", r.Response.Result, err)
	}
}

// run invokes msg once more than it takes to be warm.
func run(t *testing.T, p *containerpool.Pool, msg *invoker.Message) invoker.Result {
	t.Helper()
	r, err := p.Invoke(t.Context(), msg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
