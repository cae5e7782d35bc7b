package local_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// launcherVariable names a launcher that was built before, for tests that run
// as a user who cannot build one.
const launcherVariable = "GOWHISK_TEST_LAUNCHER"

// launcher returns the program that factories start for compiled actions. It
// lies where every user can go, as an installed gowhisk does.
func launcher(t testing.TB) string {
	t.Helper()
	if built := os.Getenv(launcherVariable); built != "" {
		return built
	}
	program, err := buildLauncher()
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// launcherDir is where buildLauncher builds; TestMain removes it.
var launcherDir = filepath.Join(os.TempDir(), "gowhisk-launcher-"+owner())

var buildLauncher = sync.OnceValues(func() (string, error) {
	if err := os.MkdirAll(launcherDir, 0o755); err != nil {
		return "", err
	}
	program := filepath.Join(launcherDir, "launcher")
	build := exec.Command("go", "build", "-trimpath", "-o", program, "./testdata/launcher")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", errors.New(err.Error() + ": " + string(out))
	}
	return program, os.Chmod(program, 0o755)
})
