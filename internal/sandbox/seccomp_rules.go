package sandbox

import "golang.org/x/sys/unix"

const (
	msgFastOpen       = 0x20000000
	tcpFastOpenConn   = 30
	soAttachReuseCBPF = 51
	soAttachReuseEBPF = 52
	namespaceFlags    = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC |
		unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET
)

// socketRules admits Unix, TCP, UDP and routing-information sockets and sends
// connect and listen to the supervisor. A TCP socket that the supervisor put
// in place lives in the host's network namespace: whatever could point it
// elsewhere (a Fast Open send, a second connect, a listen) is stopped here.
func socketRules(p *program, o filterOptions) {
	if o.mediated {
		p.eq(unix.SYS_CONNECT, unix.SECCOMP_RET_USER_NOTIF)
		if o.noNetns {
			p.eq(unix.SYS_LISTEN, errnoAction(unix.EACCES))
		} else {
			p.eq(unix.SYS_LISTEN, unix.SECCOMP_RET_USER_NOTIF)
		}
	}
	p.when(unix.SYS_SOCKET, func(b *program) { socketRule(b, o) })
	p.when(unix.SYS_SOCKETPAIR, func(b *program) {
		b.loadArg(0)
		b.eq(unix.AF_UNIX, unix.SECCOMP_RET_ALLOW)
		b.ret(errnoAction(unix.EOPNOTSUPP))
	})
	for nr, arg := range map[uint32]uint32{unix.SYS_SENDTO: 3, unix.SYS_SENDMSG: 2, unix.SYS_SENDMMSG: 3} {
		p.when(nr, func(b *program) {
			b.loadArg(arg)
			b.any(msgFastOpen, errnoAction(unix.EOPNOTSUPP))
			b.ret(unix.SECCOMP_RET_ALLOW)
		})
	}
	p.when(unix.SYS_SETSOCKOPT, func(b *program) {
		b.loadArg(1)
		b.when(unix.SOL_TCP, func(c *program) {
			c.loadArg(2)
			c.eq(tcpFastOpenConn, errnoAction(unix.ENOPROTOOPT))
			c.ret(unix.SECCOMP_RET_ALLOW)
		})
		b.when(unix.SOL_SOCKET, func(c *program) {
			c.loadArg(2)
			for _, opt := range []uint32{unix.SO_ATTACH_FILTER, unix.SO_ATTACH_BPF, soAttachReuseCBPF, soAttachReuseEBPF} {
				c.eq(opt, errnoAction(unix.EPERM))
			}
			c.ret(unix.SECCOMP_RET_ALLOW)
		})
		b.ret(unix.SECCOMP_RET_ALLOW)
	})
}

func socketRule(b *program, o filterOptions) {
	inet := func(c *program) {
		c.loadArg(1)
		c.add(unix.BPF_ALU|unix.BPF_AND|unix.BPF_K, 0xf, 0, 0)
		c.when(unix.SOCK_STREAM, func(d *program) { protocols(d, unix.IPPROTO_TCP) })
		if o.noNetns {
			// Without a namespace a datagram could go anywhere.
			c.ret(errnoAction(unix.EACCES))
			return
		}
		c.when(unix.SOCK_DGRAM, func(d *program) { protocols(d, unix.IPPROTO_UDP) })
		c.ret(errnoAction(unix.EPERM))
	}
	b.loadArg(0)
	b.eq(unix.AF_UNIX, unix.SECCOMP_RET_ALLOW)
	b.when(unix.AF_INET, inet)
	b.when(unix.AF_INET6, inet)
	b.when(unix.AF_NETLINK, func(c *program) { protocols(c, unix.NETLINK_ROUTE) })
	b.ret(errnoAction(unix.EAFNOSUPPORT))
}

// protocols allows the default protocol and the one named.
func protocols(b *program, proto uint32) {
	b.loadArg(2)
	b.eq(0, unix.SECCOMP_RET_ALLOW)
	b.eq(proto, unix.SECCOMP_RET_ALLOW)
	b.ret(errnoAction(unix.EPROTONOSUPPORT))
}

