package clients

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gowhisk/gowhisk/test/live"
)

// root is the way from here to the repository.
const root = "../.."

func TestMain(m *testing.M) {
	live.Main()
	os.Exit(m.Run())
}

// suite counts the cases of one client.
type suite struct {
	*testing.T
	client string

	mu    sync.Mutex
	lines []string       // guarded by mu
	count map[string]int // by outcome; guarded by mu
}

// newSuite starts to count. At the end of the test it says how many cases
// passed, and leaves that and every case's outcome below bin/clients, where
// `make test` reads it.
func newSuite(t *testing.T, client string) *suite {
	s := &suite{T: t, client: client, count: map[string]int{}}
	t.Cleanup(s.report)
	return s
}

// run is one case: a test of its own. What is skipped needs its reason in
// docs/COMPATIBILITY.md.
func (s *suite) run(name string, f func(t *testing.T)) bool {
	s.Helper()
	return s.Run(name, func(t *testing.T) {
		t.Cleanup(func() {
			outcome := "passed"
			if t.Skipped() {
				outcome = "skipped"
				wantReason(t, name)
			}
			if t.Failed() {
				outcome = "failed"
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.count[outcome]++
			s.lines = append(s.lines, fmt.Sprintf("  %s: %s", outcome, name))
		})
		f(t)
	})
}

func wantReason(t *testing.T, name string) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(root, "docs", "COMPATIBILITY.md"))
	if err != nil {
		t.Fatal(err)
	}
	group, _, _ := strings.Cut(name, ":")
	if !strings.Contains(string(page), "| "+name+" |") && !strings.Contains(string(page), "| "+group+": every case |") {
		t.Errorf("%q is skipped without a reason in docs/COMPATIBILITY.md", name)
	}
}

func (s *suite) report() {
	text := fmt.Sprintf("%s: %d passed, %d failed, %d skipped\n%s\n",
		s.client, s.count["passed"], s.count["failed"], s.count["skipped"], strings.Join(s.lines, "\n"))
	fmt.Print(text)
	dir := filepath.Join(root, "bin", "clients")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		s.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, s.client), []byte(text), 0o644); err != nil {
		s.Error(err)
	}
}
