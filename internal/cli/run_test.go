package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/cli"
)

func TestRunRefusesWhatItCannotUse(t *testing.T) {
	dir := t.TempDir()
	js, jar := filepath.Join(dir, "a.js"), filepath.Join(dir, "a.jar")
	for _, file := range []string{js, jar, filepath.Join(dir, "notes.txt")} {
		if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		words []string
		want  string
	}{
		{nil, "run needs one file, archive or folder"},
		{[]string{js, js}, "got 2"},
		{[]string{filepath.Join(dir, "b.js")}, "there is no file or folder"},
		{[]string{filepath.Join(dir, "notes.txt")}, "does not tell its language"},
		{[]string{js, "--kind", "cobol"}, "kinds are nodejs, python"},
		{[]string{jar}, "actions of java need --main: package.Class"},
		{[]string{js, "-p", "key"}, "-p KEY VALUE"},
		{[]string{js, "-P"}, "-P FILE"},
		{[]string{js, "--memory", "0"}, "--memory must be from 1"},
		{[]string{js, "--timeout", "0"}, "--timeout must be"},
		{[]string{js, "--colour"}, "unknown flag: --colour"},
	} {
		got := run(t, nil, append([]string{"run"}, tc.words...)...)
		if got.code != 2 || got.stdout != "" || !strings.Contains(got.stderr, tc.want) {
			t.Errorf("%v: got %+v, want %q", tc.words, got, tc.want)
		}
	}
}

func TestRunHelpShowsItsExamples(t *testing.T) {
	got := run(t, nil, "run", "--help")
	if got.code != 0 || !strings.Contains(got.stdout, "gowhisk run hello.js -p name Ada") {
		t.Errorf("got %+v", got)
	}
}

func TestRunWatchesTheCodeAndItsArguments(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not on this host")
	}
	code, arguments := filepath.Join(t.TempDir(), "a.js"), filepath.Join(t.TempDir(), "args.json")
	put(t, code, "let n = 0; exports.main = p => ({n: ++n, p});")
	put(t, arguments, `{"a":1}`)
	w := watch(t, "run", code, "-P", arguments, "--watch", "--json")
	w.want(`{"n":1,"p":{"a":1}}`, "cold")
	put(t, arguments, `{"a":2}`)
	w.want(`{"n":2,"p":{"a":2}}`, "warm")
	if _, err := io.WriteString(w.stdin, "\n"); err != nil {
		t.Fatal(err)
	}
	w.want(`{"n":3,"p":{"a":2}}`, "warm")
	put(t, code, "let n = 9; exports.main = () => ({n});")
	w.want(`{"n":9}`, "cold")
	if err := os.Remove(code); err != nil { // nothing to run until it is back
		t.Fatal(err)
	}
	put(t, code, "exports.main = () => ({back: true});")
	for w.next().Result != `{"back":true}` {
		continue // the old code may run again meanwhile
	}
	w.stop()
}

func put(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// watching is a program that runs beside the test.
type watching struct {
	t      *testing.T
	stdin  io.Writer
	lines  *bufio.Scanner
	talk   *bytes.Buffer
	cancel context.CancelFunc
	code   chan int
}

// record is one line of what the program prints.
type record struct{ Result, Start string }

func watch(t *testing.T, args ...string) *watching {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	in, stdin := io.Pipe()
	out, stdout := io.Pipe()
	w := &watching{t: t, stdin: stdin, lines: bufio.NewScanner(out), talk: &bytes.Buffer{}, cancel: cancel, code: make(chan int, 1)}
	env := map[string]string{"HOME": t.TempDir(), "PATH": os.Getenv("PATH")}
	go func() {
		w.code <- cli.Main(ctx, cli.Env{
			Args: args, Stdin: in, Stdout: stdout, Stderr: w.talk, Version: "1.2.3",
			LookupEnv: func(key string) (string, bool) { v, ok := env[key]; return v, ok },
		})
		_ = stdout.Close()
	}()
	return w
}

func (w *watching) next() record {
	w.t.Helper()
	if !w.lines.Scan() {
		w.t.Fatalf("it ended with %d: %s", <-w.code, w.talk)
	}
	var line struct {
		Result json.RawMessage
		Start  string
	}
	if err := json.Unmarshal(w.lines.Bytes(), &line); err != nil {
		w.t.Fatal(err)
	}
	return record{string(line.Result), line.Start}
}

func (w *watching) want(result, start string) {
	w.t.Helper()
	if got := w.next(); got.Result != result || got.Start != start {
		w.t.Errorf("got %+v, want %s, %s start", got, result, start)
	}
}

// stop ends the program as Ctrl-C does.
func (w *watching) stop() {
	w.t.Helper()
	w.cancel()
	if code := <-w.code; code != 0 {
		w.t.Errorf("exit status %d: %s", code, w.talk)
	}
}
