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
)

// child is a server process that said where it listens.
type child struct {
	cmd   *exec.Cmd
	stdin io.Closer
	line  string // the first one that it wrote
}

// startChild starts a program and waits for the first line that it writes.
// The rest of its output is dropped; ctx kills it.
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

// stop asks the process to end and waits for it.
func (c *child) stop() error {
	err := errors.Join(c.stdin.Close(), c.cmd.Process.Signal(syscall.SIGTERM))
	if e := c.cmd.Wait(); e != nil && !wasTerminated(e) {
		err = errors.Join(err, fmt.Errorf("%s: %w", c.cmd.Path, e))
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
