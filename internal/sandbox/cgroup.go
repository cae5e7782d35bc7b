package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// hierarchy is one mounted cgroup tree and the owner's directory in it.
type hierarchy struct {
	dir         string   // the owner's directory: parent of every sandbox's
	v2          bool     //
	controllers []string // that work below dir; "freezer" and "kill" included
}

// cgroups is the set of hierarchies a host uses; empty where there are none.
type cgroups []hierarchy

// group is the cgroup of one sandbox: a directory per hierarchy.
type group struct {
	tree cgroups
	name string
}

// find returns the hierarchy with the controller.
func (c cgroups) find(controller string) (hierarchy, bool) {
	for _, h := range c {
		if slices.Contains(h.controllers, controller) {
			return h, true
		}
	}
	return hierarchy{}, false
}

// create makes the cgroup of one sandbox in every hierarchy.
func (c cgroups) create(name string) (*group, error) {
	g := &group{tree: c, name: name}
	for _, h := range c {
		if err := os.Mkdir(filepath.Join(h.dir, name), 0o755); err != nil {
			return nil, errors.Join(fmt.Errorf("create cgroup: %w", err), g.remove())
		}
	}
	return g, nil
}

// path is a file of the cgroup in the hierarchy with the controller.
func (g *group) path(controller, file string) (string, bool) {
	h, ok := g.tree.find(controller)
	if !ok {
		return "", false
	}
	return filepath.Join(h.dir, g.name, file), true
}

// attach moves a process into the cgroup. It must not have children yet.
func (g *group) attach(pid int) error {
	for _, h := range g.tree {
		name := filepath.Join(h.dir, g.name, "cgroup.procs")
		if err := writeFile(name, strconv.Itoa(pid)); err != nil {
			return fmt.Errorf("attach to cgroup: %w", err)
		}
	}
	return nil
}

// remove deletes the directories; fs.ErrNotExist is success.
func (g *group) remove() error {
	var errs []error
	for _, h := range g.tree {
		err := os.Remove(filepath.Join(h.dir, g.name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("remove cgroup: %w", err))
		}
	}
	return errors.Join(errs...)
}

// kill ends every process at once; false if the kernel offers no such file.
func (g *group) kill() (bool, error) {
	name, ok := g.path("kill", "cgroup.kill")
	if !ok {
		return false, nil
	}
	return true, writeFile(name, "1")
}

// counter reads one "key value" line of a cgroup file, 0 if there is none.
func (g *group) counter(controller, v1file, v2file, key string) (int64, error) {
	h, ok := g.tree.find(controller)
	if !ok {
		return 0, nil
	}
	file := v1file
	if h.v2 {
		file = v2file
	}
	body, err := os.ReadFile(filepath.Join(h.dir, g.name, file))
	if err != nil {
		return 0, fmt.Errorf("read cgroup: %w", err)
	}
	for line := range strings.Lines(string(body)) {
		k, v, found := strings.Cut(strings.TrimSpace(line), " ")
		if !found && key == "" {
			v, found = k, true
		} else if k != key {
			continue
		}
		if found {
			return strconv.ParseInt(v, 10, 64)
		}
	}
	return 0, nil
}

// writeFile writes to an existing control file, in one write as cgroups want.
func writeFile(name, value string) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	if err != nil {
		err = fmt.Errorf("write %q: %w", value, err)
	}
	return errors.Join(err, f.Close())
}
