package actionproxy

import (
	"errors"
	"os"
	"syscall"
)

// ErrStarved means that the program failed close to the memory limit of its process.
var ErrStarved = errors.New("the program was refused memory")

// starved reports whether a program failed close to the memory limit of a process. Such a limit
// stands in for a memory cgroup where there is none: there the kernel would have ended the program
// and counted it.
func starved(program *os.ProcessState) bool {
	if program == nil || program.Success() {
		return false
	}
	usage, ok := program.SysUsage().(*syscall.Rusage)
	if !ok {
		return false
	}
	var limit syscall.Rlimit
	const unlimited = ^uint64(0)
	if err := syscall.Getrlimit(syscall.RLIMIT_DATA, &limit); err != nil || limit.Cur == unlimited {
		return false
	}
	return uint64(usage.Maxrss)<<10 > limit.Cur/10*7
}