// argumentRules deny single uses of calls that every runtime needs.
func argumentRules(p *program) {
	p.when(unix.SYS_CLONE, func(b *program) {
		b.loadArg(0)
		b.any(namespaceFlags, errnoAction(unix.EPERM))
		b.ret(unix.SECCOMP_RET_ALLOW)
	})
	p.when(unix.SYS_IOCTL, func(b *program) {
		b.loadArg(1)
		for _, cmd := range []uint32{unix.TIOCSTI, unix.TIOCLINUX, unix.TIOCSETD} {
			b.eq(cmd, errnoAction(unix.EPERM))
		}
		b.ret(unix.SECCOMP_RET_ALLOW)
	})
	p.when(unix.SYS_PRCTL, func(b *program) {
		b.loadArg(0)
		// The death signal is what ends the sandbox with the server.
		for _, opt := range []uint32{unix.PR_SET_PDEATHSIG, unix.PR_SET_SECCOMP, unix.PR_SET_MM} {
			b.eq(opt, errnoAction(unix.EPERM))
		}
		b.ret(unix.SECCOMP_RET_ALLOW)
	})
	p.when(unix.SYS_PERSONALITY, func(b *program) {
		b.loadArg(0)
		b.eq(0, unix.SECCOMP_RET_ALLOW)
		b.eq(0xffffffff, unix.SECCOMP_RET_ALLOW) // asks, changes nothing
		b.ret(errnoAction(unix.EPERM))
	})
}

// ownerRules keep an owner from the modes of files: Landlock looks after their
// contents only, and the server's are in reach by name. It is answered as if
// done, for copying a file ends with it and the mode is of little use there.
func ownerRules(p *program) {
	for _, nr := range []uint32{unix.SYS_FCHMOD, unix.SYS_FCHMODAT, unix.SYS_FCHMODAT2} {
		p.eq(nr, errnoAction(0))
	}
	for _, nr := range chmodArch {
		p.eq(nr, errnoAction(0))
	}
	for _, nr := range []uint32{
		unix.SYS_SETXATTR, unix.SYS_LSETXATTR, unix.SYS_FSETXATTR,
		unix.SYS_REMOVEXATTR, unix.SYS_LREMOVEXATTR, unix.SYS_FREMOVEXATTR,
	} {
		p.eq(nr, errnoAction(unix.EOPNOTSUPP))
	}
}

// processRules keep the tree in its process group, which is what Kill ends,
// and away from its neighbours, where no pid namespace does.
func processRules(p *program, o filterOptions) {
	for _, nr := range []uint32{
		unix.SYS_SETSID, unix.SYS_SETPGID, unix.SYS_RT_SIGQUEUEINFO, unix.SYS_RT_TGSIGQUEUEINFO,
		unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_SEND_SIGNAL, unix.SYS_SCHED_SETATTR, unix.SYS_SETPRIORITY,
		unix.SYS_SHMGET, unix.SYS_SHMAT, unix.SYS_MSGGET, unix.SYS_SEMGET, unix.SYS_MQ_OPEN, unix.SYS_BIND,
	} {
		p.eq(nr, errnoAction(unix.EPERM))
	}
	p.when(unix.SYS_PRLIMIT64, func(b *program) {
		b.loadArg(0)
		b.eq(0, unix.SECCOMP_RET_ALLOW)
		b.ret(errnoAction(unix.EPERM))
	})
	if !o.noScope {
		return
	}
	p.eq(unix.SYS_TKILL, errnoAction(unix.EPERM))
	p.when(unix.SYS_KILL, func(b *program) { ownTarget(b) })
	p.when(unix.SYS_TGKILL, func(b *program) { ownTarget(b) })
}

// ownTarget allows signals to the target process and its group only.
func ownTarget(b *program) {
	b.loadArg(0)
	b.eq(0, unix.SECCOMP_RET_ALLOW)
	b.eq(selfPid, unix.SECCOMP_RET_ALLOW)
	b.ret(errnoAction(unix.EPERM))
}
