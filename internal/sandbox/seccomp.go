package sandbox

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Offsets into struct seccomp_data; arguments are 64 bits each.
const (
	offNr   = 0
	offArch = 4
	offArgs = 16
)

// program assembles a seccomp filter. Rules are tried in order; the system
// call number is in the accumulator at the start of each.
type program []unix.SockFilter

func (p *program) add(code uint16, k uint32, jt, jf uint8) {
	*p = append(*p, unix.SockFilter{Code: code, Jt: jt, Jf: jf, K: k})
}

func (p *program) load(off uint32) { p.add(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, off, 0, 0) }

// loadArg loads the low half of argument n (both architectures are little
// endian). The arguments we look at are 32-bit in the kernel.
func (p *program) loadArg(n uint32) { p.load(offArgs + 8*n) }

func (p *program) ret(action uint32) { p.add(unix.BPF_RET|unix.BPF_K, action, 0, 0) }

func errnoAction(e unix.Errno) uint32 { return unix.SECCOMP_RET_ERRNO | uint32(e) }

// eq ends the filter with action if the accumulator is k.
func (p *program) eq(k, action uint32) {
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, k, 0, 1)
	p.ret(action)
}

// any ends the filter with action if the accumulator has a bit of mask.
func (p *program) any(mask, action uint32) {
	p.add(unix.BPF_JMP|unix.BPF_JSET|unix.BPF_K, mask, 0, 1)
	p.ret(action)
}

// when appends body, which must end with a return and be shorter than 256
// instructions, for the accumulator value k only.
func (p *program) when(k uint32, body func(*program)) {
	var b program
	body(&b)
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, k, 0, uint8(len(b)))
	*p = append(*p, b...)
}

// selfPid stands for the target's process id, which only the launcher knows.
const selfPid = 0x7ffffffd

// withPid returns the filter with the launcher's own id filled in.
func withPid(filter []byte, pid int) []byte {
	prog := unsafe.Slice((*unix.SockFilter)(unsafe.Pointer(&filter[0])), len(filter)/int(unsafe.Sizeof(unix.SockFilter{})))
	for i := range prog {
		if prog[i].K == selfPid {
			prog[i].K = uint32(pid)
		}
	}
	return filter
}

// bytes is the program as the kernel reads it.
func (p program) bytes() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&p[0])), len(p)*int(unsafe.Sizeof(p[0])))
}

// filterOptions selects the variant of the filter.
type filterOptions struct {
	mediated bool // connect and listen go to the supervisor
	noNetns  bool // Landlock tier: the network is the host's
	noPidns  bool // Landlock tier: other processes are in reach
	noScope  bool // Landlock cannot keep signals inside
	ownsHost bool // the process's user is the server's, who owns its files
}

// buildFilter assembles the whole filter for this architecture. It denies by
// name: runtimes change which calls they make with every release, and what is
// left out here is still bounded by namespaces and the lack of capabilities.
func buildFilter(o filterOptions) []byte {
	var p program
	p.load(offArch)
	p.add(unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K, auditArch, 1, 0)
	p.ret(unix.SECCOMP_RET_KILL_PROCESS)
	p.load(offNr)
	if x32Bit != 0 {
		p.any(x32Bit, unix.SECCOMP_RET_KILL_PROCESS)
	}
	socketRules(&p, o)
	argumentRules(&p)
	if o.noPidns {
		processRules(&p, o)
	}
	if o.ownsHost {
		ownerRules(&p)
	}
	for _, nr := range absent {
		p.eq(nr, errnoAction(unix.ENOSYS))
	}
	for _, nr := range denied {
		p.eq(nr, errnoAction(unix.EPERM))
	}
	for _, nr := range deniedArch {
		p.eq(nr, errnoAction(unix.EPERM))
	}
	p.ret(unix.SECCOMP_RET_ALLOW)
	return p.bytes()
}
