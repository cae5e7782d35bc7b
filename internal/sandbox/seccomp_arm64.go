package sandbox

import "golang.org/x/sys/unix"

const (
	auditArch = unix.AUDIT_ARCH_AARCH64
	x32Bit    = 0
)

// deniedArch lists the calls that only this architecture has.
var deniedArch = [...]uint32{}
