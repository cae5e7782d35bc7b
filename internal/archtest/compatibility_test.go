package archtest

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// TestCompatibilityNamesTestsThatExist keeps docs/COMPATIBILITY.md honest:
// whatever it claims is shown by a script or a test of that name.
func TestCompatibilityNamesTestsThatExist(t *testing.T) {
	page, err := os.ReadFile("../../docs/COMPATIBILITY.md")
	if err != nil {
		t.Fatal(err)
	}
	known := tests(t)
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || strings.HasPrefix(cells[1], "---") || strings.HasSuffix(strings.TrimSpace(line), "local |") {
			continue
		}
		names := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[2], -1)
		if len(names) == 0 && !strings.Contains(cells[2], "not yet") {
			t.Errorf("%s names no test", strings.TrimSpace(cells[1]))
		}
		for _, name := range names {
			if !known[name[1]] {
				t.Errorf("%s: there is no test or script %s", strings.TrimSpace(cells[1]), name[1])
			}
		}
	}
}

// tests are the names of every test function and every script.
func tests(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if script, ok := strings.CutSuffix(path.Base(name), ".txtar"); ok {
			found[script] = true
		}
		if !strings.HasSuffix(name, "_test.go") {
			return nil
		}
		src, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		for _, match := range function.FindAllStringSubmatch(string(src), -1) {
			found[match[1]] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
