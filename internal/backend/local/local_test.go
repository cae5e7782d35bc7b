package local_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/backend/local"
	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
	"github.com/gowhisk/gowhisk/internal/sandbox"
	"github.com/gowhisk/gowhisk/runtimes"
)

func TestMain(m *testing.M) {
	sandbox.Init()
	local.Init()
	code := m.Run()
	err := errors.Join(os.RemoveAll(launcherDir), sandbox.CleanUp(context.Background(), owner()))
	if err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// owner sets the cgroups of this process's tests apart from those of others
// that run at the same time.
func owner() string { return "test-" + strconv.Itoa(os.Getpid()) }

// newFactory is a real factory in the tier, or in the strongest tier here if
// it is empty. A tier that the host lacks skips the test.
func newFactory(t testing.TB, tier sandbox.Tier) (*local.Factory, *sandbox.Host) {
	t.Helper()
	return newFactoryOf(t, tier, true)
}

// newFactoryOf forks containers, or does not.
func newFactoryOf(t testing.TB, tier sandbox.Tier, fork bool) (*local.Factory, *sandbox.Host) {
	t.Helper()
	sbOpt := sandbox.Options{Owner: owner(), Tier: tier}
	report := sandbox.Probe(t.Context(), sbOpt)
	if tier != "" && report.Tier != tier {
		t.Skipf("this host has no tier %s: %v", tier, report.Missing)
	}
	host, err := sandbox.New(sbOpt, report)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := host.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	hosts, err := runtimes.Discover(t.Context(), runtimes.Search(searchPath(t), ""))
	if err != nil {
		t.Fatal(err)
	}
	f, err := local.New(local.Options{
		Fork: fork, Sandbox: host, Dir: t.TempDir(), Executable: launcher(t), Blackbox: true, Images: []string{entity.SkeletonImage},
		Hosts:  func(context.Context) ([]runtimes.Host, error) { return hosts, nil },
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close(context.Background()) })
	return f, host
}

// newPool starts a pool over a real factory in the strongest tier here.
func newPool(t testing.TB, opt containerpool.Options) *containerpool.Pool {
	t.Helper()
	return newPoolIn(t, "", opt)
}

func newPoolIn(t testing.TB, tier sandbox.Tier, opt containerpool.Options) *containerpool.Pool {
	t.Helper()
	f, _ := newFactory(t, tier)
	if opt.Memory == 0 {
		opt.Memory = 4 << 30
	}
	pool := containerpool.New(f, opt)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := pool.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return pool
}

func need(t testing.TB, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not on this host", program)
	}
}

func message(kind, code string, args string) *invoker.Message {
	a := &entity.Action{
		Name: entity.Name{Namespace: "guest", Name: "a"}, Version: entity.FirstVersion, Limits: entity.DefaultLimits(),
		Exec: entity.Exec{Kind: kind, CodeID: "id-of-the-code"}, Revision: 1,
	}
	return &invoker.Message{
		Action: a, Identity: &entity.Identity{Subject: "guest", Namespace: entity.Namespace{Name: "guest"}},
		ID: "0123456789abcdef0123456789abcdef", Args: json.RawMessage(args), Accepted: time.Now(),
		Code: func(context.Context) (string, error) { return code, nil },
	}
}

func TestHello(t *testing.T) {
	need(t, "node")
	p := newPool(t, containerpool.Options{})
	msg := message("nodejs:20", `function main(p) { console.log("hi", p.name); return {greeting: "Hello, " + p.name} }`, `{"name":"Ada"}`)
	for range 2 {
		r, err := p.Invoke(t.Context(), msg)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s %s %v init %v dur %v wait %v logs %q", r.Start, r.Response.Result, r.Response.Status, r.Init, r.Duration, r.Wait, r.Logs)
	}
}
