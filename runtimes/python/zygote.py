"""The Python zygote: imports what actions import, and forks launchers from that.

A child does for itself what the sandbox launcher does for others (internal/sandbox/launch*.go), in
the same order, and runs the launcher named in argv[1]. No code of a user ever runs in the zygote.
Python 3.9 and later on the GNU C library.
"""

import base64
import ctypes
import fcntl
import gc
import importlib
import json
import os
import platform
import resource
import socket
import struct
import sys
import threading
import types

CONTROL = 3
PRELOADED = (
    "linecache traceback random ssl asyncio email.message email.mime.multipart email.mime.text "
    "urllib.request http.client http.cookies logging decimal datetime hashlib hmac csv uuid "
    "concurrent.futures.thread subprocess tempfile zipfile gzip shutil pathlib dataclasses statistics "
    "html string textwrap typing xml.etree.ElementTree"
).split()

# System calls without a function in every C library.
CLONE, SECCOMP, PIVOT_ROOT = {"x86_64": (56, 317, 155), "aarch64": (220, 277, 41)}[platform.machine()]
OPEN_TREE, MOVE_MOUNT, FSOPEN, FSCONFIG, FSMOUNT, CLOSE_RANGE = 428, 429, 430, 431, 432, 436
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446

NEW_NAMESPACES = 0x10000000 | 0x20000 | 0x20000000 | 0x8000000 | 0x4000000 | 0x40000000  # all but cgroup
NEW_CGROUP = 0x2000000
PARENT, SET_TID, CLEAR_TID, SIGCHLD = 0x8000, 0x1000000, 0x200000, 17
CLOEXEC, RECURSIVE, HERE = os.O_CLOEXEC, 0x8000, -100
SET_PDEATHSIG, SET_DUMPABLE, DROP_BOUNDING, SET_NO_NEW_PRIVS, TID_ADDRESS, AMBIENT = 1, 4, 24, 38, 40, 47
INSIDE = 1000

libc = ctypes.PyDLL(None, use_errno=True)  # keeps the interpreter's lock: nothing here waits
libc.syscall.restype = ctypes.c_long


def checked(result, what):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, "%s: %s" % (what, os.strerror(number)))
    return result


def call(what, number, *args):
    args = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    return checked(libc.syscall(ctypes.c_long(number), *args), what)


def prctl(what, option, *args):
    args = [ctypes.c_ulong(a) for a in args] + [ctypes.c_ulong(0)] * (4 - len(args))
    return checked(libc.prctl(option, *args), what)


def mount(source, target, kind, flags, options=None):
    checked(libc.mount(source, target, kind, ctypes.c_ulong(flags), options), "mount %s" % target.decode())


def thread_id_address():
    """Where the C library keeps the id of this thread, which is to be right in the child, too."""
    address = ctypes.c_void_p()
    checked(libc.prctl(TID_ADDRESS, ctypes.byref(address), None, None, None), "find thread id")
    if not address.value or ctypes.c_int.from_address(address.value).value != os.getpid():
        raise OSError("the C library does not keep its thread id where the kernel writes it")
    return address.value


def fork(tid):
    """Like os.fork, but into new namespaces and as a sibling: the spawner watches over both."""
    flags = NEW_NAMESPACES | PARENT | SET_TID | CLEAR_TID | SIGCHLD
    ctypes.pythonapi.PyOS_BeforeFork()
    # The order of the last two differs between architectures; the other of them is not looked at.
    pid = libc.syscall(*map(ctypes.c_long, (CLONE, flags, 0, 0, tid, tid)))
    failure = ctypes.get_errno()
    if pid == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()  # also seeds the module random anew
    else:
        ctypes.pythonapi.PyOS_AfterFork_Parent()
    return checked(pid, "clone") if pid >= 0 else -failure


