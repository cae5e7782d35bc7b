package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// release limits the waiting launcher, sends it the plan and listens until it
// has become the target.
func (l *launching) release(ctx context.Context, p *Process) error {
	stop := context.AfterFunc(ctx, func() {
		// A deadline in the past ends every read and write.
		if err := l.parent.SetDeadline(time.Unix(1, 0)); err != nil {
			_ = p.Kill() // the caller closes it, and hears then
		}
	})
	defer stop()
	if err := p.group.limit(l.spec.Limits); err != nil {
		return err
	}
	if err := writePlan(l.parent, l.plan, l.rights); err != nil {
		return errors.Join(err, ctx.Err())
	}
	err := l.listen(p)
	if ctx.Err() != nil {
		return fmt.Errorf("wait for launcher: %w", ctx.Err())
	}
	return err
}

// listen reads the launcher's messages until execve closes its end.
func (l *launching) listen(p *Process) error {
	var text strings.Builder
	ready := !l.plan.Mediated
	buf, oob := make([]byte, 4096), make([]byte, 256)
	for {
		n, oobn, _, _, err := l.parent.ReadMsgUnix(buf, oob)
		if oobn > 0 {
			fds, err := receivedFDs(oob[:oobn])
			if err != nil {
				return err
			}
			if p.supervisor, err = supervise(l.host, fds); err != nil {
				return err
			}
			ready = true
			n = 0
		}
		text.Write(buf[:max(n, 0)])
		if errors.Is(err, io.EOF) || err == nil && n == 0 && oobn == 0 {
			break
		}
		if err != nil {
			return fmt.Errorf("hear launcher: %w", err)
		}
	}
	if msg, failed := strings.CutPrefix(text.String(), string(msgError)); failed {
		return errors.New(msg)
	}
	if !ready {
		return errors.New("launcher ended during set-up")
	}
	return nil
}

func receivedFDs(oob []byte) ([]int, error) {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, fmt.Errorf("parse control message: %w", err)
	}
	var fds []int
	for i := range msgs {
		got, err := unix.ParseUnixRights(&msgs[i])
		if err != nil {
			return nil, fmt.Errorf("parse descriptors: %w", err)
		}
		fds = append(fds, got...)
	}
	return fds, nil
}

// newPlan is the launcher's order for s, without the mounts of s.
func (h *Host) newPlan(s *Spec) *plan {
	p := &plan{
		Namespaced: h.report.Tier.namespaced(),
		Path:       s.Path, Args: s.Args, Env: s.Env, Dir: s.Dir,
		Hostname: s.Hostname, TmpSize: s.TmpSize,
		Filter: h.filter, Mediated: h.mediated(),
	}
	if h.report.Tier != TierNone {
		p.Landlock = min(h.report.Landlock, 6)
	}
	if p.Namespaced {
		p.Mounts = append(p.Mounts, h.base.mounts...)
		p.Links, p.Files = h.base.links, h.base.files
	}
	if p.Dir == "" {
		p.Dir = "/tmp"
	}
	if p.Hostname == "" {
		p.Hostname = "sandbox"
	}
	if p.TmpSize == 0 {
		p.TmpSize = defaultTmpSize
	}
	p.Rlimits = h.rlimits(s.Limits)
	return p
}

// rlimits bound what no cgroup does, and each process on its own.
func (h *Host) rlimits(l Limits) []planRlimit {
	files := l.Files
	if files == 0 {
		files = 1024
	}
	out := []planRlimit{{unix.RLIMIT_NOFILE, files}, {unix.RLIMIT_CORE, 0}, {unix.RLIMIT_MEMLOCK, 64 << 10}}
	if l.FileSize > 0 {
		out = append(out, planRlimit{unix.RLIMIT_FSIZE, l.FileSize})
	}
	if _, ok := h.tree.find("memory"); !ok && l.Memory > 0 {
		out = append(out, planRlimit{unix.RLIMIT_DATA, uint64(l.Memory)})
	}
	if _, ok := h.tree.find("pids"); !ok && l.Pids > 0 {
		out = append(out, planRlimit{unix.RLIMIT_NPROC, uint64(l.Pids)})
	}
	return out
}
