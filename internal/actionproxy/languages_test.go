package actionproxy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/protocol"
)

const (
	noBinary    = `{"error":"The action failed to generate or locate a binary. See logs for details."}`
	cannotStart = `{"error":"Cannot start action. Check logs for details."}`
)

func TestResultsOfOtherLanguages(t *testing.T) {
	for _, tc := range []struct {
		family, name, code, value string
		status                    int
		body, log                 string
	}{
		{"php", "exception", "<?php function main(array $a) { throw new Exception('bad'); }", `{}`, 502, noResult, "stderr: Exception: bad"},
		{"php", "error", "<?php function main(array $a) { return undefined(); }", `{}`, 502, noResult, "stderr: Error: Call to undefined function"},
		{"php", "nothing", "<?php function main(array $a) { }", `{}`, 502, noResult, ""},
		{"php", "empty array is an object", "<?php function main(array $a) { return []; }", `{}`, 200, `{}`, ""},
		{"php", "list", "<?php function main(array $a) { return [1, ['a' => 2]]; }", `{}`, 200, `[1,{"a":2}]`, ""},
		{"php", "object", "<?php function main(array $a) { return (object) ['a' => 1]; }", `{}`, 200, `{"a":1}`, ""},
		{"php", "invalid UTF-8", "<?php function main(array $a) { return ['a' => \"\\xff\"]; }", `{}`, 502, noResult, ""},
		{"php", "NaN", "<?php function main(array $a) { return ['a' => NAN]; }", `{}`, 502, noResult, ""},
		{"php", "unicode", "<?php function main(array $a) { return $a; }", `{"a":"é😀"}`, 200, `{"a":"é😀"}`, ""},
		{"ruby", "exception", "def main(a)\n  raise 'bad'\nend", `{}`, 200, `{"error":"bad"}`, "bad (RuntimeError)"},
		{"ruby", "nothing", "def main(a)\nend", `{}`, 502, noResult, ""},
		{"ruby", "list", "def main(a)\n  [1]\nend", `{}`, 200, `[1]`, ""},
		{"ruby", "NaN", "def main(a)\n  {'a' => Float::NAN}\nend", `{}`, 200, "", ""},
		{"ruby", "standard input is empty", "def main(a)\n  {'n' => $stdin.read.size}\nend", `{}`, 200, `{"n":0}`, ""},
		{"ruby", "children do not hold the answers", "def main(a)\n  {'leaked' => `ls -l /proc/self/fd`.include?(' 3 -> pipe')}\nend", `{}`, 200, `{"leaked":false}`, ""},
	} {
		t.Run(tc.family+" "+tc.name, func(t *testing.T) {
			c := action(t, tc.family, tc.code)
			for range 2 {
				got := run(t, c, tc.value)
				if tc.body == "" {
					tc.body = string(got.Body)
				}
				sameJSON(t, got, tc.status, tc.body)
				if logs := texts(c.TakeLogs()); !strings.Contains(logs, tc.log) {
					t.Errorf("no %q in\n%s", tc.log, logs)
				}
			}
		})
	}
}

