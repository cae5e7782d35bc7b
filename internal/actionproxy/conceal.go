package actionproxy

import (
	"fmt"
	"syscall"
)

// Conceal keeps the memory and the environment of this process from others of the same user, such as
// the action's, which may read them in /proc otherwise. Processes that it starts are as before.
func Conceal() error {
	const setDumpable = 4 // PR_SET_DUMPABLE
	if _, _, err := syscall.RawSyscall(syscall.SYS_PRCTL, setDumpable, 0, 0); err != 0 {
		return fmt.Errorf("keep the environment from actions: %w", err)
	}
	return nil
}
