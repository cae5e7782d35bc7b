package sandbox_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// escapes is the corpus: every attempt must fail. secret is a world-readable
// host file, port a listener on the host's loopback, pid the server.
func escapes(secret, port, pid string) map[string]func() error {
	all := map[string]func() error{}
	for _, part := range []map[string]func() error{
		fileEscapes(secret, pid), namespaceEscapes(), kernelEscapes(), socketEscapes(port), processEscapes(),
	} {
		for name, attempt := range part {
			all[name] = attempt
		}
	}
	return all
}

func call(nr uintptr, args ...uintptr) error {
	var a [6]uintptr
	copy(a[:], args)
	if _, _, errno := unix.Syscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5]); errno != 0 {
		return errno
	}
	return nil
}

func ptr(s string) uintptr { return uintptr(unsafe.Pointer(unsafe.StringData(s + "\x00"))) }

func read(name string) func() error {
	return func() error {
		body, err := os.ReadFile(name)
		if err == nil && len(body) == 0 {
			return errors.New("is empty")
		}
		return err
	}
}

func create(name string) func() error {
	return func() error { return os.WriteFile(name, []byte("x"), 0o644) }
}

func fileEscapes(secret, pid string) map[string]func() error {
	m := map[string]func() error{
		"read the host's secret":           read(secret),
		"read secret through init's root":  read("/proc/1/root" + secret),
		"read secret through init's cwd":   read("/proc/1/cwd/../../../../.." + secret),
		"read a host process's memory map": read("/proc/" + pid + "/environ"),
		"write /usr":                       create("/usr/x"),
		"write /bin":                       create("/bin/x"),
		"write /lib":                       create("/lib/x"),
		"write /etc":                       create("/etc/x"),
		"write /":                          create("/x"),
		"write /dev":                       create("/dev/x"),
		"write /run":                       create("/run/x"),
		"write /var":                       create("/var/x"),
		"write a masked proc directory":    create("/proc/bus/x"),
		"overwrite the probe":              func() error { return os.WriteFile("/probe", nil, 0) },
		"overwrite own executable":         func() error { return os.WriteFile("/proc/self/exe", nil, 0) },
		"chmod /usr":                       func() error { return os.Chmod("/usr", 0o777) },
		"remove the probe":                 func() error { return os.Remove("/probe") },
		"make a device":                    func() error { return unix.Mknod("/tmp/d", unix.S_IFBLK|0o666, int(unix.Mkdev(254, 0))) },
		"lower own oom score":              create("/proc/self/oom_score_adj"),
		"write core pattern":               create("/proc/sys/kernel/core_pattern"),
		"press sysrq":                      create("/proc/sysrq-trigger"),
		"write uid map":                    create("/proc/self/uid_map"),
	}
	for _, name := range []string{
		"/proc/kcore", "/proc/kallsyms", "/proc/cmdline", "/proc/keys", "/proc/timer_list", "/proc/config.gz",
		"/proc/kmsg", "/proc/interrupts", "/proc/partitions", "/proc/slabinfo", "/etc/shadow", "/etc/hostname",
		"/root/.bashrc", "/sys/kernel/notes", "/sys/fs/cgroup/cgroup.procs", "/dev/vda", "/dev/mem", "/dev/kvm",
		"/var/log/dpkg.log", "/etc/ssl/private", "/home",
	} {
		m["read "+name] = read(name)
	}
	return m
}

