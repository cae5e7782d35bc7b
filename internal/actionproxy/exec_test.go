package actionproxy_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/runtimes"
)

// TestMain lets this binary be the exec launcher that the tests start, and a runtime of another make.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "foreign" {
		if err := serveForeign(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) == 3 && os.Args[1] == "launch" {
		f, _ := runtimes.FamilyOf(os.Args[2])
		if err := actionproxy.ExecLauncher(f, os.Environ()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	status := m.Run()
	if dir, err := workshop(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(status)
}

// launchExec starts the exec launcher of a family.
func launchExec(t testing.TB, family string) *actionproxy.Child {
	t.Helper()
	f, ok := runtimes.FamilyOf(family)
	if !ok {
		t.Fatalf("no family %s", family)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "launch", family)
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "TMPDIR=" + t.TempDir()}
	return start(t, cmd, actionproxy.Options{ActionLoop: f.Mode == runtimes.ActionLoop})
}

func TestSkeletonRunsAFreshProcessPerActivation(t *testing.T) {
	c := launchExec(t, "blackbox")
	initialize(t, c, &protocol.Init{Main: "main", Dir: folder(t, map[string]string{"exec": "#!/bin/sh\necho \"{\\\"pid\\\":$$}\""})})
	seen := map[string]bool{}
	for range 3 {
		seen[string(run(t, c, `{}`).Body)] = true
	}
	if len(seen) != 3 {
		t.Errorf("got %v", seen)
	}
}

func TestSkeletonPassesArguments(t *testing.T) {
	code := "#!/bin/bash\nread -r in\nif [ $# = 0 ]; then echo \"{\\\"stdin\\\":${#in}}\"; else [ \"$in\" = \"$1\" ] && echo \"{\\\"both\\\":${#1}}\"; fi"
	c := launchExec(t, "blackbox")
	initialize(t, c, &protocol.Init{Main: "main", Code: code})
	for _, n := range []int{100, 131071, 131072, 1048561} {
		value := `{"a":"` + strings.Repeat("x", n-8) + `"}`
		expect := fmt.Sprintf(`{"both":%d}`, n)
		if n > 131071 {
			expect = fmt.Sprintf(`{"stdin":%d}`, n)
		}
		want(t, run(t, c, value), 200, expect)
	}
}

func TestSkeletonResults(t *testing.T) {
	for _, tc := range []struct {
		name, script string
		status       int
		body, log    string
	}{
		{"last line", `echo hello; echo oops >&2; echo '{"a":1}'`, 200, `{"a":1}`, "stdout: hello"},
		{"without line feed", `printf 'log\n{"a":1}'`, 200, `{"a":1}`, "stdout: log"},
		{"blank lines after it", `printf '{"a":1}\n\n \n'`, 200, `{"a":1}`, ""},
		{"array", `echo '[1]'`, 200, `[1]`, ""},
		{"not JSON", `echo hello`, 502, noResult, "stdout: hello"},
		{"number", `echo 1`, 502, noResult, "stdout: 1"},
		{"empty", `true`, 502, noResult, ""},
		{"exit status does not matter", `echo '{"error":"x"}'; exit 3`, 200, `{"error":"x"}`, ""},
		{"a child holds stdout", `sleep 100 & echo '{"a":1}'`, 200, `{"a":1}`, ""},
		{"stderr is logs", `echo '{"a":1}'; echo last >&2`, 200, `{"a":1}`, "stderr: last"},
		{"environment", `echo "{\"e\":\"$__OW_NAMESPACE $A\"}"`, 200, `{"e":"guest b=c"}`, ""},
		{"working directory", `cat data`, 200, `{"d":1}`, ""},
		{"answers are out of reach", `echo '{}' >&3; echo '{"a":1}'`, 200, `{"a":1}`, "stderr:"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := launchExec(t, "blackbox")
			initialize(t, c, &protocol.Init{Main: "main", Env: protocol.Env{"A": "b=c"},
				Dir: folder(t, map[string]string{"exec": "#!/bin/sh\n" + tc.script, "data": `{"d":1}`})})
			for range 2 {
				want(t, run(t, c, `{}`), tc.status, tc.body)
				if logs := texts(c.TakeLogs()); !strings.Contains(logs, tc.log) {
					t.Errorf("no %q in %q", tc.log, logs)
				}
			}
		})
	}
}

func TestSkeletonWithoutCodeIsAStub(t *testing.T) {
	c := launchExec(t, "blackbox")
	initialize(t, c, &protocol.Init{Main: "main"})
	want(t, run(t, c, `{}`), 200, `{"error":"This is a stub action. Replace it with custom logic."}`)
}