func TestInitFailuresOfOtherLanguages(t *testing.T) {
	for _, tc := range []struct {
		family, name string
		init         protocol.Init
		status       int
		body, log    string
		good         string
	}{
		{"php", "syntax error", protocol.Init{Main: "main", Code: "<?php function main( {"}, 502, cannotStart, "ParseError", "<?php function main(array $a) { return ['ok' => 1]; }"},
		{"php", "no such function", protocol.Init{Main: "main", Code: "<?php $a = 1;"}, 502, noBinary, "Function main not found.", "<?php function main(array $a) { return ['ok' => 1]; }"},
		{"php", "no entry file", protocol.Init{Main: "main", Dir: "/etc"}, 502, noBinary, "index.php", "<?php function main(array $a) { return ['ok' => 1]; }"},
		{"php", "no code", protocol.Init{Main: "main"}, 403, `{"error":"Missing main/no code to execute."}`, "", "<?php function main(array $a) { return ['ok' => 1]; }"},
		{"ruby", "syntax error", protocol.Init{Main: "main", Code: "def main("}, 502, cannotStart, "SyntaxError", "def main(a) {'ok' => 1} end"},
		{"ruby", "raises", protocol.Init{Main: "main", Code: "raise 'boom'"}, 502, cannotStart, "boom", "def main(a) {'ok' => 1} end"},
		{"ruby", "no such method", protocol.Init{Main: "niam", Code: "x = 1"}, 502, noBinary, "Method niam not found.", "def main(a) {'ok' => 1} end"},
		{"ruby", "no entry file", protocol.Init{Main: "main", Dir: "/etc"}, 502, noBinary, "main.rb", "def main(a) {'ok' => 1} end"},
		{"java", "no class", protocol.Init{Main: "Nope", Dir: "/etc"}, 502, noBinary, "ClassNotFoundException", ""},
	} {
		t.Run(tc.family+" "+tc.name, func(t *testing.T) {
			c := launch(t, tc.family)
			got, err := c.Init(bounded(t), &tc.init)
			if err != nil {
				t.Fatal(err)
			}
			sameJSON(t, got, tc.status, tc.body)
			if logs := texts(c.TakeLogs()); !strings.Contains(logs, tc.log) {
				t.Errorf("no %q in\n%s", tc.log, logs)
			}
			if tc.good == "" {
				return
			}
			initialize(t, c, &protocol.Init{Main: "main", Code: tc.good})
			sameJSON(t, run(t, c, `{}`), 200, `{"ok":1}`)
		})
	}
}

func TestJavaExceptionIsADeveloperError(t *testing.T) {
	c := serveKind(t, "java", nil)
	c.mustInit(protocol.Init{Main: "A", Binary: true, Code: jar(t, `import com.google.gson.*; public class A { public static JsonObject main(JsonObject a) { throw new IllegalStateException("bad"); } }`)})
	c.wantRun(`{}`, 502, `{"error":"An error has occurred (see logs for details): java.lang.IllegalStateException: bad"}`)
	if _, err := c.logs(); !strings.Contains(err, "at A.main") {
		t.Errorf("logs: %q", err)
	}
}

func TestBadActionsDoNotHarmTheirSupervisor(t *testing.T) {
	for _, tc := range []struct {
		name, family, code string
		status             int
		body               string
	}{
		{"prints a hundred megabytes", "nodejs", `function main() { const s = 'x'.repeat(1 << 20); for (let i = 0; i < 100; i++) console.log(s); return {ok: 1}; }`, 200, `{"ok":1}`},
		{"prints a line without end", "python", "import sys\ndef main(a):\n  for i in range(50): sys.stdout.write('x' * (1 << 20))\n  return {'ok': 1}", 200, `{"ok":1}`},
		{"writes garbage to its answers", "nodejs", `function main() { require('fs').writeSync(3, 'garbage\n'); return {ok: 1}; }`, 200, `garbage`},
		{"leaves a child that holds stdout", "python", "import subprocess\ndef main(a):\n  subprocess.Popen(['sleep', '100'])\n  return {'ok': 1}", 200, `{"ok":1}`},
		{"closes its logs", "python", "import os, sys\ndef main(a):\n  os.close(1)\n  os.close(2)\n  return {'ok': 1}", 200, `{"ok":1}`},
		{"replaces its logs", "python", "import sys\ndef main(a):\n  sys.stdout = sys.stderr = None\n  return {'ok': 1}", 200, `{"ok":1}`},
		{"nests deeply", "python", "def main(a):\n  r = []\n  for i in range(100000): r = [r]\n  return r", 200, ``},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := action(t, tc.family, tc.code)
			got := run(t, c, `{}`)
			if tc.body == "" {
				tc.body = string(got.Body)
			}
			sameJSON(t, got, tc.status, tc.body)
			kept := 0
			for _, line := range c.TakeLogs().Lines {
				kept += len(line)
			}
			if kept > 11<<20 {
				t.Errorf("%d bytes of logs were kept", kept)
			}
		})
	}
}

// jar compiles a class A.
func jar(t *testing.T, source string) string {
	t.Helper()
	h := host(t, "java")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "A.java"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(filepath.Dir(h.Path), "javac"), "-encoding", "UTF-8", "-cp", h.ClassPath[0], "A.java")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("javac: %v\n%s", err, out)
	}
	class, err := os.ReadFile(filepath.Join(dir, "A.class"))
	if err != nil {
		t.Fatal(err)
	}
	return zipped(t, map[string]string{"A.class": string(class)})
}