def write(name, text):
    fd = os.open(name, os.O_WRONLY)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def serve(control, tid):
    """Answer requests in the zygote; returns the sync socket in a child, None at the end."""
    while True:
        body, fds, _, _ = socket.recv_fds(control, 4096, 1)
        if not body:
            return None
        request = json.loads(body)
        pid = fork(tid)
        if pid == 0:
            control.detach()
            return socket.socket(fileno=fds[0])
        os.close(fds[0])
        if pid > 0:
            try:
                for file in ("gid_map", "uid_map"):
                    write("/proc/%d/%s" % (pid, file), "%d %d 1\n" % (INSIDE, request["ID"]))
            except OSError as failure:
                pid = -failure.errno  # the child ends with its socket
        control.send(b"%d" % pid)


def receive(sync):
    """The plan, and the descriptors that came with it."""
    size, fds, _, _ = socket.recv_fds(sync, 4, 253, socket.MSG_WAITALL)
    if len(size) < 4:
        os._exit(125)  # the server has no use for us
    left = struct.unpack("<I", size)[0]
    body = bytearray()
    while len(body) < left:
        part = sync.recv(left - len(body))
        if not part:
            os._exit(125)
        body += part
    return json.loads(body), fds


def arrange(plan, fds):
    """Put descriptors 0 to 3 in place; returns those of mounts."""
    fds = iter(fds)
    for place, wanted in enumerate(plan["Open"]):
        if wanted:
            fd = next(fds)
            os.dup2(fd, place)
            os.close(fd)
        else:
            os.close(place)
    return list(fds)


def raise_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH22x", b"lo", 0x41))  # SIOCSIFFLAGS: up, running


def build_root(plan, trees):
    """The zygote keeps a copy of the root in /run: add what is the child's own and turn to it."""
    cell = plan["Cell"]
    mount(b"", b"/", b"", 0x4000 | 0x40000)  # recursively private
    root = copy("/run")
    fs = call("open proc", FSOPEN, b"proc", 1)
    call("create proc", FSCONFIG, fs, 6, None, None, 0)
    proc = call("mount proc", FSMOUNT, fs, 1, 1 | 2 | 4 | 8)  # ro, nosuid, nodev, noexec
    attach(root, b"/proc")
    os.chdir("/proc")
    mount(b"tmpfs", b"tmp", b"tmpfs", 2 | 4, b"mode=1777,nr_inodes=65536,size=%d" % plan["TmpSize"])
    for order in plan["Mounts"]:
        source = os.path.join("/tmp", os.path.relpath(order["Source"], cell["Sources"]))
        tree = trees.pop(0) if order["Passed"] else copy(source)
        attach(tree, order["Target"][1:].encode())
    attach(proc, b"proc")
    for name in cell["MaskFiles"]:
        if os.path.exists("proc/" + name):
            mount(b"dev/null", b"proc/" + name.encode(), None, 0x1000)
    for name in cell["MaskDirs"]:
        if os.path.exists("proc/" + name):
            attach(copy("run"), b"proc/" + name.encode())
    call("pivot root", PIVOT_ROOT, b".", b".")
    checked(libc.umount2(b".", 2), "detach old root")


def copy(tree):
    return call("copy " + tree, OPEN_TREE, HERE, tree.encode(), 1 | CLOEXEC | RECURSIVE)


def attach(tree, target):
    call("mount %s" % target.decode(), MOVE_MOUNT, tree, b"", HERE, target, 4)


def open_resolver(plan):
    if not plan["Mediated"]:
        return []
    sockets = []
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        sockets.append(socket.socket(socket.AF_INET, kind | socket.SOCK_NONBLOCK))
        sockets[-1].bind(("127.0.0.1", 53))
    sockets[1].listen(16)
    return sockets


