package local_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gowhisk/gowhisk/internal/sandbox"
)

// nobody is a user without any rights.
const nobody = 65534

// long runs the long forms of the tests; it takes a quarter of an hour.
var long = flag.Bool("long", false, "run the long forms of the tests")

func TestTheSuitePassesForAUserWithoutRights(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	if testing.Short() {
		t.Skip("it runs all other tests once more")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "gowhisk-nobody-") // t.TempDir lies where only root can go
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	program := filepath.Join(dir, "local.test")
	body, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, body, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(dir, "testdata"), os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	args := []string{"-test.v", "-test.timeout=8m"}
	if !*long {
		args = append(args, "-test.skip=Landlock")
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + dir, "TMPDIR=" + dir, "PATH=/usr/local/bin:/usr/bin:/bin", "GOWHISK_WANT_TIER=" + string(sandbox.TierRootless), launcherVariable + "=" + launcher(t)}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "--- ") || strings.Contains(line, "_test.go:") {
			t.Log(strings.TrimRight(line, "\n"))
		}
	}
	if err != nil {
		t.Errorf("%v; it ended with: %s", err, out[max(0, len(out)-2000):])
	}
}

func TestTheTierIsTheOneThatIsWanted(t *testing.T) {
	want := os.Getenv("GOWHISK_WANT_TIER")
	if want == "" {
		t.Skip("no tier is wanted")
	}
	if r := sandbox.Probe(t.Context(), sandbox.Options{Owner: owner()}); string(r.Tier) != want {
		t.Errorf("tier is %s, want %s: %v", r.Tier, want, r.Missing)
	}
}
