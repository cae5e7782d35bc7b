package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// closeTimeout bounds cleaning up after a failed start.
const closeTimeout = 10 * time.Second

// Exit tells how a process ended.
type Exit struct {
	Code      int         // exit status, -1 if a signal ended it
	Signal    unix.Signal // 0 if it exited
	OOMKilled bool        // its tree met the memory limit
	MaxRSS    int64       // bytes that the first process had at most
}

// Process is one sandboxed process tree. Its owner calls Close.
type Process struct {
	host       *Host
	uid        uint32
	pid        int
	pidfd      *os.File
	group      *group
	supervisor *supervisor
	scratch    string // directory to remove, if any
	done       chan struct{}
	exit       Exit  // valid once done is closed
	waitErr    error // valid once done is closed

	mu     sync.Mutex
	closed bool // guarded by mu
}

// Pid is the process id on the host.
func (p *Process) Pid() int { return p.pid }

// Done is closed when the whole tree has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Ending reports whether the first process has ended, which is before Done.
func (p *Process) Ending() bool {
	if p.pidfd == nil {
		return true
	}
	raw, err := p.pidfd.SyscallConn()
	if err != nil {
		return true // closed
	}
	ended := false
	err = raw.Control(func(fd uintptr) {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(poll, 0)
		ended = err == nil && n > 0
	})
	return ended || err != nil
}

// Wait waits for the end of the tree or of ctx.
func (p *Process) Wait(ctx context.Context) (Exit, error) {
	select {
	case <-p.done:
		return p.exit, p.waitErr
	case <-ctx.Done():
		return Exit{}, ctx.Err()
	}
}

// wait records the end that the spawner reports. A spawner that died has
// taken the process with it, or the pidfd does.
func (p *Process) wait(l launched) {
	defer close(p.done)
	<-l.over
	e := *l.end
	if e.err != nil {
		p.exit = Exit{Code: -1, Signal: unix.SIGKILL}
		p.waitErr = errors.Join(e.err, p.signal(unix.SIGKILL))
		return
	}
	p.exit = Exit{Code: e.status.ExitStatus(), MaxRSS: e.maxRSS}
	if e.status.Signaled() {
		p.exit.Code, p.exit.Signal = -1, e.status.Signal()
	}
	kills, err := p.OOMKills()
	p.exit.OOMKilled, p.waitErr = kills > 0, err
}

// Kill ends the whole tree at once; Done tells when it has. Killing what has
// ended is not an error.
func (p *Process) Kill() error {
	select {
	case <-p.done:
		return nil
	default:
	}
	if p.pidfd == nil {
		return nil
	}
	_, err := p.group.kill()
	if !p.host.report.Tier.namespaced() {
		err = errors.Join(err, ignoreGone(unix.Kill(-p.pid, unix.SIGKILL)))
	}
	// The first process of a pid namespace takes all others with it.
	err = errors.Join(err, p.signal(unix.SIGKILL), p.group.thawV1())
	select {
	case <-p.done:
		return nil // it ended under our hands; what failed was pointless
	default:
	}
	if err != nil {
		return fmt.Errorf("kill sandbox: %w", err)
	}
	return nil
}

func (p *Process) signal(sig unix.Signal) error {
	raw, err := p.pidfd.SyscallConn()
	if err != nil {
		return err
	}
	var serr error
	err = raw.Control(func(fd uintptr) { serr = unix.PidfdSendSignal(int(fd), sig, nil, 0) })
	return errors.Join(err, ignoreGone(serr))
}

func ignoreGone(err error) error {
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}

// SetLimits changes the limits of the running tree; zero fields stay as they
// are. File limits cannot change. Lowering memory below what is in use and
// cannot be reclaimed is an error. Without cgroups only the first process is
// meant, and only root may raise a limit: start without one and set it later.
func (p *Process) SetLimits(l Limits) error {
	if err := p.group.limit(l); err != nil {
		return fmt.Errorf("change limits: %w", err)
	}
	return p.setRlimits(l)
}

// setRlimits changes the limits that stand in for missing cgroups, of the
// first process; later children inherit them.
func (p *Process) setRlimits(l Limits) error {
	for _, r := range p.host.rlimits(l) {
		if r.Resource != unix.RLIMIT_DATA && r.Resource != unix.RLIMIT_NPROC {
			continue
		}
		lim := &unix.Rlimit{Cur: r.Value, Max: r.Value}
		if err := unix.Prlimit(p.pid, r.Resource, lim, nil); err != nil {
			return fmt.Errorf("change resource limit: %w", err)
		}
	}
	return nil
}

// OOMKills counts the processes of the tree that the kernel has ended for the
// memory limit; 0 where there is no memory cgroup.
func (p *Process) OOMKills() (int64, error) {
	return p.group.counter("memory", "memory.oom_control", "memory.events", "oom_kill")
}

// Memory is the memory in use and its peak so far, in bytes. Where there is no
// memory cgroup it is what the processes have resident, pages that they share
// counted for each, and the peak is not known, 0.
func (p *Process) Memory() (current, peak int64, err error) {
	if _, ok := p.group.tree.find("memory"); !ok {
		return p.resident(), 0, nil
	}
	current, err = p.group.counter("memory", "memory.usage_in_bytes", "memory.current", "")
	if err != nil {
		return 0, 0, err
	}
	peak, err = p.group.counter("memory", "memory.max_usage_in_bytes", "memory.peak", "")
	return current, peak, err
}