def restrict(rules):
    """Landlock, as the launcher computed it."""
    attributes = struct.pack("<%dQ" % len(rules["Attributes"]), *rules["Attributes"])
    ruleset = call("create ruleset", LANDLOCK_CREATE, attributes, len(attributes), 0)
    for rule in rules["Beneath"]:
        fd = os.open(rule["Path"], os.O_PATH)
        call("allow " + rule["Path"], LANDLOCK_ADD, ruleset, 1, struct.pack("<Qi", rule["Rights"], fd), 0)
        os.close(fd)
    call("restrict", LANDLOCK_RESTRICT, ruleset, 0)


def confine(plan, sync, relay):
    """Give up every right the action must not have; each step still needs what the next removes."""
    for capability in range(64):
        if libc.prctl(DROP_BOUNDING, *map(ctypes.c_ulong, (capability, 0, 0, 0))) < 0:
            break  # past the last one
    prctl("set no_new_privs", SET_NO_NEW_PRIVS, 1)
    if plan["Cell"]["Landlock"]:
        restrict(plan["Cell"]["Landlock"])
    prctl("clear ambient capabilities", AMBIENT, 4)
    checked(libc.capset(struct.pack("<Ii", 0x20080522, 0), bytes(24)), "drop capabilities")
    prctl("be dumpable", SET_DUMPABLE, 1)  # as after execve: else /proc/self belongs to root
    program = base64.b64decode(plan["Filter"])
    filters = ctypes.create_string_buffer(program, len(program))
    order = struct.pack("@HP", len(program) // 8, ctypes.addressof(filters))
    mediated = plan["Mediated"]
    listener = call("load filter", SECCOMP, 1, 8 if mediated else 0, order)
    if mediated:
        socket.send_fds(sync, [b"N"], [listener] + [s.fileno() for s in relay])


def become_cell(sync):
    """Turn this process into a sandbox. Only descriptors 0 to 3 are left."""
    prctl("set parent death signal", SET_PDEATHSIG, 9)
    plan, fds = receive(sync)
    trees = arrange(plan, fds)
    os.umask(0o022)
    os.setsid()
    os.setresgid(INSIDE, INSIDE, INSIDE)
    os.setresuid(INSIDE, INSIDE, INSIDE)
    prctl("set parent death signal", SET_PDEATHSIG, 9)  # to become another user cleared it
    checked(libc.unshare(NEW_CGROUP), "unshare cgroup namespace")
    socket.sethostname(plan["Hostname"])
    raise_loopback()
    build_root(plan, trees)
    relay = open_resolver(plan)
    os.chdir(plan["Dir"])
    for limit in plan["Rlimits"]:
        resource.setrlimit(limit["Resource"], (limit["Value"], limit["Value"]))
    confine(plan, sync, relay)
    os.environ.clear()
    os.environ.update(entry.split("=", 1) for entry in plan["Env"])
    for used in relay:
        used.detach()
    sync.detach()
    call("close descriptors", CLOSE_RANGE, 4, 0x7FFFFFFF, 0)  # tells the server that all is well


def main(launcher):
    with open(launcher, "rb") as source:
        code = compile(source.read(), launcher, "exec")
    for name in PRELOADED:
        try:
            importlib.import_module(name)
        except ImportError:
            pass  # a part of the standard library that this host lacks
    tid = thread_id_address()
    control = socket.socket(fileno=CONTROL)
    gc.collect()
    gc.freeze()  # collecting would write to every page that is shared
    gc.disable()
    control.send(b"ready")
    sync = serve(control, tid)
    if sync is None:
        return None
    try:
        become_cell(sync)
    except BaseException as failure:
        try:
            sync.send(b"E" + repr(failure).encode())
        finally:
            os._exit(125)
    gc.enable()
    known_id = getattr(threading.main_thread(), "_set_native_id", None)
    if known_id:  # up to Python 3.11 it stays the zygote's
        known_id()
    sys.argv = [launcher]
    sys.modules["__main__"] = types.ModuleType("__main__")
    sys.modules["__main__"].__file__ = launcher
    return code


if __name__ == "__main__":
    CODE = main(sys.argv[1])
    if CODE:
        exec(CODE, sys.modules["__main__"].__dict__)
