package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/internal/sandbox"
	"github.com/gowhisk/gowhisk/runtimes"
)

// manyRuns is the concurrency of a launcher that sets no bound itself.
const manyRuns = 500

// machineMemory is what a JVM maps beside its heap, in bytes. Its heap has a
// limit of its own, and a limit of a process counts what is mapped, not used.
const machineMemory = 512 * entity.MB

// exitGrace is how long a runtime that closed its answers may take to end by
// itself before it is killed.
const exitGrace = 200 * time.Millisecond

// cell is one sandboxed launcher with the pipes to it.
type cell struct {
	factory *Factory
	host    runtimes.Host
	id      string
	dir     string // on the host: what the container owns there
	proc    *sandbox.Process
	pipes   *actionproxy.Process
	memory  int64 // bytes, of the action
	kills   int64 // for memory, so far; of a launcher that outlives its programs
}

var (
	_ containerpool.Container = (*cell)(nil)
	_ containerpool.Pauser    = (*cell)(nil)
	_ containerpool.Meter     = (*cell)(nil)
)

// ID names the container in logs.
func (c *cell) ID() string { return c.id }

// code is the folder that the container sees as /action.
func (c *cell) code() string { return filepath.Join(c.dir, "action") }

// start makes the folder, the pipes and the process and waits for its boot.
func (c *cell) start(ctx context.Context, memory int64) error {
	if err := os.MkdirAll(c.code(), 0o755); err != nil {
		return fmt.Errorf("make container directory: %w", err)
	}
	spec := c.factory.spec(c, memory)
	parent, err := openPipes(&spec)
	if err != nil {
		return err
	}
	c.proc, err = c.factory.zygotes.start(ctx, c, spec)
	closeFiles(spec.Files[:])
	if err != nil {
		closeFiles([]*os.File{parent.Stdin, parent.Answers, parent.Stdout, parent.Stderr})
		return err
	}
	opts := actionproxy.Options{ActionLoop: c.host.Family.Mode == runtimes.ActionLoop}
	if c.pipes, err = actionproxy.Attach(parent, c.proc.Done(), opts); err != nil {
		closeFiles([]*os.File{parent.Stdin, parent.Answers, parent.Stdout, parent.Stderr})
		return err
	}
	if err := c.pipes.Ready(ctx); err != nil {
		logs := strings.Join(c.pipes.TakeLogs().Lines, "\n")
		return fmt.Errorf("%w (%s; it printed: %.2000s)", err, c.exitDetail(ctx), logs)
	}
	return nil
}

// openPipes fills spec.Files and returns the other ends.
func openPipes(spec *sandbox.Spec) (actionproxy.Pipes, error) {
	var p actionproxy.Pipes
	parent := []**os.File{&p.Stdin, &p.Stdout, &p.Stderr, &p.Answers}
	for i, mine := range parent {
		r, w, err := os.Pipe()
		if err != nil {
			closeFiles(spec.Files[:])
			closeFiles([]*os.File{p.Stdin, p.Stdout, p.Stderr, p.Answers})
			return actionproxy.Pipes{}, fmt.Errorf("open pipe: %w", err)
		}
		if i == 0 {
			r, w = w, r
		}
		*mine, spec.Files[i] = r, w
		// Whoever opens /dev/stderr opens the pipe anew, as the sandbox's user.
		if err := w.Chmod(0o666); err != nil {
			closeFiles(spec.Files[:])
			closeFiles([]*os.File{p.Stdin, p.Stdout, p.Stderr, p.Answers})
			return actionproxy.Pipes{}, fmt.Errorf("open pipe to everyone inside: %w", err)
		}
	}
	return p, nil
}

// closeFiles closes ends of pipes, where closing can tell nothing.
func closeFiles(files []*os.File) {
	for _, f := range files {
		if f != nil {
			_ = f.Close()
		}
	}
}

