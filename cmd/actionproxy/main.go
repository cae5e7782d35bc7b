// Command actionproxy is the process in an action container. It serves one kind with the interpreter
// that it finds beside itself, or the runtime that the image had before, on the platform that it is
// told: OpenWhisk's POST /init and POST /run, or the single entry point of a Knative service.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/runtimes"
)

// launch is the marker argument with which this binary becomes the launcher of executables.
const launch = "launch"

// unsupportedPlatform is the exit status that OpenWhisk's runtimes have for it (3.9.1).
const unsupportedPlatform = 9

// graceful bounds how long runs in flight may take to end after SIGTERM: as long as any may last. The
// platform, or a second signal, ends them earlier.
const graceful = 11 * time.Minute

func main() {
	if len(os.Args) == 3 && os.Args[1] == launch {
		family, _ := runtimes.FamilyOf(os.Args[2])
		exit(actionproxy.ExecLauncher(family, os.Environ()))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	context.AfterFunc(ctx, stop)
	exit(run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// exitError is an error that asks for a certain exit status.
type exitError struct {
	error
	status int
}

func exit(err error) {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		os.Exit(0)
	}
	fmt.Fprintln(os.Stderr, "actionproxy:", err)
	var status exitError
	if errors.As(err, &status) {
		os.Exit(status.status)
	}
	os.Exit(1)
}

// run serves until ctx ends, then lets the runs in flight end.
func run(ctx context.Context, args, environ []string, stdout, stderr *os.File) error {
	s, err := parse(args, environ, stderr)
	if err != nil {
		return err
	}
	if s.gatewayKey != "" {
		if err := actionproxy.Conceal(); err != nil {
			s.log(stderr).Warn("the gateway's key may be read by actions", "error", err)
		}
	}
	dir, err := os.MkdirTemp("", "actionproxy")
	if err != nil {
		return fmt.Errorf("make a folder for actions: %w", err)
	}
	defer os.RemoveAll(dir)
	platform, err := s.start(ctx, dir, stdout, stderr)
	if err != nil {
		return err
	}
	var handler http.Handler = platform
	if s.debug {
		handler = actionproxy.Trace(platform, s.log(stderr))
	}
	return errors.Join(serve(ctx, s.listen, handler, platform.Drain), platform.Close())
}

func serve(ctx context.Context, address string, handler http.Handler, drain func()) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 5 * time.Minute, IdleTimeout: 5 * time.Minute}
	done := make(chan error, 1)
	go func() {
		<-ctx.Done()
		drain()
		bounded, cancel := context.WithTimeout(context.Background(), graceful)
		defer cancel()
		done <- server.Shutdown(bounded)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return <-done
}
