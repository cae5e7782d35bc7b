package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// forkTimeout bounds how long a zygote may take to fork; other starts wait
// for it. One that takes longer is given up.
const forkTimeout = 2 * time.Second

// Zygote is an interpreter that has started and imported what its programs
// need, and forks itself into sandboxes. It runs no code of a user, in a user
// and mount namespace of its own without rights on the host. Sandboxes that
// it forked do not depend on it: the spawner is their parent, too.
type Zygote struct {
	host    *Host
	proc    *Process
	mounts  []Mount
	places  Places
	control *os.File // the spawner speaks to the zygote through it
	forks   atomic.Int64
}

// CanFork reports whether zygotes work here, as far as one can tell before.
func (h *Host) CanFork() bool { return h.report.CanFork() }

// CanFork is Host.CanFork for a host that is made from the report.
func (r Report) CanFork() bool { return r.Tier.namespaced() }

// Places are where the mounts that are a fork's own come from and go to.
type Places struct {
	Targets []string // folders inside, made in advance
	Sources string   // the host's folder below which all sources are
}

// StartZygote starts s, which runs runtimes/python/zygote.py, and waits until
// it is ready to fork. s.Mounts are for all forks. The caller closes it.
func (h *Host) StartZygote(ctx context.Context, s Spec, places Places) (*Zygote, error) {
	if !h.CanFork() {
		return nil, fmt.Errorf("start zygote: %w", errors.ErrUnsupported)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("make zygote socket: %w", err)
	}
	z := &Zygote{host: h, mounts: s.Mounts, places: places, control: os.NewFile(uintptr(pair[0]), "zygote")}
	theirs := os.NewFile(uintptr(pair[1]), "zygote")
	r, w, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make zygote pipe: %w", err), z.control.Close(), theirs.Close())
	}
	defer r.Close()
	// Pipes, as its forks will have: it remembers what its files can do.
	s.Files = [4]*os.File{r, w, w, theirs}
	z.proc, err = h.startWith(ctx, s, h.forkZygote, func(p *plan) {
		p.Zygote, p.Own, p.Mediated, p.Filter, p.Landlock = true, places.Targets, false, nil, 0
		if !h.root {
			p.Sources = places.Sources
		}
	})
	err = errors.Join(err, theirs.Close(), w.Close())
	if err == nil {
		err = z.awaitReady(ctx)
	}
	if err == nil {
		return z, nil
	}
	err = errors.Join(fmt.Errorf("start zygote: %w", err), z.Close(context.WithoutCancel(ctx)))
	if printed, rerr := io.ReadAll(io.LimitReader(r, 4096)); rerr == nil && len(printed) > 0 {
		err = fmt.Errorf("%w; it printed: %s", err, printed)
	}
	return nil, err
}

// awaitReady reads the one message that the zygote sends unasked.
func (z *Zygote) awaitReady(ctx context.Context) error {
	own, err := unix.Dup(int(z.control.Fd()))
	if err != nil {
		return fmt.Errorf("hear zygote: %w", err)
	}
	f := os.NewFile(uintptr(own), "zygote")
	conn, err := net.FileConn(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("hear zygote: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	buf := make([]byte, 16)
	n, err := conn.Read(buf)
	if n == 0 {
		err = errors.Join(errors.New("zygote ended at its start"), err)
	}
	// The duplicate made the socket non-blocking, which the spawner's is not to be.
	err = errors.Join(err, ctx.Err(), unix.SetNonblock(int(z.control.Fd()), false))
	limit := unix.NsecToTimeval(int64(forkTimeout))
	err = errors.Join(err, unix.SetsockoptTimeval(int(z.control.Fd()), unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit))
	if cerr := conn.Close(); err == nil && cerr != nil {
		err = cerr
	}
	return err
}

// Start is Host.Start by a fork: it is as isolated as any other, and what
// runs is the zygote's program instead of s.Path and s.Args. An error leaves
// nothing behind, and s can be started the ordinary way.
func (z *Zygote) Start(ctx context.Context, s Spec) (*Process, error) {
	s.Mounts = slices.DeleteFunc(slices.Clone(s.Mounts), func(m Mount) bool { return slices.Contains(z.mounts, m) })
	for _, m := range s.Mounts {
		below, err := filepath.Rel(z.places.Sources, m.Source)
		if err != nil || !filepath.IsLocal(below) || m.Writable {
			return nil, fmt.Errorf("mount %s in a fork: %w", m.Source, errors.ErrUnsupported)
		}
	}
	p, err := z.host.startWith(ctx, s, z.fork, func(p *plan) {
		p.Links, p.Files = nil, nil
		p.Mounts = p.Mounts[len(z.host.base.mounts):]
		p.Cell = newCellPlan(p, z.places.Sources)
	})
	if err == nil {
		z.forks.Add(1)
	}
	return p, err
}

// Forks counts the sandboxes started.
func (z *Zygote) Forks() int64 { return z.forks.Load() }

// Done is closed when the zygote has ended.
func (z *Zygote) Done() <-chan struct{} { return z.proc.Done() }

// Pid is the zygote's process id on the host.
func (z *Zygote) Pid() int { return z.proc.Pid() }

// Close ends the zygote. What it forked goes on.
func (z *Zygote) Close(ctx context.Context) error {
	err := z.control.Close()
	if z.proc != nil {
		err = errors.Join(err, z.proc.Close(ctx))
	}
	return err
}

// forkZygote has the spawner fork the launcher of a zygote.
func (h *Host) forkZygote() (*waiting, error) {
	return h.forkAs(spawnRequest{Zygote: true, First: uidBase(h.opts.Owner)})
}

// fork has the zygote fork, by way of the spawner.
func (z *Zygote) fork() (w *waiting, err error) {
	select {
	case <-z.Done():
		return nil, errors.New("zygote has ended")
	default:
	}
	raw, err := z.control.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("reach zygote: %w", err)
	}
	// Close waits for Control, so the number stays this socket's.
	cerr := raw.Control(func(fd uintptr) { w, err = z.host.forkAs(spawnRequest{Fork: true}, int(fd)) })
	return w, errors.Join(err, cerr)
}
