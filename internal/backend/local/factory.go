// Package local runs containers on this machine without Docker: sandboxed
// processes of the interpreters that the host has. It is a
// containerpool.Factory; what isolates a process is package sandbox, what
// speaks to it is package actionproxy, and what runs inside is package
// runtimes.
package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/sandbox"
	"github.com/gowhisk/gowhisk/runtimes"
)

// Options of a Factory.
type Options struct {
	Sandbox *sandbox.Host // required; its owner closes it after the pool

	// Hosts returns what the machine can run. It may block until that is
	// known.
	Hosts func(context.Context) ([]runtimes.Host, error)

	// Dir is the factory's own: launchers, unpacked code, one folder for
	// each container. It is emptied at the start.
	Dir string

	// Executable is this program, which runs again as the launcher of
	// compiled actions and scripts.
	Executable string

	// Blackbox permits actions that bring their own executable, and Images
	// names the images whose actions run without one, as the skeleton does.
	Blackbox bool
	Images   []string

	// Fork lets runtimes that can be forked from one that has started be.
	Fork bool

	CodeBytes int64 // of code that is kept for containers to come; 1 GiB if 0

	Logger *slog.Logger // required
}

// Where a container sees its parts.
const (
	actionDir   = "/action"
	launcherDir = "/opt/gowhisk/runtimes"
	selfPath    = "/opt/gowhisk/gowhisk"
)

// Limits of every container that no action sets. OpenWhisk 2.5.9.
const (
	maxPids  = 1024
	maxFiles = 1024
	tmpSize  = 64 * entity.MB // of /tmp, until the action's limits are known
)

// Factory makes containers of sandboxed processes.
type Factory struct {
	opt     Options
	library *library
	cells   string
	shared  string // a folder where sandboxes' users can go, in place of Options.Dir; or empty
	serial  atomic.Uint64
	zygotes zygotes

	mu    sync.Mutex
	known map[string]runtimes.Host // by kind; guarded by mu
}

var _ containerpool.Factory = (*Factory)(nil)

// New prepares opt.Dir: what a crashed server left there is removed.
func New(opt Options) (*Factory, error) {
	shared := ""
	if opt.Sandbox.SharesTree() && !open(opt.Dir) {
		var err error
		if shared, err = sharedDir(opt.Dir); err != nil {
			return nil, err
		}
		opt.Dir = shared
	}
	f := &Factory{
		opt: opt, cells: filepath.Join(opt.Dir, "cells"), library: &library{dir: filepath.Join(opt.Dir, "code"), limit: cmp.Or(opt.CodeBytes, libraryBytes)},
		known: map[string]runtimes.Host{}, shared: shared,
	}
	f.zygotes.factory, f.zygotes.byKind = f, map[string]*nest{}
	if err := removeTree(f.cells); err != nil {
		return nil, fmt.Errorf("remove what an earlier server left: %w", err)
	}
	for _, dir := range []string{f.cells, f.library.dir, f.launchers()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("prepare container directory: %w", err)
		}
	}
	if err := errors.Join(f.library.open(), f.trimBuildCache()); err != nil {
		return nil, err
	}
	if err := runtimes.WriteLaunchers(f.launchers()); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *Factory) launchers() string { return filepath.Join(f.opt.Dir, "runtimes") }

// removeTree removes dir also where its folders are read-only.
func removeTree(dir string) error {
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(name, 0o755)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, os.RemoveAll(dir))
}

