package clients

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// nodeModules returns the folder with the clients from npm, as `make`
// installs it.
func nodeModules(t *testing.T) string {
	t.Helper()
	need(t, "node", "npm", "python3")
	dir, err := filepath.Abs("node")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json")); err == nil {
		return dir
	}
	ci := exec.CommandContext(t.Context(), "npm", "ci", "--prefix", dir, "--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error")
	if out, err := ci.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	return dir
}

// need skips a test that uses programs which this host lacks.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not on this host", program)
		}
	}
}

// runNode runs files of node/cases with Node's own test runner; each of their
// tests is a case.
func (s *suite) runNode(pattern string, env ...string) {
	s.Helper()
	dir := nodeModules(s.T)
	files, err := filepath.Glob(filepath.Join(dir, "cases", pattern))
	if err != nil || len(files) == 0 {
		s.Fatalf("no cases %s: %v", pattern, err)
	}
	for _, path := range append(files, filepath.Join(dir, "lines.mjs"), filepath.Join(dir, "setup.js")) {
		if _, err := os.Stat(path); err != nil { // what go test has seen, it looks at before it takes a kept result
			s.Fatal(err)
		}
	}
	args := append([]string{"--test", "--test-reporter=" + filepath.Join(dir, "lines.mjs")}, files...)
	cmd := exec.CommandContext(s.Context(), "node", args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Dir = s.TempDir()
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	scanner := bufio.NewScanner(out)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		s.nodeCase(scanner.Bytes())
	}
	err = cmd.Wait()
	if err != nil && s.count["failed"] == 0 {
		s.Errorf("node: %v\n%s", err, &problems)
	}
}

// nodeCase turns one line of lines.mjs into a case.
func (s *suite) nodeCase(line []byte) {
	s.Helper()
	var c struct{ Name, Skip, Error string }
	if err := json.Unmarshal(line, &c); err != nil {
		s.Errorf("node said %s", line)
		return
	}
	s.run(c.Name, func(t *testing.T) {
		if c.Error != "" {
			t.Error(c.Error)
		}
		if c.Skip != "" {
			t.Skip(c.Skip)
		}
	})
}