// Init gives the container the limits and the code of the action.
func (c *cell) Init(ctx context.Context, a containerpool.Assignment) (containerpool.Answer, error) {
	limits := a.Action.Limits
	if err := c.limit(limits.Memory); err != nil {
		return containerpool.Answer{}, fmt.Errorf("set limits of container %s: %w", c.id, err)
	}
	logs := int(limits.Logs * entity.MB)
	if logs == 0 {
		logs = -1
	}
	c.pipes.Limit(actionproxy.Limits{Logs: logs})
	in, err := c.factory.prepare(ctx, c, a)
	if refused, ok := errors.AsType[*protocol.Failure](err); ok {
		body := refused.Answer().Body
		return containerpool.Answer{Status: refused.Status, Body: body, Length: int64(len(body))}, nil
	}
	if err != nil {
		return containerpool.Answer{}, err
	}
	ans, err := c.pipes.Init(ctx, in)
	if err != nil {
		return containerpool.Answer{}, c.failure(ctx, err)
	}
	return answer(ans), nil
}

// limit sets what the action may use; memory is in MB. Half of it may lie in
// /tmp, so that a full /tmp is an error that the action sees and not its end.
func (c *cell) limit(memory int64) error {
	c.memory = memory * entity.MB
	limit := c.memory
	if c.host.Family.Name == "java" && !c.factory.countsMemory() {
		limit += machineMemory
	}
	err := c.proc.SetLimits(sandbox.Limits{Memory: limit, CPUShares: cpuShares(memory)})
	if err != nil {
		return err
	}
	if err := c.proc.ResizeTmp(c.memory / 2); !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// cpuShares weighs a container by its memory, as OpenWhisk 2.5.10.
func cpuShares(memory int64) uint64 { return uint64(max(2, memory*1024/256)) }

// Run exchanges one line with the launcher.
func (c *cell) Run(ctx context.Context, req *protocol.RunRequest) (containerpool.Answer, error) {
	ans, err := c.pipes.Run(ctx, req)
	if err != nil {
		return containerpool.Answer{}, c.failure(ctx, err)
	}
	if c.programStarved(ans.Status) {
		return containerpool.Answer{}, &containerpool.Failure{Cause: containerpool.OutOfMemory, Detail: atMemoryLimit}
	}
	return answer(ans), nil
}

func answer(a actionproxy.Answer) containerpool.Answer {
	return containerpool.Answer{Status: a.Status, Body: a.Body, Length: int64(a.Length)}
}

// Logs returns what was printed since the last call.
func (c *cell) Logs(_ context.Context, id entity.ActivationID) containerpool.Logs {
	logs := c.pipes.TakeLogsOf(string(id))
	return containerpool.Logs{Lines: logs.Lines, Truncated: logs.Truncated}
}

// Concurrency is how many runs the launcher takes at once.
func (c *cell) Concurrency() int {
	if c.host.Family.Concurrent {
		return manyRuns
	}
	return 1
}

// Pause freezes every process of the container.
func (c *cell) Pause(ctx context.Context) error { return c.proc.Freeze(ctx) }

// Resume thaws them.
func (c *cell) Resume(ctx context.Context) error { return c.proc.Thaw(ctx) }

// MemoryUsage is what the container's cgroup counts, or its processes have.
func (c *cell) MemoryUsage() (int64, error) {
	current, _, err := c.proc.Memory()
	if err == nil && current == 0 {
		err = errors.New("no process is left")
	}
	return current, err
}

// Destroy kills the container's processes and removes its folder.
func (c *cell) Destroy(ctx context.Context, _ string) error { return c.remove(ctx) }

func (c *cell) remove(ctx context.Context) error {
	var errs []error
	if c.proc != nil {
		errs = append(errs, c.proc.Close(ctx))
	}
	if c.pipes != nil {
		errs = append(errs, c.pipes.Close())
	}
	return errors.Join(append(errs, removeTree(c.dir))...)
}