// Create starts a sandboxed launcher of the kind and waits until it is ready
// for an action.
func (f *Factory) Create(ctx context.Context, spec containerpool.Spec) (containerpool.Container, error) {
	host, err := f.host(ctx, spec)
	if err != nil {
		return nil, err
	}
	c, err := f.begin(ctx, host, spec.Memory)
	if errors.Is(err, actionproxy.ErrExited) && ctx.Err() == nil {
		// Nothing of an action was in it, so it was ended from outside, and
		// whoever waits for it must not pay for that.
		c, err = f.begin(ctx, host, spec.Memory)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// begin makes one attempt to start a container.
func (f *Factory) begin(ctx context.Context, host runtimes.Host, memory int64) (*cell, error) {
	c := &cell{factory: f, host: host, id: fmt.Sprintf("%s-%d", host.Family.Name, f.serial.Add(1))}
	c.dir = filepath.Join(f.cells, c.id)
	if err := c.start(ctx, memory); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s container: %w", host.Kind, err), c.remove(context.WithoutCancel(ctx)))
	}
	return c, nil
}

// ready returns the host with its launcher compiled, if that is of use; it is
// done once for each kind, when the kind is first needed.
func (f *Factory) ready(ctx context.Context, h runtimes.Host) (runtimes.Host, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if known, ok := f.known[h.Kind]; ok {
		return known, nil
	}
	h, err := h.Precompile(ctx, f.launchers())
	if err != nil {
		return h, err
	}
	f.known[h.Kind] = h
	return h, nil
}

// host finds what runs the kind here, or says why nothing does.
func (f *Factory) host(ctx context.Context, spec containerpool.Spec) (runtimes.Host, error) {
	hosts, err := f.opt.Hosts(ctx)
	if err != nil {
		return runtimes.Host{}, fmt.Errorf("find runtimes: %w", err)
	}
	if spec.Kind == entity.KindBlackbox && (!f.opt.Blackbox || !f.runsImage(spec.Image)) {
		return runtimes.Host{}, &containerpool.Failure{
			Cause: containerpool.Refused, Code: fault.KindMissing,
			Message: fmt.Sprintf("Failed to pull container image '%s'.", spec.Image),
			Detail:  "this server runs containers without Docker: of images it knows " + fmt.Sprint(f.opt.Images),
		}
	}
	i := slices.IndexFunc(hosts, func(h runtimes.Host) bool { return h.Kind == spec.Kind })
	switch {
	case i < 0:
		return runtimes.Host{}, missing(spec.Kind, "it has no launcher for it", "wsk action update NAME --kind KIND # one that `gowhisk doctor` lists")
	case !hosts[i].Usable():
		return runtimes.Host{}, missing(spec.Kind, hosts[i].Missing, hosts[i].Hint)
	}
	return f.ready(ctx, hosts[i])
}

// runsImage reports whether an image is one that runs without Docker, with
// any tag.
func (f *Factory) runsImage(image string) bool {
	dir, name := path.Split(image)
	for i := range len(name) {
		if name[i] == ':' {
			name = name[:i]
			break
		}
	}
	return slices.Contains(f.opt.Images, dir+name)
}

func missing(kind, why, hint string) error {
	return entity.Errorf(entity.Internal, "The kind '%s' cannot run on this host: %s.", kind, why).
		WithCode(fault.KindMissing).Because(errors.New(hint))
}

// mounts are what a container sees of the host beside the base system.
type mounts struct{ action, launchers, self sandbox.Mount }

func (f *Factory) mounts(c *cell) mounts {
	return mounts{
		action:    sandbox.Mount{Source: c.code(), Target: actionDir},
		launchers: sandbox.Mount{Source: f.launchers(), Target: launcherDir},
		self:      sandbox.Mount{Source: f.opt.Executable, Target: selfPath},
	}
}

// spec is the sandbox of a launcher that will serve an action of memory MB, 0
// if that is not known yet.
func (f *Factory) spec(c *cell, memory int64) sandbox.Spec {
	see, m := f.opt.Sandbox.Path, f.mounts(c)
	s := sandbox.Spec{
		Env: append([]string{
			"PATH=" + path.Dir(c.host.Path) + ":/usr/local/bin:/usr/bin:/bin", "HOME=/tmp", "TMPDIR=/tmp",
		}, c.host.Environ()...),
		Dir: see(m.action), Hostname: "action", TmpSize: tmpSize, Mounts: []sandbox.Mount{m.action},
		// Memory is only ever lowered where there is no cgroup.
		Limits: sandbox.Limits{Memory: entity.DefaultLimitRange().MaxMemory * entity.MB, Pids: maxPids, Files: maxFiles},
	}
	if memory > 0 { // as for every action, but only root can still change it then
		s.TmpSize = memory * entity.MB / 2
	}
	for _, prefix := range c.host.Prefixes {
		s.Mounts = append(s.Mounts, sandbox.Mount{Source: prefix, Target: prefix})
	}
	if c.host.Family.Mode != runtimes.Interpreted {
		s.Path, s.Args = see(m.self), []string{launcherName, c.host.Family.Name}
		s.Mounts = append(s.Mounts, m.self)
		return s
	}
	argv := c.host.Argv(see(m.launchers))
	if memory == 0 {
		argv = append(argv, c.host.WaitArgs()...)
	}
	s.Path, s.Args = argv[0], argv
	s.Mounts = append(s.Mounts, m.launchers)
	switch c.host.Family.Name {
	case "nodejs": // what was built in for every action to require, such as `openwhisk`
		s.Env = append(s.Env, "NODE_PATH="+path.Join(see(m.launchers), "nodejs", "node_modules"))
	case "java": // a JVM does not see the limit of its sandbox and would not collect before it
		heap := max(memory, entity.DefaultLimits().Memory/2) * 3 / 4
		s.Args = append([]string{argv[0], fmt.Sprintf("-Xmx%dm", heap)}, argv[1:]...)
		if !f.countsMemory() {
			s.Limits.Memory += machineMemory
		}
	}
	return s
}
