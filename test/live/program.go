// Package live runs gowhisk as a process of its own for the suites that meet
// it from outside. The test binary is the program, too: started under the
// name gowhisk it is gowhisk, race detector included.
package live

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/gowhisk/gowhisk/internal/backend/local"
	"github.com/gowhisk/gowhisk/internal/cli"
	"github.com/gowhisk/gowhisk/internal/sandbox"
)

// Main is the beginning of TestMain: it is the product if that is asked for,
// and returns otherwise.
func Main() {
	sandbox.Init()
	local.Init()
	if os.Args[0] == "gowhisk" {
		Program()
	}
}

// Program is the product; it exits.
func Program() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := cli.Main(ctx, cli.Env{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		LookupEnv: os.LookupEnv, Environ: os.Environ(), Version: "test",
	})
	stop()
	os.Exit(code)
}

// Gowhisk is a command of the product.
func Gowhisk(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &exec.Cmd{Path: self, Args: append([]string{"gowhisk"}, args...), Env: append(os.Environ(), "HOME="+t.TempDir())}
}

// Tool returns a public program as `make` builds it from tools/NAME: bin/NAME
// of the repository, which root leads to.
func Tool(t testing.TB, root, name, pkg string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, "bin", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		return path
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-C", filepath.Join(root, "tools", name), "-o", path, pkg)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, out)
	}
	return path
}
