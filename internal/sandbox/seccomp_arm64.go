package sandbox

import "golang.org/x/sys/unix"

const (
	auditArch = unix.AUDIT_ARCH_AARCH64
	x32Bit    = 0
)

// chmodArch lists the calls that only this architecture has and that change
// the mode of a file.
var chmodArch = [...]uint32{}

// deniedArch lists the calls that only this architecture has.
var deniedArch = [...]uint32{}
