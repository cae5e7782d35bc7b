package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gowhisk/gowhisk/runtimes"
)

// Goals of the proxy in an image.
const (
	leastHopRatio   = 1   // of the rate of a proxy in front of an HTTP runtime
	mostProxyMB     = 25  // of an idle proxy, without the launcher
	mostProgramMB   = 6   // of the program
	mostImageFactor = 2.5 // of the first answer of a bare interpreter
)

// proxy compares actionproxy on its platforms with the bare pipe to the
// interpreter and with HTTP in front of HTTP.
func (b *bench) proxy(ctx context.Context) (rows []row, err error) {
	l := b.languages[0]
	if l.family != "nodejs" {
		return nil, nil // the HTTP runtime that it is compared with needs Node.js
	}
	pipe, err := b.barePipe(ctx, l)
	if err != nil {
		return nil, err
	}
	rows = append(rows, pipe)
	more, err := b.proxyRuns(ctx, l)
	rows = append(rows, more...)
	if err != nil {
		return rows, err
	}
	more, err = b.imageFirstAnswer(ctx, l)
	if rows = append(rows, more...); err != nil {
		return rows, err
	}
	size, err := b.programSize()
	return append(rows, size), err
}

// programSize is that of the proxy, which every image has.
func (b *bench) programSize() (row, error) {
	info, err := os.Stat(b.proxyBinary())
	if err != nil {
		return row{}, err
	}
	return row{Name: "actionproxy, size of the program", Bytes: info.Size(), Goal: atMost(megabytes(info.Size()), mostProgramMB, "MB")}, nil
}

func (b *bench) proxyBinary() string { return filepath.Join(filepath.Dir(b.opt.binary), "actionproxy") }

// barePipe is one run of a function over pipes, without any proxy.
func (b *bench) barePipe(ctx context.Context, l language) (r row, err error) {
	runner, err := startRunner(ctx, l.interpreter, b.script(l), l.code)
	if err != nil {
		return row{}, err
	}
	defer func() { err = errors.Join(err, runner.close()) }()
	if err := runner.ready(); err != nil {
		return row{}, err
	}
	body := runBody()
	took := make([]time.Duration, 0, b.scale(20000, 2000))
	begin := time.Now()
	for range cap(took) {
		start := time.Now()
		if _, err := runner.call(body); err != nil {
			return row{}, err
		}
		took = append(took, time.Since(start))
	}
	return series{sampleOf(took, time.Since(begin))}.row("bare " + l.name + " over pipes, one run"), nil
}

// runBody is that of POST /run.
func runBody() []byte {
	return []byte(`{"value":` + string(arguments()) + `,"activation_id":"0123456789abcdef0123456789abcdef","deadline":"` +
		fmt.Sprint(time.Now().Add(time.Hour).UnixMilli()) + `"}`)
}

// proxyRuns measures a run through each platform, and through HTTP in front
// of HTTP.
func (b *bench) proxyRuns(ctx context.Context, l language) (rows []row, err error) {
	script := filepath.Join(b.dir, "http.cjs")
	text, err := runnerFiles.ReadFile("runner/http.cjs")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(script, text, 0o600); err != nil {
		return nil, err
	}
	floor, err := b.startFloor(ctx, hopCommand, l.interpreter, script, l.code)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, floor.stop()) }()
	contenders := []contender{proxyContender("HTTP in front of "+l.name+" with HTTP", floor.line, floor.pid(), "/run", runBody())}
	var openwhisk *imageProxy
	for _, platform := range []string{"openwhisk", "knative"} {
		p, err := b.startProxy(ctx, l, platform, true)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, p.stop()) }()
		path, body := "/run", runBody()
		if platform == "knative" {
			path, body = "/", []byte(`{"activation":{},"value":`+string(arguments())+`}`)
		} else {
			openwhisk = p
		}
		contenders = append(contenders, proxyContender("actionproxy "+platform+", "+l.name, p.address, p.cmd.Process.Pid, path, body))
	}
	for _, concurrency := range []int{1, maxConcurrency} {
		results, err := contest(ctx, contenders, concurrency, b.opt.rounds, b.opt.round)
		if err != nil {
			return rows, err
		}
		for i, c := range contenders {
			r := results[i].row(fmt.Sprintf("%s, concurrency %d", c.name, concurrency))
			if i > 0 {
				r.Goal = atLeast(results[i].rateRatio(results[0]), leastHopRatio, "× HTTP before HTTP")
			}
			rows = append(rows, r)
		}
	}
	own, _, err := pssOfTree(openwhisk.cmd.Process.Pid)
	if err != nil {
		return rows, err
	}
	return append(rows, row{Name: "actionproxy after load, PSS without its launcher", Bytes: own, Goal: atMost(megabytes(own), mostProxyMB, "MB")}), nil
}

