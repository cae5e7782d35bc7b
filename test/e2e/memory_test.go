package e2e

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// memory is a table of what the processes of the namespace's pods have, shared pages by halves (PSS).
// It is empty if their node is not this host.
func (r *release) memory() string {
	r.t.Helper()
	list := r.mustKubectl(r.t, "", "get", "pods", "--output", `jsonpath={range .items[*]}{.metadata.uid} {.metadata.name}{"\n"}{end}`)
	found := map[string]int64{}
	for _, line := range strings.Split(strings.TrimSpace(list), "\n") {
		uid, pod, _ := strings.Cut(line, " ")
		for name, kilobytes := range processes(uid) {
			found[podKind(pod)+"  "+name] = max(found[podKind(pod)+"  "+name], kilobytes)
		}
	}
	table := ""
	for _, name := range slices.Sorted(maps.Keys(found)) {
		table += fmt.Sprintf("%-40s %8.1f MiB PSS\n", name, float64(found[name])/1024)
	}
	return table
}

func podKind(pod string) string {
	switch {
	case strings.HasPrefix(pod, "owdev-gowhisk"):
		return "server"
	case strings.HasPrefix(pod, "cell-"):
		return "waiting cell"
	}
	return "pod of an action"
}

// processes are those of a pod on this host, by name, with their memory in KiB.
func processes(uid string) map[string]int64 {
	found := map[string]int64{}
	groups, err := filepath.Glob("/proc/[0-9]*/cgroup")
	if err != nil {
		return nil
	}
	for _, group := range groups {
		text, err := os.ReadFile(group)
		if err != nil || !strings.Contains(strings.ReplaceAll(string(text), "_", "-"), uid) {
			continue
		}
		dir := filepath.Dir(group)
		name, err := os.ReadFile(filepath.Join(dir, "comm"))
		if err != nil || strings.TrimSpace(string(name)) == "pause" {
			continue
		}
		found[strings.TrimSpace(string(name))] += pss(filepath.Join(dir, "smaps_rollup"))
	}
	return found
}

func pss(file string) int64 {
	f, err := os.Open(file)
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if words := strings.Fields(lines.Text()); len(words) > 1 && words[0] == "Pss:" {
			if n, err := strconv.ParseInt(words[1], 10, 64); err == nil {
				return n
			}
		}
	}
	return 0
}
