package actionproxy_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/protocol"
)

const noResult = `{"error":"The action did not return a dictionary or array."}`

// sameJSON lets launchers space and order as their encoders do.
func sameJSON(t *testing.T, got actionproxy.Answer, status int, body string) {
	t.Helper()
	if got.Status != status || compact(got.Body) != compact([]byte(body)) {
		t.Errorf("got %d %.300s, want %d %.300s", got.Status, got.Body, status, body)
	}
}

func TestPythonResults(t *testing.T) {
	for _, tc := range []struct {
		name, code string
		status     int
		body       string
	}{
		{"dictionary", "def main(args):\n  return {'got': args['a']}", 200, `{"got":"é😀"}`},
		{"list", "def main(args):\n  return [1, {'a': 2}]", 200, `[1,{"a":2}]`},
		{"exception", "def main(args):\n  raise ValueError('bad')", 200, `{"error":"bad"}`},
		{"exception without text", "def main(args):\n  assert False", 200, `{"error":""}`},
		{"none", "def main(args):\n  pass", 502, noResult},
		{"text", "def main(args):\n  return 'x'", 502, noResult},
		{"not serializable", "def main(args):\n  return {'a': object}", 200, `{"error":"Object of type type is not JSON serializable"}`},
		{"lone surrogate", "def main(args):\n  return {'a': '\\ud800'}", 200, `{"a":"\ud800"}`},
		{"recursion", "def main(args):\n  return main(args)", 200, `{"error":"maximum recursion depth exceeded"}`},
		{"own globals", "n = 0\ndef main(args):\n  global n\n  n += 1\n  return {'n': n}", 200, `{"n":1}`},
		{"data class", "from dataclasses import dataclass\n@dataclass\nclass A:\n  a: int\ndef main(args):\n  return {'a': A(1).a}", 200, `{"a":1}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := run(t, action(t, "python", tc.code), `{"a":"é\ud83d\ude00"}`)
			sameJSON(t, got, tc.status, tc.body)
		})
	}
}

func TestPythonNaNIsNoJSON(t *testing.T) {
	got := run(t, action(t, "python", "def main(args):\n  return {'a': float('nan')}"), `{}`)
	if protocol.IsResult(got.Body) {
		t.Errorf("got %s", got.Body)
	}
}

func TestPythonTracebackIsLogged(t *testing.T) {
	c := action(t, "python", "def main(args):\n  print('é out')\n  raise ValueError('bad')")
	run(t, c, `{}`)
	logs := texts(c.TakeLogs())
	for _, line := range []string{"stdout: é out", "stderr: ValueError: bad", "stderr:     raise ValueError('bad')"} {
		if !strings.Contains(logs, line) {
			t.Errorf("no %q in\n%s", line, logs)
		}
	}
}

func TestPythonDirectories(t *testing.T) {
	venv := func(script string) map[string]string {
		files := map[string]string{"__main__.py": "import extra\ndef main(args):\n  return {'v': extra.V}",
			"virtualenv/lib/extra.py": "V = 7"}
		if script != "" {
			files["virtualenv/bin/activate_this.py"] = script
		}
		return files
	}
	activate := "import os, sys\nsys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(__file__)), 'lib'))"
	for _, tc := range []struct {
		name   string
		files  map[string]string
		main   string
		status int
		body   string
		log    string
	}{
		{"modules beside", map[string]string{"__main__.py": "from helper import f\nimport os\ndef niam(args):\n  return {'f': f(), 'd': open('data').read()}",
			"helper.py": "def f(): return 1", "data": "x"}, "niam", 200, `{"f":1,"d":"x"}`, ""},
		{"virtualenv", venv(activate), "main", 200, `{"v":7}`, ""},
		{"broken virtualenv", venv(""), "main", 502, `{"error":"The action failed to generate or locate a binary. See logs for details."}`,
			"Invalid virtualenv. Zip file does not include 'activate_this.py'."},
		{"no entry file", map[string]string{"x.py": ""}, "main", 502, `{"error":"The action failed to generate or locate a binary. See logs for details."}`,
			"Zip file does not include '__main__.py'."},
		{"entry file that raises", map[string]string{"__main__.py": "1/0"}, "main", 502, `{"error":"Cannot start action. Check logs for details."}`,
			"ZeroDivisionError: division by zero"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := launch(t, "python")
			got, err := c.Init(bounded(t), &protocol.Init{Main: tc.main, Dir: folder(t, tc.files)})
			if err == nil && got.Status == 200 {
				got, err = c.Run(bounded(t), request(`{}`))
			}
			if err != nil {
				t.Fatal(err)
			}
			sameJSON(t, got, tc.status, tc.body)
			if logs := texts(c.TakeLogs()); !strings.Contains(logs, tc.log) {
				t.Errorf("no %q in\n%s", tc.log, logs)
			}
		})
	}
}

func TestPythonInitFailureLeavesTheLauncherUsable(t *testing.T) {
	for _, code := range []string{"", "def main(:", "raise Exception()", "x = 1"} {
		c := launch(t, "python")
		got, err := c.Init(bounded(t), &protocol.Init{Main: "main", Code: code})
		if err != nil || got.Status == 200 {
			t.Fatalf("%q: %d %s, %v", code, got.Status, got.Body, err)
		}
		initialize(t, c, &protocol.Init{Main: "main", Code: "def main(args):\n  return {}"})
		want(t, run(t, c, `{}`), 200, `{}`)
	}
}

func TestPythonCodeThatEndsTheProcess(t *testing.T) {
	for name, code := range map[string]string{
		"exit":               "import sys\ndef main(args):\n  sys.exit(0)",
		"hard exit":          "import os\ndef main(args):\n  os._exit(1)",
		"closes its answers": "import os\ndef main(args):\n  os.close(3)\n  return {}",
	} {
		t.Run(name, func(t *testing.T) {
			c := action(t, "python", code)
			if got, err := c.Run(bounded(t), request(`{}`)); !errors.Is(err, actionproxy.ErrExited) {
				t.Errorf("got %d %s, %v", got.Status, got.Body, err)
			}
		})
	}
}

func TestPythonEnvironment(t *testing.T) {
	c := launch(t, "python")
	initialize(t, c, &protocol.Init{Main: "main", Env: protocol.Env{"A": "b=c", "EMPTY": ""},
		Code: "import os\nat = os.environ['A']\ndef main(args):\n  return {'at': at, 'e': os.environ['EMPTY'], 'ns': os.environ['__OW_NAMESPACE'], 'd': os.environ['__OW_DEADLINE']}"})
	sameJSON(t, run(t, c, `{}`), 200, `{"at":"b=c","e":"","ns":"guest","d":"1900000000000"}`)
}

func TestPythonChildProcessesSeeNeitherRequestsNorAnswers(t *testing.T) {
	c := action(t, "python", "import subprocess\ndef main(args):\n  o = subprocess.run(['/bin/sh','-c','ls -l /proc/self/fd; cat'], capture_output=False, stdout=subprocess.PIPE, close_fds=False, text=True).stdout\n  return {'leaked': ' 3 -> pipe' in o}")
	sameJSON(t, run(t, c, `{}`), 200, `{"leaked":false}`)
	sameJSON(t, run(t, c, `{}`), 200, `{"leaked":false}`)
}

func TestPythonStandardInputIsEmpty(t *testing.T) {
	c := action(t, "python", "import sys\ndef main(args):\n  return {'n': len(sys.stdin.read())}")
	sameJSON(t, run(t, c, `{}`), 200, `{"n":0}`)
	sameJSON(t, run(t, c, `{}`), 200, `{"n":0}`)
}

func TestPythonTakesHugeLines(t *testing.T) {
	c := action(t, "python", "def main(args):\n  return {'n': len(args['a'])}")
	sameJSON(t, run(t, c, `{"a":`+quote(strings.Repeat("x", 30<<20))+`}`), 200, `{"n":31457280}`)
	sameJSON(t, run(t, c, `{"a":`+quote(strings.Repeat("é", 1048561))+`}`), 200, `{"n":1048561}`)
}

func TestPythonDeepRequestIsRefused(t *testing.T) {
	c := action(t, "python", "def main(args):\n  return {}")
	got := run(t, c, strings.Repeat("[", 100000)+strings.Repeat("]", 100000))
	if got.Status != 400 {
		t.Errorf("got %d %.200s", got.Status, got.Body)
	}
	want(t, run(t, c, `{}`), 200, `{}`)
}

func TestPythonForkedChildDoesNotAnswerForItsParent(t *testing.T) {
	c := action(t, "python", "import os\ndef main(args):\n  if os.fork() == 0:\n    os._exit(0)\n  os.wait()\n  return {'n': args['n']}")
	for n := range 3 {
		sameJSON(t, run(t, c, fmt.Sprintf(`{"n":%d}`, n)), 200, fmt.Sprintf(`{"n":%d}`, n))
	}
}
