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
// that name, in the columns local, cluster or shown by.
func TestPagesNameTestsThatExist(t *testing.T) {
	known := tests(t)
	for _, page := range []string{"COMPATIBILITY.md", "RELIABILITY.md"} {
		text, err := os.ReadFile("../../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		rows := tableRows(string(text))
		for _, row := range rows {
			for _, column := range []string{"local", "cluster", "shown by"} {
				if shown, ok := row[column]; ok {
					checkRow(t, page+": "+row["claim"]+", "+column, shown, known)
				}
			}
		}
		if len(rows) == 0 {
			t.Errorf("%s claims nothing", page)
		}
	}
}

// tableRows are those of the tables of a page, by the heads of their columns. The first column is the claim.
func tableRows(text string) (rows []map[string]string) {
	var heads []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			heads = nil
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case heads == nil:
			heads = cells
		case !strings.HasPrefix(cells[0], "---"):
			row := map[string]string{"claim": cells[0]}
			for i := 1; i < min(len(cells), len(heads)); i++ {
				row[heads[i]] = cells[i]
			}
			rows = append(rows, row)
		}
	}
	return rows
}

var inBackticks = regexp.MustCompile("`([^`]+)`")

func checkRow(t *testing.T, claim, shown string, known map[string]bool) {
	t.Helper()
	names := inBackticks.FindAllStringSubmatch(shown, -1)
	if len(names) == 0 && !strings.Contains(shown, "not yet") && shown != "–" && shown != "same code" {
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
