package sandbox

import "golang.org/x/sys/unix"

const (
	auditArch = unix.AUDIT_ARCH_X86_64
	// x32Bit marks calls of the x32 ABI, which has numbers of its own.
	x32Bit = 0x40000000
)

// chmodArch lists the calls that only this architecture has and that change
// the mode of a file.
var chmodArch = [...]uint32{unix.SYS_CHMOD}

// deniedArch lists the calls that only this architecture has.
var deniedArch = [...]uint32{
	unix.SYS_MODIFY_LDT, unix.SYS_IOPL, unix.SYS_IOPERM, unix.SYS_USELIB, unix.SYS_USTAT, unix.SYS_SYSFS,
	unix.SYS__SYSCTL, unix.SYS_CREATE_MODULE, unix.SYS_GET_KERNEL_SYMS, unix.SYS_QUERY_MODULE,
}
