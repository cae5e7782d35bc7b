package actionproxy

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// Child is a launcher that runs as a plain child of this process, without a sandbox.
type Child struct {
	*Process
	cmd    *exec.Cmd
	exited chan struct{}
	state  error // written before exited is closed
}

// Start starts the command as a launcher with its own process group. Where cmd.Stdout or
// cmd.Stderr is set, that stream goes there and not to the logs.
func Start(cmd *exec.Cmd, opts Options) (*Child, error) {
	var parent Pipes
	var child []*os.File
	defer func() { closeAll(child) }()
	open := func(outwards bool) (mine, theirs *os.File, err error) {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, nil, err
		}
		if outwards {
			r, w = w, r
		}
		child = append(child, w)
		return r, w, nil
	}
	if err := connect(cmd, &parent, open); err != nil {
		closeAll(parent.files())
		return nil, fmt.Errorf("open pipes: %w", err)
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	if err := cmd.Start(); err != nil {
		closeAll(parent.files())
		return nil, fmt.Errorf("start launcher: %w", err)
	}
	c := &Child{cmd: cmd, exited: make(chan struct{})}
	go c.wait()
	p, err := Attach(parent, c.exited, opts)
	if err != nil {
		closeAll(parent.files())
		return nil, errors.Join(err, c.end())
	}
	c.Process = p
	return c, nil
}

// wait reaps the launcher and ends what it left behind in its process group.
func (c *Child) wait() {
	c.state = c.cmd.Wait()
	_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
	close(c.exited)
}

// connect gives the command its ends of the pipes.
func connect(cmd *exec.Cmd, p *Pipes, open func(outwards bool) (mine, theirs *os.File, err error)) error {
	var stdin, answers, out *os.File
	var err error
	if p.Stdin, stdin, err = open(true); err != nil {
		return err
	}
	if p.Answers, answers, err = open(false); err != nil {
		return err
	}
	cmd.Stdin = stdin
	cmd.ExtraFiles = []*os.File{answers}
	if cmd.Stdout == nil {
		if p.Stdout, out, err = open(false); err != nil {
			return err
		}
		cmd.Stdout = out
	}
	if cmd.Stderr == nil {
		if p.Stderr, out, err = open(false); err != nil {
			return err
		}
		cmd.Stderr = out
	}
	return nil
}

func (p Pipes) files() []*os.File {
	return []*os.File{p.Stdin, p.Answers, p.Stdout, p.Stderr}
}

func closeAll(files []*os.File) {
	for _, f := range files {
		if f != nil {
			_ = f.Close()
		}
	}
}

// Exited is closed when the launcher has ended; State tells how then.
func (c *Child) Exited() <-chan struct{} { return c.exited }

// State is the error of exec.Cmd's Wait, nil for status 0. Call it after Exited.
func (c *Child) State() error { return c.state }

// Stop kills the launcher and its process group, waits for it and closes the pipes.
func (c *Child) Stop() error { return errors.Join(c.end(), c.Close()) }

func (c *Child) end() error {
	err := c.cmd.Process.Kill()
	<-c.exited
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}
