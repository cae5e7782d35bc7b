// Command actionproxy is the process in an action container: it answers POST /init and POST /run
// for one kind, with the interpreter that it finds beside itself.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/runtimes"
)

// launch is the marker argument with which this binary becomes the launcher of executables.
const launch = "launch"

// unsupportedPlatform is the exit status that OpenWhisk's runtimes have for it (3.9.1).
const unsupportedPlatform = 9

// graceful bounds how long runs in flight may take to end after SIGTERM.
const graceful = 25 * time.Second

func main() {
	if len(os.Args) == 3 && os.Args[1] == launch {
		family, _ := runtimes.FamilyOf(os.Args[2])
		exit(actionproxy.ExecLauncher(family, os.Environ()))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
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

// settings come from flags and from the environment of an image.
type settings struct {
	listen, kind         string
	reinit, logInitError bool
	environ              []string
}

func parse(args, environ []string, usage io.Writer) (settings, error) {
	env := environment(environ)
	port := env["PORT"]
	if port == "" {
		port = "8080"
	}
	s := settings{environ: environ, reinit: env["PROXY_ALLOW_REINIT"] == "1", logInitError: env["OW_LOG_INIT_ERROR"] != ""}
	flags := flag.NewFlagSet("actionproxy", flag.ContinueOnError)
	flags.SetOutput(usage)
	flags.StringVar(&s.listen, "listen", ":"+port, "`HOST:PORT` to serve on")
	flags.StringVar(&s.kind, "kind", "", "`KIND` of the action, such as nodejs:20, python or blackbox")
	if err := flags.Parse(args); err != nil {
		return settings{}, err
	}
	if flags.NArg() > 0 {
		return settings{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if s.kind == "" {
		return settings{}, errors.New("no kind: say which with --kind, for example --kind nodejs:20")
	}
	if p := env["__OW_RUNTIME_PLATFORM"]; p != "" && p != "openwhisk" {
		return settings{}, exitError{fmt.Errorf("platform %q is not supported: use openwhisk", p), unsupportedPlatform}
	}
	return s, nil
}

func environment(environ []string) map[string]string {
	env := make(map[string]string, len(environ))
	for _, entry := range environ {
		if key, value, ok := strings.Cut(entry, "="); ok {
			env[key] = value
		}
	}
	return env
}

// run serves until ctx ends, then lets the runs in flight end.
func run(ctx context.Context, args, environ []string, stdout, stderr *os.File) error {
	s, err := parse(args, environ, stderr)
	if err != nil {
		return err
	}
	host, err := find(ctx, s)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "actionproxy")
	if err != nil {
		return fmt.Errorf("make a folder for actions: %w", err)
	}
	defer os.RemoveAll(dir)
	server, err := start(ctx, s, host, dir, stdout, stderr)
	if err != nil {
		return err
	}
	return errors.Join(serve(ctx, s.listen, server), server.Close())
}

// find returns the interpreter of the kind; a family alone means the newest that is here.
func find(ctx context.Context, s settings) (runtimes.Host, error) {
	if _, ok := runtimes.FamilyOf(s.kind); !ok {
		return runtimes.Host{}, fmt.Errorf("kind %q is not known: use one of %s", s.kind, families())
	}
	env := environment(s.environ)
	hosts, err := runtimes.Discover(ctx, runtimes.Search(env["PATH"], env["HOME"]))
	if err != nil {
		return runtimes.Host{}, err
	}
	var reasons []string
	for _, h := range slices.Backward(hosts) {
		if h.Kind != s.kind && h.Family.Name != s.kind {
			continue
		}
		if h.Usable() {
			return h, nil
		}
		reasons = append(reasons, h.String())
	}
	if reasons == nil {
		return runtimes.Host{}, fmt.Errorf("kind %q is neither in the manifest nor on this host", s.kind)
	}
	return runtimes.Host{}, fmt.Errorf("kind %q can not run here: %s", s.kind, strings.Join(reasons, "; "))
}

func families() string {
	var names []string
	for _, f := range runtimes.Families() {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}

// start lays the launchers out and starts the first one.
func start(ctx context.Context, s settings, host runtimes.Host, dir string, stdout, stderr *os.File) (*actionproxy.Server, error) {
	laidOut, err := runtimes.LayOut(ctx, dir+"/launchers", []runtimes.Host{host})
	if err != nil {
		return nil, err
	}
	host = laidOut[0]
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	local := actionproxy.Local{Host: host, Launchers: dir + "/launchers", Self: []string{self, launch, host.Kind},
		Environ: s.environ, Dir: dir, Stdout: stdout, Stderr: stderr}
	return actionproxy.NewServer(actionproxy.ServerOptions{
		Family: host.Family, Start: local.Start, Build: local.Build, Dir: dir + "/action",
		Stdout: stdout, Stderr: stderr, Reinit: s.reinit, LogInitError: s.logInitError,
		Concurrent: environment(s.environ)[protocol.EnvAllowConcurrent] == "true",
		Log:        slog.New(slog.NewTextHandler(stderr, nil)),
	})
}

func serve(ctx context.Context, address string, handler http.Handler) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 5 * time.Minute, IdleTimeout: 5 * time.Minute}
	done := make(chan error, 1)
	go func() {
		<-ctx.Done()
		bounded, cancel := context.WithTimeout(context.Background(), graceful)
		defer cancel()
		done <- server.Shutdown(bounded)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return <-done
}
