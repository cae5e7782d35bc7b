# Attempts to get out of a sandbox, run as an action. main answers the names of
# those that succeeded; each is written so that nothing happens if it does.
import ctypes
import errno
import os
import socket
import struct

libc = ctypes.CDLL(None, use_errno=True)
TMP = os.environ.get("TMPDIR", "/tmp")


def call(number, *args):
    if libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in args]) == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def filtered(number, *args):
    """A call must not even have its arguments looked at."""
    try:
        call(number, *args)
    except OSError as e:
        if e.errno in (errno.EPERM, errno.ENOSYS, errno.EACCES):
            raise


def read(name):
    with open(name, "rb") as f:
        if not f.read(64):
            raise OSError("empty")


def write(name):
    with open(name, "wb") as f:
        f.write(b"x")


def listing(name):
    if not os.listdir(name):
        raise OSError("empty")


def connect(host, port, family=socket.AF_INET):
    s = socket.socket(family, socket.SOCK_STREAM)
    s.settimeout(3)
    try:
        s.connect((host, port))
    except TimeoutError:
        return  # let through to where nobody answers


def status(key, wanted):
    for line in open("/proc/self/status"):
        if line.startswith(key + ":") and line.split()[1] == wanted:
            raise OSError("holds")


def others():
    return [pid for pid in os.listdir("/proc") if pid.isdigit() and int(pid) != os.getpid()]


def see_others():
    if not others():
        raise OSError("none")


def enter_others():
    for pid in others():
        for name in ("environ", "maps", "mem", "cwd/.", "root/etc/passwd"):
            try:
                read("/proc/%s/%s" % (pid, name))
                return
            except OSError:
                pass
    raise OSError("none")


def link_out():
    target = os.path.join(TMP, "out")
    os.symlink("/root", target)
    try:
        listing(target)
    finally:
        os.unlink(target)


def hard_link():
    os.link("/usr/bin/python3", os.path.join(TMP, "p"))


def setuid_file():
    name = os.path.join(TMP, "suid")
    with open(name, "wb") as f:
        f.write(b"#!/bin/sh\nid -u\n")
    os.chown(name, 0, 0)
    os.chmod(name, 0o4755)


def change_mode(name):
    before = os.stat(name).st_mode
    os.chmod(name, 0o640)
    if os.stat(name).st_mode == before:
        raise OSError("only said to be changed")
    os.chmod(name, before & 0o777)


def send_out():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.sendto(b"x", ("192.0.2.1", 53))


def abstract(name):
    s = socket.socket(socket.AF_UNIX)
    s.connect("\0" + name)


