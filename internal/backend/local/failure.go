package local

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/internal/sandbox"
	"github.com/gowhisk/gowhisk/runtimes"
)

// failure names what became of the launcher. A runtime that is out of step
// with its answers counts as one that exited: it cannot be used any more, and
// the action did it.
func (c *cell) failure(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(err, actionproxy.ErrExited) {
		return err
	}
	switch {
	case errors.Is(err, actionproxy.ErrOutOfStep):
		return &containerpool.Failure{Cause: containerpool.Exited, Detail: "it wrote what is no answer to its answer pipe"}
	case !errors.Is(err, actionproxy.ErrExited):
		return err
	}
	exit, ended := c.awaitExit(ctx)
	cause := containerpool.Exited
	if ended && c.ranOutOfMemory(exit) {
		cause = containerpool.OutOfMemory
	}
	return &containerpool.Failure{Cause: cause, Detail: describe(exit, ended), Unread: errors.Is(err, actionproxy.ErrUnread)}
}

// awaitExit waits for the end of a runtime that gave no answer; one that goes
// on without its answer pipe is killed.
func (c *cell) awaitExit(ctx context.Context) (exit sandbox.Exit, ended bool) {
	cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	grace, stop := context.WithTimeout(cleanup, exitGrace)
	defer stop()
	if exit, err := c.proc.Wait(grace); err == nil {
		return exit, true
	}
	if c.proc.Ending() { // the news of it are late, on a busy host
		exit, err := c.proc.Wait(cleanup)
		return exit, err == nil
	}
	if err := c.proc.Kill(); err != nil {
		return exit, false
	}
	killed, err := c.proc.Wait(cleanup)
	return sandbox.Exit{OOMKilled: killed.OOMKilled}, err == nil && killed.OOMKilled
}

// programStarved reports whether the kernel has ended a program that the
// launcher ran for the activation just answered. The count is kept also where
// the activation succeeded nonetheless, or a later failure would be laid to it.
func (c *cell) programStarved(status int) bool {
	if c.host.Family.Mode != runtimes.PerRun {
		return false
	}
	kills, err := c.proc.OOMKills()
	if err != nil {
		return false // the answer says what is known
	}
	before := c.kills
	c.kills = kills
	return status != http.StatusOK && kills > before
}

// ranOutOfMemory asks the kernel's counter. Where no cgroup counts, a runtime
// that ended by a signal close to its limit is taken to have hit it: that is
// how V8 and the C library end when memory is refused. A launcher that was
// refused memory exits with a code of its own.
func (c *cell) ranOutOfMemory(exit sandbox.Exit) bool {
	if exit.OOMKilled {
		return true
	}
	refused := exit.Signal != 0 || exit.Code == protocol.ExitOutOfMemory
	return !c.factory.countsMemory() && refused && exit.MaxRSS*10 > c.memory*7
}

// countsMemory reports whether a cgroup counts the memory of containers.
func (f *Factory) countsMemory() bool {
	return slices.Contains(f.opt.Sandbox.Report().Controllers, "memory")
}

func (c *cell) exitDetail(ctx context.Context) string {
	exit, ended := c.awaitExit(ctx)
	return describe(exit, ended)
}

const atMemoryLimit = "the kernel stopped it at its memory limit"

func describe(exit sandbox.Exit, ended bool) string {
	switch {
	case !ended:
		return "it closed its answer pipe and went on"
	case exit.OOMKilled:
		return atMemoryLimit
	case exit.Signal != 0:
		return fmt.Sprintf("its process was ended by signal %d (%s)", exit.Signal, exit.Signal)
	}
	return fmt.Sprintf("its process ended with exit code %d", exit.Code)
}
