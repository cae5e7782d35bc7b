package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// CleanUp kills and removes what a crashed server of the same owner left. The
// processes have died with their server; their cgroups have not. Call it while
// no other server of this owner runs.
func CleanUp(ctx context.Context, owner string) error {
	if !validOwner(owner) {
		return fmt.Errorf("owner %q is not a plain name", owner)
	}
	tree, _ := findCgroups(owner)
	var errs []error
	for _, h := range tree {
		entries, err := os.ReadDir(h.dir)
		if err != nil {
			errs = append(errs, fmt.Errorf("list cgroups: %w", err))
			continue
		}
		for _, e := range entries {
			if e.IsDir() {
				g := &group{tree: cgroups{h}, name: e.Name()}
				errs = append(errs, g.clear(ctx))
			}
		}
	}
	return errors.Join(append(errs, tree.removeOwner())...)
}

// clear kills every member of the cgroup and removes it.
func (g *group) clear(ctx context.Context) error {
	if _, err := g.kill(); err != nil {
		return fmt.Errorf("kill cgroup %s: %w", g.name, err)
	}
	for _, h := range g.tree {
		body, err := os.ReadFile(filepath.Join(h.dir, g.name, "cgroup.procs"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("list members: %w", err)
		}
		for _, line := range strings.Fields(string(body)) {
			pid, err := strconv.Atoi(line)
			if err != nil {
				return fmt.Errorf("list members: %w", err)
			}
			if err := ignoreGone(unix.Kill(pid, unix.SIGKILL)); err != nil {
				return fmt.Errorf("kill %d: %w", pid, err)
			}
		}
	}
	if err := g.thawV1(); err != nil {
		return fmt.Errorf("thaw cgroup %s: %w", g.name, err)
	}
	return g.removeSoon(ctx)
}

// removeOwner removes the owner's directories if nothing is left in them.
func (c cgroups) removeOwner() error {
	var errs []error
	for _, h := range c {
		err := os.Remove(h.dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.EBUSY) {
			errs = append(errs, fmt.Errorf("remove cgroup: %w", err))
		}
	}
	return errors.Join(errs...)
}