def attempts(a):
    secret, port, server, sock, abstract_name = a["secret"], a["port"], a["server"], a["socket"], a["abstract"]
    all = {
        "read the host's secret": lambda: read(secret),
        "read it through init's root": lambda: read("/proc/1/root" + secret),
        "read it through the parent's cwd": lambda: read("/proc/%d/cwd/../../../../..%s" % (os.getppid(), secret)),
        "read it through own root": lambda: read("/proc/self/root" + secret),
        "list the host's root folder": lambda: listing("/root"),
        "list the data directory": lambda: listing(os.path.dirname(secret)),
        "read the server's environment": lambda: read("/proc/%d/environ" % server),
        "read the server's memory": lambda: read("/proc/%d/mem" % server),
        "learn the server's descriptors": lambda: os.readlink("/proc/%d/fd/0" % server),
        "open the server's descriptors": lambda: read("/proc/%d/fd/0" % server),
        "signal the server": lambda: os.kill(server, 0),
        "stop the server": lambda: os.kill(server, 19),
        "trace the server": lambda: filtered(101, 16, server, 0, 0),
        "read the server by process_vm_readv": lambda: filtered(310, server, 0, 0, 0, 0, 0),
        "open a pidfd of the server": lambda: call(434, server, 0),
        "see processes of others": see_others,
        "enter processes of others": enter_others,
        "connect to a socket of the host": lambda: socket.socket(socket.AF_UNIX).connect(sock),
        "connect to an abstract socket of the host": lambda: abstract(abstract_name),
        "follow a link out": link_out,
        "link a file of the host": hard_link,
        "make a setuid file of root": setuid_file,
        "change the mode of the host's secret": lambda: change_mode(secret),
        "change the mode of the launcher": lambda: change_mode(__import__("sys").argv[0]),
        "change the mode of the data directory": lambda: change_mode(os.path.dirname(secret)),
        "become root": lambda: os.setresuid(0, 0, 0),
        "become group root": lambda: os.setresgid(0, 0, 0),
        "join groups": lambda: os.setgroups([0]),
        "write the action's folder": lambda: write("/action/x"),
        "write the code's folder": lambda: write(os.path.join(os.getcwd(), "x")),
        "write the launcher": lambda: open(__import__("sys").argv[0], "ab"),
        "remove the launcher": lambda: os.unlink(__import__("sys").argv[0]),
        "write /usr": lambda: write("/usr/x"),
        "write /etc": lambda: write("/etc/x"),
        "write /": lambda: write("/x"),
        "write /dev": lambda: write("/dev/x"),
        "write /run": lambda: write("/run/x"),
        "write own executable": lambda: open("/proc/self/exe", "r+b"),
        "lower own oom score": lambda: write("/proc/self/oom_score_adj"),
        "write the core pattern": lambda: write("/proc/sys/kernel/core_pattern"),
        "press sysrq": lambda: write("/proc/sysrq-trigger"),
        "write uid_map": lambda: write("/proc/self/uid_map"),
        "make a device": lambda: os.mknod(os.path.join(TMP, "d"), 0o60666, os.makedev(254, 0)),
        "write a cgroup": lambda: write("/sys/fs/cgroup/memory/release_agent"),
        "read a disk": lambda: read("/dev/vda"),
        "read memory": lambda: read("/dev/mem"),
        "read kmsg": lambda: read("/dev/kmsg"),
        "read kcore": lambda: read("/proc/kcore"),
        "read shadow": lambda: read("/etc/shadow"),
        "read the kernel's symbols": lambda: read("/sys/kernel/notes"),
        "chroot": lambda: os.chroot(TMP),
        "send a datagram out": send_out,
        "open a raw socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1),
        "open a packet socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0),
        "open an alg socket": lambda: socket.socket(38, socket.SOCK_SEQPACKET),
        "open a vsock": lambda: socket.socket(40, socket.SOCK_STREAM),
        "open netfilter": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12),
        "have capabilities": lambda: status("CapPrm", "0000000000000000"),
        "have effective capabilities": lambda: status("CapEff", "0000000000000000"),
        "have ambient capabilities": lambda: status("CapAmb", "0000000000000000"),
        "be without no_new_privs": lambda: status("NoNewPrivs", "1"),
        "be without a filter": lambda: status("Seccomp", "2"),
        "raise open files": lambda: __import__("resource").setrlimit(7, (1 << 20, 1 << 20)),
        "raise priority": lambda: os.setpriority(0, 0, -10),
        "change own root by openat2": lambda: call(437, -100, ctypes.c_char_p(secret.encode()), ctypes.c_char_p(struct.pack("QQQ", 0, 0, 0)), 24),
    }
    for name, number in CALLS.items():
        all["call " + name] = lambda number=number: filtered(number, 0, 0, 0, 0, 0)
    for name, flag in NAMESPACES.items():
        all["unshare " + name] = lambda flag=flag: call(272, flag)
    for host in ("127.0.0.1", "0.0.0.0"):
        all["connect to the host at " + host] = lambda host=host: connect(host, port)
    for host in ("::1", "::ffff:127.0.0.1", "::", "::ffff:169.254.169.254", "fd00:ec2::254", "64:ff9b::a00:1"):
        all["connect to " + host] = lambda host=host: connect(host, port, socket.AF_INET6)
    for host in ("169.254.169.254", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "224.0.0.1", "255.255.255.255"):
        all["connect to " + host] = lambda host=host: connect(host, 80)
    return all


CALLS = {
    "mount": 165, "umount2": 166, "pivot_root": 155, "ptrace": 101, "bpf": 321, "perf_event_open": 298,
    "userfaultfd": 323, "io_uring_setup": 425, "keyctl": 250, "add_key": 248, "request_key": 249,
    "init_module": 175, "finit_module": 313, "delete_module": 176, "kexec_load": 246, "reboot": 169, "swapon": 167,
    "acct": 163, "syslog": 103, "settimeofday": 164, "sethostname": 170, "open_by_handle_at": 304,
    "name_to_handle_at": 303, "fanotify_init": 300, "setns": 308, "clone3": 435, "fsopen": 430, "open_tree": 428,
    "move_mount": 429, "mount_setattr": 442, "process_vm_writev": 311, "kcmp": 312, "pidfd_getfd": 438,
    "seccomp": 317, "vmsplice": 278, "move_pages": 279, "quotactl": 179, "memfd_secret": 447,
}
NAMESPACES = {
    "user": 0x10000000, "mount": 0x20000, "pid": 0x20000000, "net": 0x40000000, "ipc": 0x8000000, "uts": 0x4000000,
    "cgroup": 0x2000000, "time": 0x80,
}


def main(a):
    succeeded, all = [], attempts(a)
    for name, attempt in all.items():
        try:
            attempt()
            succeeded.append(name)
        except (OSError, ValueError, PermissionError):
            pass
    return {"tried": len(all), "succeeded": succeeded}
