package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Close kills the tree, waits for its end and gives everything back. When it
// fails because ctx ended it can be called again.
func (p *Process) Close(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	err := p.Kill()
	select {
	case <-p.done:
	case <-ctx.Done():
		return errors.Join(err, fmt.Errorf("close sandbox: %w", ctx.Err()))
	}
	p.closed = true
	if p.supervisor != nil {
		err = errors.Join(err, p.supervisor.close())
	}
	if p.pidfd != nil {
		err = errors.Join(err, p.pidfd.Close())
	}
	if p.group != nil {
		err = errors.Join(err, p.group.removeSoon(ctx))
	}
	if p.scratch != "" {
		err = errors.Join(err, os.RemoveAll(p.scratch))
	}
	p.host.putUID(p.uid)
	p.host.untrack(p)
	if err != nil {
		return fmt.Errorf("close sandbox: %w", err)
	}
	return nil
}

// removeSoon removes the cgroup. Right after the last process has been reaped
// the kernel may still count it; no event tells when it stops on v1, so this
// asks again at growing intervals until ctx ends.
func (g *group) removeSoon(ctx context.Context) error {
	for wait := time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		err := g.remove()
		if !errors.Is(err, unix.EBUSY) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(wait):
		}
	}
}
