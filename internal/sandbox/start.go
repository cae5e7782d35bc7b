package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// startTimeout bounds a start whose context has no deadline.
const startTimeout = 30 * time.Second

// Start launches the process and returns once the target is executing. If ctx
// ends or a step fails, nothing is left behind. ctx does not bound the
// process's life.
func (h *Host) Start(ctx context.Context, s Spec) (*Process, error) {
	p, err := h.startWith(ctx, s, h.take, func(*plan) {})
	if err == nil {
		h.refillSoon()
	}
	return p, err
}

// startWith gives a waiting process of take's the plan for s, after change.
func (h *Host) startWith(ctx context.Context, s Spec, take func() (*waiting, error), change func(*plan)) (*Process, error) {
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
	change(l.plan)
	p, err := l.run(ctx, take)
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
	rights []int // to pass: the target's files, then mounts
	mounts []int // to close in any case
	spec   *Spec
	parent *net.UnixConn
}

// prepare opens everything the child gets.
func (h *Host) prepare(s *Spec) (*launching, error) {
	l := &launching{host: h, spec: s, plan: h.newPlan(s)}
	for i, f := range s.Files {
		if f != nil {
			l.plan.Open[i] = true
			l.rights = append(l.rights, int(f.Fd()))
		}
	}
	if err := l.addMounts(); err != nil {
		return nil, errors.Join(err, l.closeFiles())
	}
	if len(l.rights) > maxRights {
		return nil, errors.Join(fmt.Errorf("%d mounts are too many", len(l.mounts)), l.closeFiles())
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
			l.mounts = append(l.mounts, fd)
			l.rights = append(l.rights, fd)
			pm.Passed = true
		}
		l.plan.Mounts = append(l.plan.Mounts, pm)
	}
	return nil
}

func (l *launching) closeFiles() error {
	var errs []error
	for _, fd := range l.mounts {
		errs = append(errs, unix.Close(fd))
	}
	if l.parent != nil {
		errs = append(errs, l.parent.Close())
	}
	return errors.Join(errs...)
}

// run takes a launcher, limits, attaches, releases and hears it out. The
// Process is returned with an error too, so that it can be cleaned up.
func (l *launching) run(ctx context.Context, take func() (*waiting, error)) (*Process, error) {
	h := l.host
	w, err := take()
	if err != nil {
		return nil, err
	}
	l.parent = w.sync
	p := &Process{host: h, uid: w.uid, pid: w.pid, pidfd: w.pidfd, group: w.group, done: make(chan struct{})}
	go p.wait(w.launched)
	if err := h.track(p); err != nil {
		return p, err
	}
	if h.report.Tier == TierLandlock {
		if p.scratch, err = l.openHostView(p.uid); err != nil {
			return p, err
		}
	}
	return p, l.release(ctx, p)
}
