package protocoltest

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
)

// Write prints one line for every clause that does not hold, all of them if all is set, and a summary.
func Write(w io.Writer, results []Result, all bool) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	count := map[Outcome]int{}
	for _, r := range results {
		count[r.Outcome]++
		if all || r.Outcome == Fail || r.Outcome == NotTried {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", r.Outcome, r.ID, r.Title, oneLine(r.Seen))
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%d clauses: %d pass, %d fail, %d not tried, %d not applicable\n",
		len(results), count[Pass], count[Fail], count[NotTried], count[NotApplicable])
	return err
}

// Matrix prints clauses by columns: + pass, FAIL, ? not tried, and a dot for not applicable. A column
// without results is a runtime that is not there, shown as –.
func Matrix(w io.Writer, columns []string, results map[string][]Result) error {
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	fmt.Fprintf(t, "clause\t%s\t\n", strings.Join(columns, "\t"))
	var clauses []Result
	for _, c := range columns {
		if len(results[c]) > len(clauses) {
			clauses = results[c]
		}
	}
	for i, clause := range clauses {
		fmt.Fprintf(t, "%s %s", clause.ID, clause.Title)
		for _, c := range columns {
			mark := "–"
			if len(results[c]) > i {
				mark = map[Outcome]string{Pass: "+", Fail: "FAIL", NotTried: "?", NotApplicable: "·"}[results[c][i].Outcome]
			}
			fmt.Fprintf(t, "\t%s", mark)
		}
		fmt.Fprintln(t, "\t")
	}
	return t.Flush()
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// Save is for the tests of this repository, which root leads to: `make test` prints the tables in it.
func Save(root, name, table string) error {
	dir := filepath.Join(root, "bin", "tables")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name), []byte(table), 0o644)
}

// Path is that PATH with the versions of languages that `make bin/kinds` has fetched at its front, for the
// tests of this repository, which root leads to.
func Path(root, path string) (string, error) {
	dirs, err := filepath.Glob(filepath.Join(root, "bin", "kinds", "*", "bin"))
	if err != nil {
		return "", err
	}
	for i := range dirs {
		if dirs[i], err = filepath.Abs(dirs[i]); err != nil {
			return "", err
		}
	}
	return strings.Join(append(dirs, path), string(filepath.ListSeparator)), nil
}
