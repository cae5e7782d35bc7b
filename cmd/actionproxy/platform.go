package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/runtimes"
)

// start makes the platform with what is behind it.
func (s settings) start(ctx context.Context, dir string, stdout, stderr *os.File) (actionproxy.Platform, error) {
	if s.platform == shim {
		return s.startShim(ctx, stdout, stderr), nil
	}
	host, err := find(ctx, s)
	if err != nil {
		return nil, err
	}
	local, err := s.layOut(ctx, host, dir)
	if err != nil {
		return nil, err
	}
	local.Stdout, local.Stderr, local.Collect = stdout, stderr, s.platform == knative
	local.Rehearse = s.action == nil
	log := s.log(stderr)
	if s.platform == openwhisk {
		return actionproxy.NewServer(actionproxy.ServerOptions{
			Family: local.Host.Family, Start: local.Start, Build: local.Build, Dir: dir + "/action", Action: s.action,
			Stdout: stdout, Stderr: stderr, Reinit: s.reinit, LogInitError: s.logInitError,
			Concurrent: s.concurrency != 1, Log: log,
		})
	}
	supervisor, err := actionproxy.NewSupervisor(actionproxy.SupervisorOptions{
		Family: local.Host.Family, Start: local.Start, Build: local.Build, Dir: dir + "/action",
		Concurrent: s.concurrency != 1, Limits: actionproxy.Limits{Answer: actionproxy.MaxAnswer, Logs: s.logLimit()}, Log: log,
	})
	if err != nil {
		return nil, err
	}
	return s.newKnative(supervisor, local.Host.Family.Name == "nodejs", stderr), nil
}

// layOut lays the launchers out, unless the image has them.
func (s settings) layOut(ctx context.Context, host runtimes.Host, dir string) (actionproxy.Local, error) {
	launchers := s.launchers
	var err error
	if launchers != "" && runtimes.HasLauncher(launchers, host.Family) {
		host, err = host.Precompile(ctx, launchers)
	} else {
		launchers = dir + "/launchers"
		var laidOut []runtimes.Host
		if laidOut, err = runtimes.LayOut(ctx, launchers, []runtimes.Host{host}); err == nil {
			host = laidOut[0]
		}
	}
	if err != nil {
		return actionproxy.Local{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return actionproxy.Local{}, fmt.Errorf("find this program: %w", err)
	}
	return actionproxy.Local{Host: host, Launchers: launchers, Self: []string{self, launch, host.Kind}, Environ: s.environ, Dir: dir}, nil
}

// startShim puts the Knative platform in front of the image's own runtime. Signals that ask for
// something else than the end go to it.
func (s settings) startShim(ctx context.Context, stdout, stderr *os.File) actionproxy.Platform {
	upstream := actionproxy.NewUpstream(actionproxy.UpstreamOptions{
		Shim: s.shim, Environ: s.environ, Stdout: stdout, Stderr: stderr, LogLimit: s.logLimit(), Log: s.log(stderr),
	})
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	go func() {
		defer signal.Stop(signals)
		for {
			select {
			case sig := <-signals:
				upstream.Signal(sig)
			case <-ctx.Done():
				return
			}
		}
	}()
	return s.newKnative(upstream, false, stderr)
}

func (s settings) newKnative(rt actionproxy.Runtime, node bool, stderr *os.File) actionproxy.Platform {
	log := s.log(stderr)
	if s.debug {
		rt = actionproxy.TraceRuntime(rt, log)
	}
	var home *actionproxy.Home
	if s.home != nil {
		s.home.Log = log
		home = actionproxy.NewHome(*s.home)
	}
	return actionproxy.NewKnative(actionproxy.KnativeOptions{
		Runtime: rt, Action: s.action, Defaults: s.defaults, Concurrency: s.concurrency, GatewayKey: s.gatewayKey, Home: home, Node: node, Log: log,
	})
}

// logLimit is in bytes; 0 for the default, negative for no logs.
func (s settings) logLimit() int {
	switch {
	case s.action == nil || s.action.Limits.Logs == nil:
		return 0
	case *s.action.Limits.Logs <= 0:
		return -1
	}
	return *s.action.Limits.Logs << 20
}

// find returns the interpreter of the kind; a family alone means the newest that is here.
func find(ctx context.Context, s settings) (runtimes.Host, error) {
	if _, ok := runtimes.FamilyOf(s.kind); !ok {
		return runtimes.Host{}, fmt.Errorf("kind %q is not known: use one of %s", s.kind, families())
	}
	env := environment(s.environ)
	hosts, err := runtimes.DiscoverOwn(ctx, runtimes.Search(env["PATH"], env["HOME"]), s.kind)
	if err != nil {
		return runtimes.Host{}, err
	}
	var reasons []string
	var compiled runtimes.Host
	for _, h := range slices.Backward(hosts) {
		if h.Kind != s.kind && h.Family.Name != s.kind {
			continue
		}
		if h.Usable() {
			return h, nil
		}
		if h.Family.Compiled && compiled.Kind == "" {
			compiled = h
		}
		reasons = append(reasons, h.String())
	}
	if compiled.Kind != "" { // without a compiler, what has been compiled runs
		return compiled, nil
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
