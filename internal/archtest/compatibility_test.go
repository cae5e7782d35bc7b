package archtest

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// TestPagesNameTestsThatExist keeps the two pages honest that claim
// something: what each row of a table says is shown by a script or a test of
// that name, in its last column.
func TestPagesNameTestsThatExist(t *testing.T) {
	known := tests(t)
	for _, page := range []string{"COMPATIBILITY.md", "RELIABILITY.md"} {
		text, err := os.ReadFile("../../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		rows := 0
		for line := range strings.Lines(string(text)) {
			cells := strings.Split(strings.TrimSpace(line), "|")
			if len(cells) < 4 || strings.HasPrefix(cells[1], "---") {
				continue
			}
			claim, shown := strings.TrimSpace(cells[1]), strings.TrimSpace(cells[len(cells)-2])
			if shown == "local" || shown == "shown by" { // the head of a table
				continue
			}
			rows++
			checkRow(t, page+": "+claim, shown, known)
		}
		if rows == 0 {
			t.Errorf("%s claims nothing", page)
		}
	}
}

func checkRow(t *testing.T, claim, shown string, known map[string]bool) {
	t.Helper()
	names := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(shown, -1)
	if len(names) == 0 && !strings.Contains(shown, "not yet") {
		t.Errorf("%s names no test", claim)
	}
	for _, name := range names {
		if !known[name[1]] {
			t.Errorf("%s: there is no test or script %s", claim, name[1])
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
