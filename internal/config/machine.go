package config

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
)

// MachineMemory returns the bytes of memory that this process may count on.
func MachineMemory() (int64, error) { return MemoryOf(os.DirFS("/")) }

// MemoryOf is MachineMemory with root as the file system: the machine's memory,
// or what the control groups around this process allow if that is less.
func MemoryOf(root fs.FS) (int64, error) {
	info, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return 0, fmt.Errorf("memory of the machine: %w", err)
	}
	_, rest, _ := strings.Cut(string(info), "MemTotal:")
	line, _, _ := strings.Cut(rest, "\n")
	kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(line), " kB"), 10, 64)
	if err != nil || kilobytes <= 0 {
		return 0, fmt.Errorf("memory of the machine: /proc/meminfo names no total")
	}
	total := kilobytes * int64(KB)
	for _, file := range limitFiles(root) {
		data, err := fs.ReadFile(root, file)
		if err != nil {
			continue // a group without a limit of its own, or one that is out of sight
		}
		if limit, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64); err == nil && limit > 0 {
			total = min(total, limit)
		}
	}
	return total, nil
}

// limitFiles are where the groups of this process and those around them keep
// their limit. In a container the own group may be seen as the root.
func limitFiles(root fs.FS) []string {
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		groups = nil // a kernel without control groups
	}
	var files []string
	around := func(mount, group, file string) {
		for at := path.Clean("/" + group); ; at = path.Dir(at) {
			files = append(files, path.Join(mount, at, file))
			if at == "/" {
				return
			}
		}
	}
	for line := range strings.Lines(string(groups) + "\n0::/\n0:memory:/\n") {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(parts) < 3:
		case parts[1] == "":
			around("sys/fs/cgroup", parts[2], "memory.max")
		case parts[1] == "memory":
			around("sys/fs/cgroup/memory", parts[2], "memory.limit_in_bytes")
		}
	}
	return files
}
