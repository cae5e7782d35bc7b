package sandbox

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The part of linux/seccomp.h that the supervisor speaks.
const (
	ioctlNotifIDValid = 0x40082102
	ioctlNotifAddFD   = 0x40182103
)

// notification is struct seccomp_notif.
type notification struct {
	ID    uint64
	Pid   uint32 // thread id as we see it
	Flags uint32
	Nr    int32
	Arch  uint32
	IP    uint64
	Args  [6]uint64
}

// notifResponse is struct seccomp_notif_resp.
type notifResponse struct {
	ID    uint64
	Val   int64
	Error int32 // negated errno
	Flags uint32
}

// notifAddFD is struct seccomp_notif_addfd.
type notifAddFD struct {
	ID         uint64
	Flags      uint32
	SrcFD      uint32
	NewFD      uint32
	NewFDFlags uint32
}

// listener is the seccomp listener of one sandbox.
type listener struct{ file *os.File }

// receive waits in the poller for the next notification; false at the end of
// the sandbox.
func (l listener) receive(n *notification) (bool, error) {
	raw, err := l.file.SyscallConn()
	if err != nil {
		return false, err
	}
	var got bool
	var rerr error
	err = raw.Read(func(fd uintptr) bool {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if _, rerr = unix.Poll(poll, 0); rerr != nil {
			return !errors.Is(rerr, unix.EINTR)
		}
		switch {
		case poll[0].Revents&unix.POLLIN != 0:
			*n = notification{} // the kernel insists on zeros
			rerr = ioctl(int(fd), unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(n))
			got = rerr == nil
			return true
		case poll[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0:
			return true
		}
		return false
	})
	if errors.Is(rerr, unix.ENOENT) || errors.Is(rerr, unix.EINTR) {
		return true, nil // the caller went away meanwhile: n.ID is 0
	}
	if err = errors.Join(err, rerr); err != nil {
		return false, fmt.Errorf("receive notification: %w", err)
	}
	return got, nil
}

// valid reports whether the thread still waits for the answer; what was read
// from its memory before is then known to be its own.
func (l listener) valid(id uint64) bool {
	return l.control(ioctlNotifIDValid, unsafe.Pointer(&id)) == nil
}

// answer ends the system call with errno, 0 for success. The thread may be
// gone, which is its own affair.
func (l listener) answer(id uint64, errno unix.Errno) {
	r := notifResponse{ID: id, Error: -int32(errno)}
	_ = l.control(unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&r))
}

// proceed lets the kernel run the system call as it stands.
func (l listener) proceed(id uint64) {
	r := notifResponse{ID: id, Flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
	_ = l.control(unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&r))
}

// replace puts our descriptor src in the place of the caller's fd.
func (l listener) replace(id uint64, src, fd int, cloexec bool) error {
	a := notifAddFD{ID: id, Flags: unix.SECCOMP_ADDFD_FLAG_SETFD, SrcFD: uint32(src), NewFD: uint32(fd)}
	if cloexec {
		a.NewFDFlags = unix.O_CLOEXEC
	}
	return l.control(ioctlNotifAddFD, unsafe.Pointer(&a))
}

func (l listener) control(req uint, arg unsafe.Pointer) error {
	raw, err := l.file.SyscallConn()
	if err != nil {
		return err
	}
	var ierr error
	err = raw.Control(func(fd uintptr) { ierr = ioctl(int(fd), req, arg) })
	return errors.Join(err, ierr)
}

// ioctl passes the kernel's result on. NOTIF_ADDFD returns a descriptor number.
func ioctl(fd int, req uint, arg unsafe.Pointer) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(req), uintptr(arg))
	if errno != 0 {
		return errno
	}
	return nil
}
