package config

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// MachineMemory returns the bytes of memory that this process may count on:
// the machine's, or its own control group's if that is less.
func MachineMemory() (int64, error) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0, fmt.Errorf("memory of the machine: %w", err)
	}
	defer f.Close()
	var total int64
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "MemTotal:"); ok {
			kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err != nil {
				return 0, fmt.Errorf("memory of the machine: %w", err)
			}
			total = kilobytes * int64(KB)
		}
	}
	if total == 0 {
		return 0, fmt.Errorf("memory of the machine: %s names no total", f.Name())
	}
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // that hierarchy is not mounted
		}
		if limit, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64); err == nil && limit > 0 {
			total = min(total, limit)
		}
	}
	return total, nil
}