func namespaceEscapes() map[string]func() error {
	m := map[string]func() error{
		"setns to own net": func() error {
			fd, err := unix.Open("/proc/self/ns/net", unix.O_RDONLY, 0)
			if err != nil {
				return err
			}
			return unix.Setns(fd, 0)
		},
		"mount tmpfs":   func() error { return unix.Mount("tmpfs", "/tmp", "tmpfs", 0, "") },
		"mount proc":    func() error { return unix.Mount("proc", "/tmp", "proc", 0, "") },
		"bind root":     func() error { return unix.Mount("/", "/tmp", "", unix.MS_BIND|unix.MS_REC, "") },
		"remount rw":    func() error { return unix.Mount("", "/", "", unix.MS_REMOUNT, "") },
		"unmount /proc": func() error { return unix.Unmount("/proc", unix.MNT_DETACH) },
		"pivot root":    func() error { return unix.PivotRoot("/tmp", "/tmp") },
		"chroot":        func() error { return unix.Chroot("/tmp") },
		"fsopen":        func() error { return call(unix.SYS_FSOPEN, ptr("tmpfs"), 0) },
		"open_tree":     func() error { return call(unix.SYS_OPEN_TREE, ^uintptr(99), ptr("/"), 1) },
		"mount_setattr": func() error { return unix.MountSetattr(-100, "/", 0, &unix.MountAttr{Attr_clr: 1}) },
		"sethostname":   func() error { return unix.Sethostname([]byte("x")) },
		"clone3":        func() error { return call(unix.SYS_CLONE3, 0, 0) },
	}
	for name, flag := range map[string]uintptr{
		"user": unix.CLONE_NEWUSER, "mount": unix.CLONE_NEWNS, "pid": unix.CLONE_NEWPID, "net": unix.CLONE_NEWNET,
		"ipc": unix.CLONE_NEWIPC, "uts": unix.CLONE_NEWUTS, "cgroup": unix.CLONE_NEWCGROUP, "time": unix.CLONE_NEWTIME,
	} {
		m["unshare "+name] = func() error { return unix.Unshare(int(flag)) }
		if flag != unix.CLONE_NEWTIME { // not a flag of clone
			m["clone into new "+name] = func() error { return call(unix.SYS_CLONE, flag|uintptr(unix.SIGCHLD)) }
		}
	}
	return m
}

func kernelEscapes() map[string]func() error {
	m := map[string]func() error{}
	for name, nr := range map[string]uintptr{
		"bpf": unix.SYS_BPF, "perf_event_open": unix.SYS_PERF_EVENT_OPEN, "userfaultfd": unix.SYS_USERFAULTFD,
		"io_uring_setup": unix.SYS_IO_URING_SETUP, "keyctl": unix.SYS_KEYCTL, "add_key": unix.SYS_ADD_KEY,
		"request_key": unix.SYS_REQUEST_KEY, "kexec_load": unix.SYS_KEXEC_LOAD, "init_module": unix.SYS_INIT_MODULE,
		"finit_module": unix.SYS_FINIT_MODULE, "delete_module": unix.SYS_DELETE_MODULE, "reboot": unix.SYS_REBOOT,
		"swapon": unix.SYS_SWAPON, "quotactl": unix.SYS_QUOTACTL, "acct": unix.SYS_ACCT, "syslog": unix.SYS_SYSLOG,
		"fanotify_init": unix.SYS_FANOTIFY_INIT, "open_by_handle_at": unix.SYS_OPEN_BY_HANDLE_AT,
		"name_to_handle_at": unix.SYS_NAME_TO_HANDLE_AT, "settimeofday": unix.SYS_SETTIMEOFDAY,
		"clock_settime": unix.SYS_CLOCK_SETTIME, "memfd_secret": unix.SYS_MEMFD_SECRET, "vmsplice": unix.SYS_VMSPLICE,
		"seccomp": unix.SYS_SECCOMP, "kcmp": unix.SYS_KCMP, "pidfd_getfd": unix.SYS_PIDFD_GETFD,
		"move_pages": unix.SYS_MOVE_PAGES, "process_vm_readv": unix.SYS_PROCESS_VM_READV,
	} {
		m[name] = func() error {
			err := call(nr)
			if !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.ENOSYS) {
				return nil // the kernel looked at the arguments: not filtered
			}
			return err
		}
	}
	m["personality"] = func() error { return call(unix.SYS_PERSONALITY, 0x0040000) }
	m["push a character back with TIOCSTI"] = func() error { return unix.IoctlSetPointerInt(0, unix.TIOCSTI, 'x') }
	return m
}

