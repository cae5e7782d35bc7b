package archtest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestColumnsOfBothBackendsNameTheSameScripts compares the two columns of COMPATIBILITY.md with what the
// scripts are run on: one that a row names on this host stands in the other cell, too, unless it is about
// this host alone; one that needs a cluster is named there only.
func TestColumnsOfBothBackendsNameTheSameScripts(t *testing.T) {
	text, err := os.ReadFile("../../docs/COMPATIBILITY.md")
	if err != nil {
		t.Fatal(err)
	}
	here, there := scripts(t)
	named := map[string]bool{}
	rows := 0
	for _, row := range tableRows(string(text)) {
		onCluster, both := row["cluster"]
		if !both {
			continue
		}
		rows++
		for _, name := range namesIn(row["local"]) {
			named[name] = true
			if there[name] && !slices.Contains(namesIn(onCluster), name) {
				t.Errorf("%s: %s runs on a cluster, too, and the column does not say so", row["claim"], name)
			}
		}
		for _, name := range namesIn(onCluster) {
			named[name] = true
			if here[name] && !there[name] {
				t.Errorf("%s: %s does not run on a cluster", row["claim"], name)
			}
		}
	}
	if rows == 0 {
		t.Error("no table has a column for the cluster")
	}
	for name := range there {
		if !here[name] && !named[name] {
			t.Errorf("no row names %s, which only runs on a cluster", name)
		}
	}
}

func namesIn(cell string) (names []string) {
	for _, match := range inBackticks.FindAllStringSubmatch(cell, -1) {
		names = append(names, match[1])
	}
	return names
}

// scripts are those that run on this host, and those that run on a cluster.
func scripts(t *testing.T) (here, there map[string]bool) {
	t.Helper()
	source, err := os.ReadFile("../../test/script/parity_test.go")
	if err != nil {
		t.Fatal(err)
	}
	onlyLocal := map[string]bool{}
	_, table, _ := strings.Cut(string(source), "var onlyLocal")
	table, _, _ = strings.Cut(table, "\n}")
	for _, match := range regexp.MustCompile(`(?m)^\t"([a-z-]+)": `).FindAllStringSubmatch(table, -1) {
		onlyLocal[match[1]] = true
	}
	if len(onlyLocal) == 0 {
		t.Fatal("the table onlyLocal is not found")
	}
	files, err := filepath.Glob("../../test/script/testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	here, there = map[string]bool{}, map[string]bool{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		here[name] = !strings.Contains(string(text), "[!cluster] skip")
		there[name] = !onlyLocal[name]
	}
	return here, there
}
