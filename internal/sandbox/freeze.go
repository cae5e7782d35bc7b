package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Freeze stops every process of the tree and returns when all stand still.
func (p *Process) Freeze(ctx context.Context) error {
	err := p.setFrozen(ctx, true)
	if err != nil {
		return fmt.Errorf("freeze sandbox: %w", err)
	}
	return nil
}

// Thaw lets a frozen tree run again.
func (p *Process) Thaw(ctx context.Context) error {
	if err := p.setFrozen(ctx, false); err != nil {
		return fmt.Errorf("thaw sandbox: %w", err)
	}
	return nil
}

func (p *Process) setFrozen(ctx context.Context, frozen bool) error {
	select {
	case <-p.done:
		return errors.New("its processes have ended")
	default:
	}
	h, ok := p.group.tree.find("freezer")
	if !ok {
		return p.signalTree(frozen)
	}
	dir := filepath.Join(h.dir, p.group.name)
	if !h.v2 {
		return setFreezerState(ctx, dir, frozen)
	}
	value := "0"
	if frozen {
		value = "1"
	}
	if err := writeFile(filepath.Join(dir, "cgroup.freeze"), value); err != nil {
		return err
	}
	if !frozen {
		return nil // a process runs as soon as it is scheduled
	}
	return awaitFrozen(ctx, filepath.Join(dir, "cgroup.events"))
}

// awaitFrozen waits for the kernel's event that all processes stopped.
func awaitFrozen(ctx context.Context, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	buf := make([]byte, 256)
	for ctx.Err() == nil {
		n, err := f.ReadAt(buf, 0)
		if n == 0 {
			return fmt.Errorf("read cgroup events: %w", err)
		}
		if strings.Contains(string(buf[:n]), "frozen 1") {
			return nil
		}
		poll := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLPRI}}
		if _, err := unix.Poll(poll, 50); err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("wait for cgroup event: %w", err)
		}
	}
	return ctx.Err()
}

// setFreezerState drives the v1 freezer, which has no event: FROZEN has to be
// written again until a tree that keeps forking is caught whole.
func setFreezerState(ctx context.Context, dir string, frozen bool) error {
	name, want := filepath.Join(dir, "freezer.state"), "THAWED"
	if frozen {
		want = "FROZEN"
	}
	for wait := 50 * time.Microsecond; ; wait = min(2*wait, 10*time.Millisecond) {
		if err := writeFile(name, want); err != nil {
			return err
		}
		state, err := os.ReadFile(name)
		if err != nil || strings.TrimSpace(string(state)) == want {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// thawV1 lets killed processes die: the v1 freezer holds even SIGKILL back.
func (g *group) thawV1() error {
	h, ok := g.tree.find("freezer")
	if !ok || h.v2 {
		return nil
	}
	return writeFile(filepath.Join(h.dir, g.name, "freezer.state"), "THAWED")
}

// signalTree stops or continues every process, parents first, until a pass
// finds no process that it has not signalled.
func (p *Process) signalTree(stop bool) error {
	sig := unix.SIGCONT
	if stop {
		sig = unix.SIGSTOP
	}
	seen := map[int]bool{}
	for {
		fresh := slices.DeleteFunc(descendants(p.pid), func(pid int) bool { return seen[pid] })
		if len(fresh) == 0 {
			return nil
		}
		for _, pid := range fresh {
			seen[pid] = true
			if err := ignoreGone(unix.Kill(pid, sig)); err != nil {
				return err
			}
		}
	}
}

// descendants lists pid and everything below it; orphans inside a pid
// namespace belong to its first process, so none is missed.
func descendants(pid int) []int {
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		tasks, err := filepath.Glob("/proc/" + strconv.Itoa(all[i]) + "/task/*/children")
		if err != nil {
			continue // the pattern is constant in form
		}
		for _, t := range tasks {
			body, err := os.ReadFile(t)
			if err != nil {
				continue // ended meanwhile
			}
			for _, f := range strings.Fields(string(body)) {
				if child, err := strconv.Atoi(f); err == nil {
					all = append(all, child)
				}
			}
		}
	}
	return all
}
