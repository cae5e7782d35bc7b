package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// child is a server process that said where it listens.
type child struct {
	cmd   *exec.Cmd
	stdin io.Closer
	line  string // the first one that it wrote
}

// endTime is how long a process may take to end before it is killed.
const endTime = 15 * time.Second

// startChild starts a program and waits for the first line that it writes.
// The rest of its output is dropped; the end of ctx ends the process as stop
// does. cmd must be made with that ctx.
func startChild(ctx context.Context, cmd *exec.Cmd) (*child, error) {
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout = w
	cmd.Cancel, cmd.WaitDelay = func() error { return cmd.Process.Signal(syscall.SIGTERM) }, endTime
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := errors.Join(cmd.Start(), w.Close()); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", cmd.Path, err), out.Close())
	}
	c := &child{cmd: cmd, stdin: stdin}
	stop := context.AfterFunc(ctx, func() { _ = out.Close() }) // wakes the reader, which reports
	in := bufio.NewReader(out)
	c.line, err = in.ReadString('\n')
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s did not say where it listens: %w", cmd.Path, err), cmd.Process.Kill(), cmd.Wait())
	}
	c.line = strings.TrimSpace(c.line)
	go func() {
		_, _ = io.Copy(io.Discard, in) // ends with the process
		_ = out.Close()
	}()
	return c, nil
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// stop asks the process to end and waits for it. It may have been asked
// before, by the end of its context.
func (c *child) stop() error {
	err := errors.Join(c.stdin.Close(), c.cmd.Process.Signal(syscall.SIGTERM))
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	timer := time.AfterFunc(endTime, func() { _ = c.cmd.Process.Kill() }) // Wait reports it
	defer timer.Stop()
	e := c.cmd.Wait()
	if e != nil && !wasTerminated(e) && !errors.Is(e, context.Canceled) && !errors.Is(e, context.DeadlineExceeded) {
		err = errors.Join(err, fmt.Errorf("end %s: %w", c.cmd.Path, e))
	}
	return err
}

// wasTerminated reports whether a process ended by the signal of stop.
func wasTerminated(err error) bool {
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGTERM
}

// startFloor starts this program as a floor.
func (b *bench) startFloor(ctx context.Context, args ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, append([]string{floorCommand}, args...)...)
	cmd.Stderr = os.Stderr
	return startChild(ctx, cmd)
}
