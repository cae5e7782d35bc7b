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

// waiting is a launcher in its namespaces and cgroups that waits for a plan.
// One is kept in advance: its runtime has started and its network namespace
// exists, which is the larger part of what a start costs.
type waiting struct {
	launched
	uid   uint32
	sync  *net.UnixConn
	group *group
}

// take returns the spare launcher, or a fresh one.
func (h *Host) take() (*waiting, error) {
	h.mu.Lock()
	w := h.spare
	h.spare = nil
	h.mu.Unlock()
	if w == nil {
		return h.fork()
	}
	select {
	case <-w.over: // it went with its spawner
		if err := h.discard(w); err != nil {
			return nil, err
		}
		return h.fork()
	default:
		return w, nil
	}
}

// refillDelay is how long after a start the next spare launcher is made: about
// what an interpreter takes to start, which needs the processors itself.
const refillDelay = 25 * time.Millisecond

// refillSoon refills when what was started has probably started.
func (h *Host) refillSoon() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.soon {
		return
	}
	h.soon = true
	time.AfterFunc(refillDelay, func() {
		h.mu.Lock()
		h.soon = false
		h.mu.Unlock()
		h.refill()
	})
}

// refill makes a spare launcher in the background. One that cannot be made is
// missed by nobody: the next start makes its own, and tells why it cannot.
func (h *Host) refill() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || h.spare != nil {
		return
	}
	h.refills.Go(func() {
		w, err := h.fork()
		if err != nil {
			return
		}
		h.mu.Lock()
		if !h.closed && h.spare == nil {
			h.spare, w = w, nil
		}
		h.mu.Unlock()
		if w != nil {
			_ = h.discard(w) // nobody would hear of it
		}
	})
}

// fork has the spawner fork a launcher.
func (h *Host) fork() (*waiting, error) { return h.forkAs(spawnRequest{}) }

// forkAs completes the request and sends it, with the zygote's socket if one
// is to fork. A spawner that died is replaced.
func (h *Host) forkAs(r spawnRequest, zygote ...int) (*waiting, error) {
	s, err := h.liveSpawner()
	if err != nil {
		return nil, err
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("make sync socket: %w", err)
	}
	ours := os.NewFile(uintptr(pair[0]), "sync")
	conn, err := unixConn(ours)
	err = errors.Join(err, ours.Close())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make sync socket: %w", err), unix.Close(pair[1]))
	}
	w := &waiting{uid: uint32(os.Geteuid()), sync: conn}
	r.Namespaced, r.UID, r.GID = h.report.Tier.namespaced(), os.Geteuid(), os.Getegid()
	r.SwitchUser = h.root && h.report.Tier != TierNone
	if r.SwitchUser {
		w.uid = h.takeUID()
		r.UID, r.GID = int(w.uid), int(w.uid)
	}
	w.launched = s.start(r, append([]int{pair[1]}, zygote...))
	// Our copy must go, or the launcher's end would not be seen.
	err = errors.Join(w.err, unix.Close(pair[1]))
	if err == nil {
		err = h.enclose(w)
	}
	if err != nil {
		return nil, errors.Join(err, h.discard(w))
	}
	return w, nil
}

// enclose puts a launcher, which has no children yet, into cgroups of its own.
func (h *Host) enclose(w *waiting) (err error) {
	if w.group, err = h.tree.create(h.name + "-" + strconv.FormatUint(h.seq.Add(1), 10)); err != nil {
		return err
	}
	return w.group.attach(w.pid)
}

// discard gives a launcher up: without a plan it ends with its socket.
func (h *Host) discard(w *waiting) error {
	err := w.sync.Close()
	if w.pidfd != nil {
		<-w.over
		err = errors.Join(err, w.pidfd.Close())
	}
	if w.group != nil {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		err = errors.Join(err, w.group.removeSoon(ctx))
	}
	h.putUID(w.uid)
	return err
}

func (h *Host) liveSpawner() (*spawner, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-h.spawn.over:
	default:
		return h.spawn, nil
	}
	if h.closed {
		return nil, errSpawnerGone
	}
	fresh, err := newSpawner()
	if err != nil {
		return nil, errors.Join(errSpawnerGone, err)
	}
	h.spawn = fresh
	return fresh, nil
}
