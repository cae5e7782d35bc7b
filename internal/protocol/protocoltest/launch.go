package protocoltest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Command is a runtime as a program. Containers of it are processes that listen on the PORT of their
// environment; an argument may name it, too, as {port}.
type Command struct {
	Args []string // the program first
	Env  []string // nil: that of this process
	// Patience bounds the time until it listens; zero means 30 s.
	Patience time.Duration
}

// At is the Launch of a container that runs already: it is given away once.
func At(url string) func(context.Context, Start) (Container, error) {
	given := false
	return func(_ context.Context, s Start) (Container, error) {
		if given || s.Action != nil {
			return Container{}, ErrOnlyOne
		}
		given = true
		return Container{URL: url}, nil
	}
}

// process is a container of a Command.
type process struct {
	cmd   *exec.Cmd
	dir   string
	logs  *Logs
	ended chan struct{}
}

// Launch starts the program and waits until it listens.
func (c Command) Launch(ctx context.Context, s Start) (Container, error) {
	port, err := freePort(ctx)
	if err != nil {
		return Container{}, err
	}
	dir, err := os.MkdirTemp("", "contract")
	if err != nil {
		return Container{}, fmt.Errorf("make a folder for the runtime: %w", err)
	}
	p := &process{dir: dir, logs: NewLogs(), ended: make(chan struct{})}
	if err := p.start(c, s, port); err != nil {
		return Container{}, errors.Join(fmt.Errorf("start %s: %w", c.Args[0], err), os.RemoveAll(dir))
	}
	if err := p.listens(ctx, net.JoinHostPort("127.0.0.1", port), c.Patience); err != nil {
		p.stop()
		return Container{}, err
	}
	return Container{URL: "http://127.0.0.1:" + port, Logs: p.logs, Stop: p.stop}, nil
}

func freePort(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}

func (p *process) start(c Command, s Start, port string) error {
	args := make([]string, 0, len(c.Args))
	for _, arg := range c.Args {
		args = append(args, strings.ReplaceAll(arg, "{port}", port))
	}
	p.cmd = exec.CommandContext(context.Background(), args[0], args[1:]...) // stop ends it
	p.cmd.Env = c.Env
	env := append(slices.Clip(p.cmd.Environ()), "PORT="+port)
	if s.Action != nil {
		baked, err := s.Action.environ(p.dir)
		if err != nil {
			return err
		}
		env = append(env, baked...)
	}
	p.cmd.Env = append(env, s.Env...)
	p.cmd.Stdout, p.cmd.Stderr = stream{p.logs, 0}, stream{p.logs, 1}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.WaitDelay = 100 * time.Millisecond
	if err := p.cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = p.cmd.Wait() // ProcessState tells how
		close(p.ended)
	}()
	return nil
}

// listens waits until somebody accepts connections.
func (p *process) listens(ctx context.Context, address string, patience time.Duration) error {
	if patience == 0 {
		patience = 30 * time.Second
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("nothing listens on the PORT %s after %s", address, patience))
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-p.ended:
			out, text, _ := p.logs.text()
			return exited{p.cmd.ProcessState.ExitCode(), strings.TrimSpace(tail(out) + tail(text))}
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// exited is a runtime that has ended before it listened.
type exited struct {
	status int
	text   string
}

func (e exited) Error() string {
	return fmt.Sprintf("the runtime ended with status %d before it listened: %s", e.status, e.text)
}

// grace is how long a process may take to end by itself, with what it has put into other groups.
const grace = 2 * time.Second

// stop ends the process and what it has started.
func (p *process) stop() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM) // it may be gone
	select {
	case <-p.ended:
	case <-time.After(grace):
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // it may be gone
	<-p.ended
	_ = os.RemoveAll(p.dir) // a temporary folder
}
