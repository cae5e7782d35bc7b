package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// startTimeout bounds a start whose context has no deadline.
const startTimeout = 30 * time.Second

// Start launches the process and returns once the target is executing. If ctx
// ends or a step fails, nothing is left behind. ctx does not bound the
// process's life.
func (h *Host) Start(ctx context.Context, s Spec) (*Process, error) {
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("sandbox specification: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l, err := h.prepare(&s)
	if err != nil {
		return nil, fmt.Errorf("start sandbox: %w", err)
	}
	p, err := l.run(ctx)
	err = errors.Join(err, l.closeFiles())
	if err == nil {
		return p, nil
	}
	if p != nil {
		// The caller's context may be what ended; cleaning up has its own.
		cctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		err = errors.Join(err, p.Close(cctx))
	}
	return nil, fmt.Errorf("start sandbox: %w", err)
}

// launching is a start in progress and the descriptors it holds.
type launching struct {
	host   *Host
	plan   *plan
	files  []uintptr // of the child
	held   []int     // to close in any case
	parent *net.UnixConn
	spec   *Spec
}

// prepare opens everything the child gets.
func (h *Host) prepare(s *Spec) (*launching, error) {
	l := &launching{host: h, spec: s, plan: h.newPlan(s)}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("make sync socket: %w", err)
	}
	l.held = append(l.held, pair[1])
	ours := os.NewFile(uintptr(pair[0]), "sync")
	conn, err := net.FileConn(ours)
	err = errors.Join(err, ours.Close(), unix.SetNonblock(pair[1], false))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make sync socket: %w", err), l.closeFiles())
	}
	l.parent = conn.(*net.UnixConn)
	for _, f := range s.Files {
		fd := ^uintptr(0)
		if f != nil {
			fd = f.Fd()
		}
		l.files = append(l.files, fd)
	}
	l.files = append(l.files, uintptr(pair[1]))
	if err := l.addMounts(); err != nil {
		return nil, errors.Join(err, l.closeFiles())
	}
	return l, nil
}

// addMounts opens the specification's mounts. Root takes detached copies
// here, because the sandbox's user may be unable to reach the source; anyone
// else is the sandbox's user, and the launcher reaches what we reach.
func (l *launching) addMounts() error {
	for _, m := range l.spec.Mounts {
		if !l.host.report.Tier.namespaced() {
			m.Target = m.Source
		}
		pm := planMount{Source: m.Source, Target: m.Target, Writable: m.Writable}
		if l.host.report.Tier.namespaced() && l.host.root {
			fd, err := cloneTree(m.Source, m.Writable, false)
			if err != nil {
				return err
			}
			l.held = append(l.held, fd)
			pm.FD = len(l.files)
			l.files = append(l.files, uintptr(fd))
		}
		l.plan.Mounts = append(l.plan.Mounts, pm)
	}
	return nil
}

func (l *launching) closeFiles() error {
	var errs []error
	for _, fd := range l.held {
		errs = append(errs, unix.Close(fd))
	}
	l.held = nil
	if l.parent != nil {
		errs = append(errs, l.parent.Close())
	}
	return errors.Join(errs...)
}

// run forks, limits, attaches, releases and hears out the launcher. The
// Process is returned with an error too, so that it can be cleaned up.
func (l *launching) run(ctx context.Context) (*Process, error) {
	h := l.host
	p := &Process{host: h, uid: uint32(os.Geteuid()), done: make(chan struct{})}
	if h.root {
		p.uid = h.takeUID()
	}
	if err := h.track(p); err != nil {
		close(p.done)
		return p, err
	}
	name := h.name + "-" + strconv.FormatUint(h.seq.Add(1), 10)
	err := func() (err error) {
		if h.report.Tier == TierLandlock {
			if p.scratch, err = l.openHostView(p.uid); err != nil {
				return err
			}
		}
		if p.group, err = h.tree.create(name); err != nil {
			return err
		}
		if err = p.group.limit(l.spec.Limits); err != nil {
			return err
		}
		return nil
	}()
	if err != nil {
		close(p.done)
		return p, err
	}
	child := h.fork(l.files, p.uid)
	if child.err != nil {
		close(p.done)
		return p, child.err
	}
	p.pid, p.pidfd = child.pid, child.pidfd
	// Our copy must go, or the end of the launcher would not be seen.
	if err := unix.Close(l.held[0]); err != nil {
		return p, fmt.Errorf("close sync socket: %w", err)
	}
	l.held = l.held[1:]
	go p.wait(child.exit)
	return p, l.release(ctx, p)
}