func socketEscapes(port string) map[string]func() error {
	m := map[string]func() error{
		"fast open": func() error {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
			if err != nil {
				return err
			}
			return unix.Sendto(fd, []byte("x"), 0x20000000, &unix.SockaddrInet4{Port: 80, Addr: [4]byte{127, 0, 0, 1}})
		},
		"send a datagram out": func() error {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
			if err != nil {
				return err
			}
			return unix.Sendto(fd, []byte("x"), 0, &unix.SockaddrInet4{Port: 53, Addr: [4]byte{1, 1, 1, 1}})
		},
		"find an interface": func() error {
			ifs, err := net.Interfaces()
			if len(ifs) > 1 {
				return nil
			}
			return fmt.Errorf("%d interfaces, %w", len(ifs), errors.Join(err, errors.New("only lo")))
		},
	}
	for name, s := range map[string][3]int{
		"raw": {unix.AF_INET, unix.SOCK_RAW, 1}, "raw6": {unix.AF_INET6, unix.SOCK_RAW, 58},
		"packet": {unix.AF_PACKET, unix.SOCK_RAW, 0}, "alg": {unix.AF_ALG, unix.SOCK_SEQPACKET, 0},
		"vsock": {unix.AF_VSOCK, unix.SOCK_STREAM, 0}, "netfilter": {unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER},
		"audit": {unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_AUDIT}, "bluetooth": {unix.AF_BLUETOOTH, unix.SOCK_RAW, 1},
		"tipc": {unix.AF_TIPC, unix.SOCK_STREAM, 0}, "sctp": {unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_SCTP},
		"mptcp": {unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP}, "ping": {unix.AF_INET, unix.SOCK_DGRAM, 1},
		"xdp": {unix.AF_XDP, unix.SOCK_RAW, 0}, "key": {unix.AF_KEY, unix.SOCK_RAW, 2},
	} {
		m["open a socket: "+name] = func() error { _, err := unix.Socket(s[0], s[1], s[2]); return err }
	}
	for _, target := range []string{
		"127.0.0.1:" + port, "[::1]:" + port, "[::ffff:127.0.0.1]:" + port, "0.0.0.0:" + port, "[::]:" + port,
		"169.254.169.254:80", "10.0.0.1:80", "172.16.0.1:80", "192.168.0.1:80", "100.64.0.1:80",
		"[fd00:ec2::254]:80", "[fe80::1%lo]:80", "[64:ff9b::a00:1]:80", "[2002:7f00:1::]:80", "224.0.0.1:80",
	} {
		m["connect to "+target] = func() error {
			c, err := net.DialTimeout("tcp", target, 3*time.Second)
			if err == nil {
				return c.Close()
			}
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				return nil // let through to where nobody answers
			}
			return err
		}
	}
	return m
}

func processEscapes() map[string]func() error {
	return map[string]func() error{
		"trace a process":             func() error { return unix.PtraceAttach(1) },
		"clear the death signal":      func() error { return unix.Prctl(unix.PR_SET_PDEATHSIG, 0, 0, 0, 0) },
		"become root":                 func() error { return unix.Setresuid(0, 0, 0) },
		"join group root":             func() error { return unix.Setgroups([]int{0}) },
		"raise open files":            func() error { return unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 1 << 20, Max: 1 << 20}) },
		"raise priority":              func() error { return unix.Setpriority(unix.PRIO_PROCESS, 0, -10) },
		"real-time scheduling":        func() error { return unix.SchedSetAttr(0, &unix.SchedAttr{Size: 56, Policy: 1, Priority: 50}, 0) },
		"lock all memory":             func() error { return unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE) },
		"gain ambient capability":     func() error { return unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, 21, 0, 0) },
		"gain by capset":              capset,
		"have capabilities":           func() error { return status("CapPrm", "0000000000000000") },
		"have a bounding set":         func() error { return status("CapBnd", "0000000000000000") },
		"be without no_new_privs":     func() error { return status("NoNewPrivs", "1") },
		"be without a filter":         func() error { return status("Seccomp", "2") },
		"signal beyond the namespace": signalStrangers,
	}
}

// signalStrangers tries the ids of no thread of this process.
func signalStrangers() error {
	err := errors.New("tried none")
	for pid := 2; pid < 256; pid++ {
		if _, serr := os.Stat(fmt.Sprintf("/proc/self/task/%d", pid)); serr == nil {
			continue
		}
		if err = unix.Kill(pid, 0); err == nil {
			return nil
		}
	}
	return err
}

func capset() error {
	h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	d := [2]unix.CapUserData{{Effective: 1 << 21, Permitted: 1 << 21}}
	return unix.Capset(&h, &d[0])
}

// status returns an error, meaning held, if the line reads as wanted.
func status(key, want string) error {
	body, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	if strings.Contains(string(body), "\n"+key+":\t"+want+"\n") {
		return errors.New(key + " is " + want)
	}
	return nil
}
