package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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
