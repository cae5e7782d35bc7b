package e2e

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/test/live"
)

// proxy is the program that goes into the images, built once.
var proxy string

func TestMain(m *testing.M) {
	live.Main()
	if os.Getenv("REGISTRY") == "" {
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "e2e")
	if err != nil {
		log.Fatal(err)
	}
	proxy = filepath.Join(dir, "actionproxy")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", proxy, "../../cmd/actionproxy")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		log.Fatalf("build actionproxy: %v\n%s", err, text)
	}
	if cache, err := exec.Command("go", "env", "GOCACHE").Output(); err != nil {
		log.Fatal(err)
	} else if err := os.Setenv("GOCACHE", strings.TrimSpace(string(cache))); err != nil { // spares actions in Go the standard library
		log.Fatal(err)
	}
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		log.Fatal(err)
	}
	os.Exit(code)
}

// record leaves a table where make e2e prints it.
func record(t *testing.T, name, table string) {
	t.Helper()
	t.Log("\n" + table)
	if err := os.MkdirAll("../../bin/e2e", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("../../bin/e2e/"+name, []byte(table), 0o644); err != nil {
		t.Fatal(err)
	}
}

// build runs gowhisk build in a home of its own, with nothing kept from other builds, and returns what it prints: a digest or
// a reference with one.
func build(t testing.TB, args ...string) string {
	t.Helper()
	out, err := tryBuild(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func tryBuild(t testing.TB, args ...string) (string, error) {
	cmd := live.Gowhisk(t, append(append([]string{"build"}, args...), "--proxy", proxy, "--quiet")...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("gowhisk build %q: %w: %s", args, err, &stderr)
	}
	return strings.TrimSpace(string(out)), nil
}
