package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is what /proc says of one process.
type process struct {
	pid, parent int
	cpu         time.Duration // its own and that of the children it waited for
}

// clockTick is the unit of times in /proc/PID/stat on every Linux.
const clockTick = time.Second / 100

// processes reads all processes; those that end meanwhile are left out.
func processes() ([]process, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var all []process
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue
		}
		if err != nil {
			return nil, err
		}
		p, err := parseStat(stat)
		if err != nil {
			return nil, fmt.Errorf("process %d: %w", pid, err)
		}
		all = append(all, p)
	}
	return all, nil
}

// parseStat reads a line of /proc/PID/stat. The name in brackets may contain
// anything.
func parseStat(stat []byte) (process, error) {
	open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if open < 0 || end < open {
		return process{}, errors.New("stat: no name")
	}
	fields := strings.Fields(string(stat[end+1:]))
	if len(fields) < 15 {
		return process{}, errors.New("stat: too short")
	}
	var numbers [6]int64 // pid, ppid, utime, stime, cutime, cstime
	for i, text := range []string{strings.TrimSpace(string(stat[:open])), fields[1], fields[11], fields[12], fields[13], fields[14]} {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return process{}, fmt.Errorf("stat: %w", err)
		}
		numbers[i] = n
	}
	ticks := numbers[2] + numbers[3] + numbers[4] + numbers[5]
	return process{pid: int(numbers[0]), parent: int(numbers[1]), cpu: time.Duration(ticks) * clockTick}, nil
}

// tree returns the process root and all below it.
func tree(root int) ([]process, error) {
	all, err := processes()
	if err != nil {
		return nil, err
	}
	children := map[int][]process{}
	var found []process
	for _, p := range all {
		children[p.parent] = append(children[p.parent], p)
		if p.pid == root {
			found = append(found, p)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("process %d has ended", root)
	}
	for i := 0; i < len(found); i++ {
		found = append(found, children[found[i].pid]...)
	}
	return found, nil
}

// cpuTime is the CPU time that root and all below it have used, and how much
// of it root itself has; children that it waited for are its own.
func cpuTime(root int) (all, own time.Duration, err error) {
	found, err := tree(root)
	if err != nil {
		return 0, 0, err
	}
	for _, p := range found {
		all += p.cpu
	}
	return all, found[0].cpu, nil
}

// pss is the proportional set size of one process in bytes: shared pages
// count in shares.
func pss(pid int) (int64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(data)) {
		value, ok := strings.CutPrefix(line, "Pss:")
		if !ok {
			continue
		}
		kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		return kb << 10, err
	}
	return 0, fmt.Errorf("process %d: no Pss in smaps_rollup", pid)
}

// pssOfTree is the sum over root and all processes below it, and over those
// below alone.
func pssOfTree(root int) (all, below int64, err error) {
	found, err := tree(root)
	if err != nil {
		return 0, 0, err
	}
	for _, p := range found {
		n, err := pss(p.pid)
		if err != nil {
			return 0, 0, err
		}
		all += n
		if p.pid != root {
			below += n
		}
	}
	return all, below, nil
}
