package server

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// process is a program that runs on this machine.
type process struct {
	pid     int
	command string
}

// portOwner finds the process that listens on a TCP port, as far as this
// user may see. Only the error message needs it: what cannot be read is
// passed over.
func portOwner(port uint16) (process, bool) {
	wanted := map[string]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		for _, inode := range listeningInodes(table, port) {
			wanted["socket:["+inode+"]"] = true
		}
	}
	if len(wanted) == 0 {
		return process{}, false
	}
	fds, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return process{}, false
	}
	for _, fd := range fds {
		if target, err := os.Readlink(fd); err != nil || !wanted[target] {
			continue
		}
		pid, err := strconv.Atoi(strings.Split(fd, "/")[2])
		if err != nil {
			continue
		}
		return process{pid, commandLine(pid)}, true
	}
	return process{}, false
}

// listeningInodes reads one table of the kernel: column 1 is address:port in
// hex, column 3 the state (0A listens), column 9 the inode.
func listeningInodes(table string, port uint16) []string {
	f, err := os.Open(table)
	if err != nil {
		return nil
	}
	defer f.Close()
	suffix := fmt.Sprintf(":%04X", port)
	var inodes []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		columns := strings.Fields(lines.Text())
		if len(columns) > 9 && strings.HasSuffix(columns[1], suffix) && columns[3] == "0A" {
			inodes = append(inodes, columns[9])
		}
	}
	return inodes
}

// commandLine is at most 80 characters of the words of a process.
func commandLine(pid int) string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || len(data) == 0 {
		return "a program"
	}
	line := strings.TrimSpace(strings.ReplaceAll(string(data), "\x00", " "))
	if len(line) > 80 {
		return line[:79] + "…"
	}
	return line
}
