// Package runner runs one action in a sandbox of this machine without a server: the same pool,
// backend and launchers, and no store, API or user. What differs from a server is said in
// docs/RUNTIMES.md.
package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/gowhisk/gowhisk/internal/backend/local"
	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/invoker"
	"github.com/gowhisk/gowhisk/internal/sandbox"
	"github.com/gowhisk/gowhisk/runtimes"
)

// namespace is that of every action here, as on a fresh server.
const namespace = "guest"

// Options of a Runner.
type Options struct {
	Kind       string // "family" or "family:version"
	Main       string
	Limits     entity.Limits
	Lookup     runtimes.Lookup // finds interpreters
	Cache      string          // folder that runners share, one after the other; empty for none
	Executable string          // this program, which becomes the launcher of compiled actions
	Isolation  sandbox.Tier    // empty for the best that works here
	Logger     *slog.Logger
}

// Runner runs one action at a time. Close it.
type Runner struct {
	opt       Options
	kind      string
	slot      *slot
	sandboxes *sandbox.Host
	factory   *local.Factory
	pool      *containerpool.Pool
	mint      entity.Mint
	revision  uint64
	codeID    string
}

// New finds what runs the kind and prepares the sandbox. A *fault.Error tells the user what to do.
func New(ctx context.Context, opt Options) (_ *Runner, err error) {
	r := &Runner{opt: opt}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close(context.WithoutCancel(ctx)))
		}
	}()
	found := make(chan error, 1)
	var hosts []runtimes.Host
	go func() {
		var err error
		hosts, err = runtimes.DiscoverFamily(ctx, opt.Kind, opt.Lookup)
		found <- err
	}()
	made := r.makeSandboxes(ctx)
	if err := errors.Join(<-found, made); err != nil {
		return nil, err
	}
	host, err := choose(hosts, opt.Kind)
	if err != nil {
		return nil, err
	}
	r.kind = host.Kind
	return r, r.makePool(host)
}

func (r *Runner) makeSandboxes(ctx context.Context) (err error) {
	if r.slot, err = takeSlot(r.opt.Cache); err != nil {
		return err
	}
	options := sandbox.Options{Owner: r.slot.owner(), Tier: r.opt.Isolation}
	if options.Egress.DNS, err = sandbox.Resolvers(); err != nil {
		return err
	}
	if err := sandbox.CleanUp(ctx, options.Owner); err != nil {
		r.opt.Logger.Warn("what an earlier run left is not all removed", "error", err)
	}
	if r.sandboxes, err = sandbox.New(options, sandbox.Probe(ctx, options)); err != nil {
		return fault.New(fault.UserNSForbidden, err.Error(), nil, err)
	}
	return nil
}

func (r *Runner) makePool(host runtimes.Host) (err error) {
	r.factory, err = local.New(local.Options{
		Sandbox: r.sandboxes, Dir: r.slot.dir, Executable: r.opt.Executable,
		Hosts:    func(context.Context) ([]runtimes.Host, error) { return []runtimes.Host{host}, nil },
		Blackbox: true, Images: []string{entity.SkeletonImage}, Logger: r.opt.Logger,
	})
	if err != nil {
		return fmt.Errorf("prepare containers: %w", err)
	}
	// Room for two: the next one starts while the one of the old code ends.
	memory := 2 * r.opt.Limits.Memory * entity.MB
	r.pool = containerpool.New(r.factory, containerpool.Options{Memory: memory, Logger: r.opt.Logger})
	return nil
}

// choose takes the version that was asked for; for a family alone the standard one, or the newest
// that is here.
func choose(hosts []runtimes.Host, kind string) (runtimes.Host, error) {
	_, version, _ := strings.Cut(kind, ":")
	var best runtimes.Host
	var here []string
	why := ""
	for _, h := range hosts {
		wanted := version == "" || version == "default" || h.Kind == kind
		switch {
		case h.Usable() && wanted:
			best = h
		case wanted:
			why = fmt.Sprintf("%s (%s).", h.Missing, h.Hint)
		}
		if h.Usable() {
			here = append(here, h.Kind)
		}
		if best.Kind != "" && runtimes.IsDefault(best.Kind) {
			break
		}
	}
	if best.Kind != "" {
		return best, nil
	}
	next := []string{"gowhisk doctor"}
	if len(here) > 0 {
		why = strings.TrimSpace(why + " This host has " + strings.Join(here, ", ") + ".")
		next = append(next, "gowhisk run FILE --kind "+here[len(here)-1])
	}
	missing := fault.New(fault.KindMissing, why, map[string]string{"kind": kind}, nil)
	missing.Report.Next = next
	return runtimes.Host{}, missing
}

// Kind is the one that runs, with its version.
func (r *Runner) Kind() string { return r.kind }

// Run runs the code with the arguments, a JSON object or array. As long as the code stays the same,
// so does the container. An error means that the platform failed.
func (r *Runner) Run(ctx context.Context, s Source, args json.RawMessage) (invoker.Result, error) {
	if s.ID != r.codeID {
		r.codeID = s.ID
		r.revision++
	}
	action := &entity.Action{
		Name: entity.Name{Namespace: namespace, Name: s.Name}, Version: entity.FirstVersion, Limits: r.opt.Limits, Revision: r.revision,
		Exec: entity.Exec{Kind: r.kind, Main: r.opt.Main, Binary: s.Binary, CodeID: s.ID},
	}
	if r.kind == entity.KindBlackbox {
		action.Exec.Image = entity.SkeletonImage
	}
	now := time.Now()
	return r.pool.Invoke(ctx, &invoker.Message{
		Action: action, Identity: &entity.Identity{Subject: namespace, Namespace: entity.Namespace{Name: namespace}},
		ID: r.mint.New(now), Args: args, Accepted: now,
		Code: func(context.Context) (string, error) { return s.Code, nil },
	})
}

// Close ends the containers.
func (r *Runner) Close(ctx context.Context) error {
	var errs []error
	if r.pool != nil {
		errs = append(errs, r.pool.Close(ctx))
	}
	if r.factory != nil {
		r.factory.Close(ctx)
	}
	if r.sandboxes != nil {
		errs = append(errs, r.sandboxes.Close(ctx))
	}
	if r.slot != nil {
		errs = append(errs, r.slot.giveBack())
	}
	return errors.Join(errs...)
}