func proxyContender(name, address string, pid int, path string, body []byte) contender {
	request := post(address, path, "", body)
	return contender{name: name, address: address, pid: pid, request: func(int, int) []byte { return request }, expect: []byte("World")}
}

// imageProxy is an actionproxy with an action.
type imageProxy struct {
	cmd     *exec.Cmd
	address string
}

// startProxy starts actionproxy, as an image of the language would, with its
// action baked in, and waits until the action has answered once. An image that
// is not prepared lacks the launchers.
func (b *bench) startProxy(ctx context.Context, l language, platform string, prepared bool) (*imageProxy, error) {
	dir, err := b.folder()
	if err != nil {
		return nil, err
	}
	action, err := json.Marshal(map[string]any{"name": "noop", "kind": l.kind, "main": "main", "code": "code"})
	if err != nil {
		return nil, err
	}
	err = errors.Join(os.WriteFile(filepath.Join(dir, "action.json"), action, 0o600), os.WriteFile(filepath.Join(dir, "code"), []byte(l.code), 0o600))
	if err != nil {
		return nil, err
	}
	args := []string{"--platform", platform, "--action", filepath.Join(dir, "action.json")}
	if prepared {
		launchers, err := b.launchers()
		if err != nil {
			return nil, err
		}
		args = append(args, "--launchers", launchers)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &imageProxy{address: listener.Addr().String()}
	if err := listener.Close(); err != nil {
		return nil, err
	}
	p.cmd = exec.CommandContext(ctx, b.proxyBinary(), append(args, "--listen", p.address)...)
	p.cmd.Env = []string{"PATH=" + filepath.Dir(l.interpreter) + ":/usr/local/bin:/usr/bin:/bin", "HOME=/tmp", "TMPDIR=" + dir}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start actionproxy: %w: run make build first", err)
	}
	paths := map[string][]string{"openwhisk": {"/init", `{"value":{}}`, "/run", `{"value":{"name":"World"}}`}, "knative": {"/", `{"name":"World"}`}}[platform]
	for request := range slices.Chunk(paths, 2) {
		if err := p.await(ctx, request[0], request[1]); err != nil {
			return nil, errors.Join(err, p.stop())
		}
	}
	return p, nil
}

// launchers is a folder with them, as an image has it.
func (b *bench) launchers() (string, error) {
	dir := filepath.Join(b.dir, "launchers")
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return dir, runtimes.WriteLaunchers(dir)
	}
	return dir, nil
}

// await asks until it is answered well.
func (p *imageProxy) await(ctx context.Context, path, body string) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.address+path, strings.NewReader(body))
		if err != nil {
			return err
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			_ = response.Body.Close() // its status is enough
			if response.StatusCode == http.StatusOK {
				return nil
			}
			return fmt.Errorf("actionproxy answered POST %s with %s", path, response.Status)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (p *imageProxy) stop() error {
	err := p.cmd.Process.Signal(syscall.SIGTERM)
	if e := p.cmd.Wait(); e != nil && !wasTerminated(e) {
		err = errors.Join(err, fmt.Errorf("end actionproxy: %w", e))
	}
	return err
}

// imageFirstAnswer is the time from the start of the proxy, with an action
// baked in, to the action's first answer, beside that of the interpreter alone:
// in an image that was prepared, and in one where the proxy has to.
func (b *bench) imageFirstAnswer(ctx context.Context, l language) ([]row, error) {
	var prepared, unprepared, bare []time.Duration
	begin := time.Now()
	for range b.scale(20, 5) {
		took, err := b.bareFirstAnswer(ctx, l)
		if err != nil {
			return nil, err
		}
		bare = append(bare, took)
		for i, times := range []*[]time.Duration{&prepared, &unprepared} {
			start := time.Now()
			p, err := b.startProxy(ctx, l, "knative", i == 0)
			if err != nil {
				return nil, err
			}
			*times = append(*times, time.Since(start))
			if err := p.stop(); err != nil {
				return nil, err
			}
		}
	}
	elapsed := time.Since(begin)
	with := series{sampleOf(prepared, elapsed)}.row("dedicated image of " + l.name + ", start to first answer")
	with.Goal = atMost(float64(median(prepared))/float64(median(bare)), mostImageFactor, "× bare interpreter")
	without := series{sampleOf(unprepared, elapsed)}.row("the same, launchers laid out at the start")
	with.Rate, without.Rate = 0, 0
	return []row{with, without}, nil
}
