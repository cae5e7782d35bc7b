package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// history is a repository with one commit for each file, so many hours before the last.
type history struct {
	file  string
	hours int
}

func TestLastCommitsDecideWhetherTheClusterIsTested(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not on this host")
	}
	for name, row := range map[string]struct {
		commits []history
		env     string
		wanted  bool
		says    string
	}{
		"the backend":                    {[]history{{"docs/a.md", 3}, {"internal/backend/knative/a.go", 2}, {"docs/b.md", 0}}, "", true, "the commits of the last day touch internal/backend/knative/a.go"},
		"several files":                  {[]history{{"charts/gowhisk/a.yaml", 1}, {"test/cluster/cluster", 0}}, "", true, "touch charts/gowhisk/a.yaml and 1 more"},
		"a module":                       {[]history{{"go.mod", 0}}, "", true, "touch go.mod"},
		"other folders":                  {[]history{{"docs/a.md", 1}, {"internal/webaction/a.go", 0}}, "", false, "nothing that they cover"},
		"a name that begins alike":       {[]history{{"chartsofthesea/a", 0}, {"docs/internal/imagebuild/a.md", 0}}, "", false, "nothing that they cover"},
		"a day and more before":          {[]history{{"runtimes/a.js", 25}, {"docs/a.md", 0}}, "", false, "nothing that they cover is in the commits of the last day"},
		"a day before, later ones older": {[]history{{"runtimes/a.js", 3}, {"docs/a.md", 30}, {"docs/b.md", 0}}, "", true, "runtimes/a.js"},
		"the range that CI names":        {[]history{{"runtimes/a.js", 2}, {"docs/a.md", 1}, {"docs/b.md", 0}}, "E2E_RANGE=HEAD~2..HEAD", false, "the commits HEAD~2..HEAD"},
		"an old change in that range":    {[]history{{"docs/a.md", 90}, {"cmd/actionproxy/a.go", 80}, {"docs/b.md", 0}}, "E2E_RANGE=HEAD~2..HEAD", true, "cmd/actionproxy/a.go"},
		"a range that is not there":      {[]history{{"docs/a.md", 0}}, "E2E_RANGE=deadbeef..HEAD", true, "there are no commits deadbeef..HEAD"},
		"never":                          {[]history{{"go.mod", 0}}, "E2E=never", false, "E2E=never"},
		"always":                         {[]history{{"docs/a.md", 0}}, "E2E=always", true, "E2E=always"},
		"no repository":                  {nil, "", true, "git does not tell what changed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wanted, said := ask(t, repository(t, row.commits), row.env)
			if wanted != row.wanted || !strings.Contains(said, row.says) {
				t.Errorf("wanted is %t: %s", wanted, said)
			}
		})
	}
}

// repository makes the commits in a folder of the test's.
func repository(t *testing.T, commits []history) string {
	t.Helper()
	dir := t.TempDir()
	git := func(env []string, args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v: %s", args, err, out)
		}
	}
	if len(commits) > 0 {
		git(nil, "init", "-q")
	}
	last := time.Date(2026, 1, 10, 12, 0, 0, 0, time.UTC)
	for _, c := range commits {
		file := filepath.Join(dir, c.file)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
		at := "@" + strconv.FormatInt(last.Add(-time.Duration(c.hours)*time.Hour).Unix(), 10) + " +0000"
		git(nil, "add", "-A")
		git([]string{"GIT_COMMITTER_DATE=" + at, "GIT_AUTHOR_DATE=" + at}, "commit", "-q", "-m", c.file)
	}
	return dir
}

// ask runs the helper of CI about a repository.
func ask(t *testing.T, dir, env string) (wanted bool, said string) {
	t.Helper()
	cmd := exec.Command("./wanted", dir)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "GIT_CEILING_DIRECTORIES=" + filepath.Dir(dir)}
	if env != "" {
		cmd.Env = append(cmd.Env, env)
	}
	out, err := cmd.CombinedOutput()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		t.Fatal(err)
	}
	return err == nil, string(out)
}

func TestScriptsOfBothBackendsAreOneTable(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"local": "a\tok\nb\tok\nc\t–\n", "knative": "a\tok\nb\tFAIL\nd\tok\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("./parity", filepath.Join(dir, "local"), filepath.Join(dir, "knative")).Output()
	lines := strings.Split(string(out), "\n")
	if err != nil || len(lines) < 6 {
		t.Fatalf("%v: %s", err, out)
	}
	for i, want := range []string{"script local knative", "a ok ok", "b ok FAIL", "c –", "d ok", "4 scripts: 1 end alike wherever they run, 1 fail somewhere"} {
		if got := strings.Join(strings.Fields(lines[i]), " "); !strings.HasPrefix(got, want) {
			t.Errorf("line %d is %q", i, got)
		}
	}
}