func TestSkeletonRefusesOtherArguments(t *testing.T) {
	c := launchExec(t, "blackbox")
	initialize(t, c, &protocol.Init{Main: "main", Code: "#!/bin/sh\ncat"})
	want(t, run(t, c, `"text"`), 404, `{"error":"The action did not receive a dictionary or array as an argument."}`)
	want(t, run(t, c, `[1]`), 200, `[1]`)
}

func TestSkeletonWithoutExecutableFailsInit(t *testing.T) {
	c := launchExec(t, "blackbox")
	got, err := c.Init(bounded(t), &protocol.Init{Main: "main", Dir: folder(t, map[string]string{"other": "x"})})
	if err != nil {
		t.Fatal(err)
	}
	want(t, got, 502, `{"error":"The action failed to generate or locate a binary. See logs for details."}`)
	if logs := texts(c.TakeLogs()); !strings.Contains(logs, "locate the action's executable") {
		t.Errorf("logs: %q", logs)
	}
}

func TestSkeletonRunsAnyLanguage(t *testing.T) {
	for name, code := range map[string]string{
		"perl":   "#!/usr/bin/perl\nprint \"{\\\"a\\\":1}\\n\";",
		"python": "#!/usr/bin/python3\nprint('{\"a\":1}')",
		"bash":   "#!/bin/bash\necho '{\"a\":1}'",
	} {
		t.Run(name, func(t *testing.T) {
			interpreter := strings.TrimPrefix(strings.SplitN(code, "\n", 2)[0], "#!")
			if _, err := os.Stat(interpreter); err != nil {
				t.Skipf("no interpreter: %v", err)
			}
			c := launchExec(t, "blackbox")
			initialize(t, c, &protocol.Init{Main: "main", Code: code})
			want(t, run(t, c, `{}`), 200, `{"a":1}`)
		})
	}
}

func TestBashNeedsNoInterpreterLine(t *testing.T) {
	host(t, "bash")
	c := launchExec(t, "bash")
	initialize(t, c, &protocol.Init{Main: "main", Code: "a=(x y); echo \"{\\\"n\\\":${#a[@]}}\""})
	want(t, run(t, c, `{}`), 200, `{"n":2}`)
}

func TestActionLoopProgramTakesTheLaunchersPlace(t *testing.T) {
	program := "#!/bin/bash\necho started\nwhile read -r l; do echo \"{\\\"n\\\":${#l},\\\"e\\\":\\\"$A\\\"}\" >&3; done"
	c := launchExec(t, "go")
	initialize(t, c, &protocol.Init{Main: "main", Env: protocol.Env{"A": "b=c"}, Dir: folder(t, map[string]string{"exec": program})})
	for range 3 {
		want(t, run(t, c, `{}`), 200, fmt.Sprintf(`{"n":%d,"e":"b=c"}`, len(request(`{}`).Append(nil))))
	}
	if logs := texts(c.TakeLogs()); logs != "stdout: started" {
		t.Errorf("logs: %q", logs)
	}
}

func TestActionLoopProgramAcknowledgesItsStartWhenAsked(t *testing.T) {
	for _, tc := range []struct {
		name, script string
		status       int
		body         string
		err          error
	}{
		{"ok", `echo '{"ok":true}' >&3; read l`, 200, `{"ok":true}`, nil},
		{"not ok", `echo '{"ok":false}' >&3; read l`, 502, `{"error":"The action did not initialize properly."}`, nil},
		{"exits", `exit 1`, 0, ``, actionproxy.ErrExited},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := launchExec(t, "go")
			got, err := c.Init(bounded(t), &protocol.Init{Main: "main", Env: protocol.Env{protocol.EnvWaitForAck: "true"},
				Dir: folder(t, map[string]string{"exec": "#!/bin/bash\n" + tc.script})})
			if !errors.Is(err, tc.err) {
				t.Fatalf("got %v", err)
			}
			want(t, got, tc.status, tc.body)
		})
	}
}

func TestActionLoopProgramThatCannotStartIsAnExit(t *testing.T) {
	c := launchExec(t, "go")
	initialize(t, c, &protocol.Init{Main: "main", Dir: folder(t, map[string]string{"exec": "\x7fELF broken"})})
	if _, err := c.Run(bounded(t), request(`{}`)); !errors.Is(err, actionproxy.ErrExited) {
		t.Errorf("got %v", err)
	}
	if logs := texts(c.TakeLogs()); !strings.Contains(logs, "exec format error") {
		t.Errorf("logs: %q", logs)
	}
}
