package script

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// onlyLocal are the scripts that are not about what a cluster shares with this host, and why.
var onlyLocal = map[string]string{
	"doctor-and-ports": "asks what the sandboxes of this host can do",
	"sequences-pool":   "waits for the memory of a pool of this host",
	"run":              "an action without a server, in a sandbox of this host",
}

// column is how the scripts ended on one backend.
type column struct {
	backend string

	mu    sync.Mutex
	cells map[string]string // by script; guarded by mu
}

func (c *column) set(script, cell string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cells[script] = cell
}

// save leaves the column where make e2e finds it, a script a line. What did not run keeps its line.
func (c *column) save(t *testing.T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	dir := filepath.Join("..", "..", "bin", "scripts")
	before, err := os.ReadFile(filepath.Join(dir, c.backend))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(before)) {
		script, cell, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if _, ran := c.cells[script]; !ran && exists(script) {
			c.cells[script] = cell
		}
	}
	var text strings.Builder
	for _, script := range slices.Sorted(maps.Keys(c.cells)) {
		fmt.Fprintf(&text, "%s\t%s\n", script, c.cells[script])
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, c.backend), []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func exists(script string) bool {
	_, err := os.Stat(filepath.Join("testdata", script+".txtar"))
	return err == nil
}

// run is a test that notes how the scripts in it end.
type run struct {
	*testing.T
	results *column
}

// Run implements testscript.T.
func (r run) Run(name string, script func(testscript.T)) {
	r.T.Run(name, func(t *testing.T) {
		t.Cleanup(func() {
			switch {
			case t.Failed():
				r.results.set(name, "FAIL")
			case t.Skipped():
				r.results.set(name, "–")
			default:
				r.results.set(name, "ok")
			}
		})
		why := onlyLocal[name]
		if r.results.backend == onChart {
			var err error
			if why, err = notOnChart(name); err != nil {
				t.Fatal(err)
			}
		}
		if why != "" && r.results.backend != onLocal {
			t.Skip(why)
		}
		script(run{t, r.results})
	})
}

// Verbose implements testscript.T.
func (run) Verbose() bool { return testing.Verbose() }

func TestScriptsOfTheLocalBackendAloneAreThere(t *testing.T) {
	for script := range onlyLocal {
		if !exists(script) {
			t.Errorf("there is no script %s", script)
		}
	}
}
