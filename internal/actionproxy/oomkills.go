package actionproxy

import (
	"bufio"
	"os"
	"strconv"
	"strings"
)

// oomKills is how often the kernel has ended a process of this container for want of memory; 0 where
// it does not tell.
func oomKills() int64 {
	for _, name := range []string{"/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"} {
		file, err := os.Open(name)
		if err != nil {
			continue
		}
		n := oomKillsIn(bufio.NewScanner(file))
		_ = file.Close() // it was only read
		return n
	}
	return 0
}

func oomKillsIn(lines *bufio.Scanner) int64 {
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "oom_kill "); ok {
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return 0
			}
			return n
		}
	}
	return 0
}

// killed reports whether that has happened again since it was asked last.
func (k *Knative) killed() bool {
	now := oomKills()
	return k.oomKills.Swap(now) < now
}
