package actionproxy

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gowhisk/gowhisk/internal/protocol"
)

// KnativeOptions say what a Knative is in front of.
type KnativeOptions struct {
	Runtime Runtime
	// Action is baked in: the image is dedicated to it. Nil for a stem cell, which an init makes an
	// action's.
	Action *Action
	// Defaults are the methods and the annotations of a stem cell's action that comes without.
	Defaults Action
	// Concurrency is how many runs may be in flight; 0 is no limit. Others wait, as they would in
	// front of the container.
	Concurrency int
	// GatewayKey is what callers show who speak for the platform; empty if there are none. With one the
	// first run initializes the action, as OpenWhisk does it: the environment tells of the activation.
	GatewayKey string
	// Home is told of what is run without the platform, and says whose credentials are; nil if the action
	// belongs to no server. Close ends it.
	Home *Home
	// Node chooses the texts of failures.
	Node bool
	Log  *slog.Logger
}

// Knative serves the one entry point "/" of a Knative service, in front of a Runtime: requests that
// initialize and run it, web requests, events, and those of our own gateway. It is an http.Handler.
type Knative struct {
	opts    KnativeOptions
	runtime Runtime
	slots   chan struct{} // nil for no limit
	turn    chan struct{} // one token: the right to initialize

	runs       sync.RWMutex // held by runs, and alone to end the runtime between them
	generation int          // of the runtime; guarded by runs

	action   atomic.Pointer[Action] // what it is, or will be again; nil until a stem cell is one
	failure  atomic.Pointer[Answer] // why the action is not there
	started  atomic.Bool            // the runtime was ready for an init
	draining atomic.Bool
	oomKills atomic.Int64 // when killed was asked last

	background context.Context //nolint:containedctx // of the inits, which outlive their requests
	stop       context.CancelFunc
	goroutines sync.WaitGroup
}

// errBusy: the request left before its turn came.
var errBusy = errors.New("the request ended before its turn came")

// NewKnative begins to start the runtime and to initialize it with the baked action, if there is one and
// no platform in front. Requests that come meanwhile wait.
func NewKnative(opts KnativeOptions) *Knative {
	k := &Knative{opts: opts, runtime: opts.Runtime, turn: make(chan struct{}, 1)}
	if opts.Concurrency > 0 {
		k.slots = make(chan struct{}, opts.Concurrency)
	}
	k.oomKills.Store(oomKills())
	k.background, k.stop = context.WithCancel(context.Background())
	if opts.Action != nil {
		k.action.Store(opts.Action)
	}
	k.goroutines.Go(k.boot)
	return k
}

// boot makes the runtime warm, or the baked action's.
func (k *Knative) boot() {
	if a := k.opts.Action; a != nil && !k.lazy() {
		k.turn <- struct{}{}
		if answer, ok := k.become(k.background, a); !ok {
			k.opts.Log.Error("initialize the action of this image", "status", answer.Status, "answer", string(answer.Body))
		}
		return
	}
	defer func() { k.turn <- struct{}{} }()
	ctx, cancel := context.WithTimeout(k.background, defaultTimeout)
	defer cancel()
	if err := k.runtime.Start(ctx); err != nil {
		k.opts.Log.Error("start the runtime", "error", err)
		return
	}
	k.started.Store(true)
}

// lazy reports whether the action waits for its first run.
func (k *Knative) lazy() bool { return k.opts.GatewayKey != "" }

// become makes the runtime the action's unless it is. Who comes meanwhile waits. It returns false
// with the answer why not.
func (k *Knative) become(ctx context.Context, a *Action) (Answer, bool) {
	select {
	case <-k.turn:
		defer func() { k.turn <- struct{}{} }()
	case <-ctx.Done():
		return failed(http.StatusServiceUnavailable, errBusy.Error()), false
	}
	if k.runtime.Err() == nil {
		return Answer{}, true
	}
	answer, ok := k.initialize(ctx, a)
	if !ok {
		k.failure.Store(&answer)
		return answer, false
	}
	k.failure.Store(nil)
	return answer, true
}

// initialize starts the runtime and gives it the action. The caller has the turn.
func (k *Knative) initialize(ctx context.Context, a *Action) (Answer, bool) {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), a.timeout(), ErrDeadline)
	defer cancel()
	stop := context.AfterFunc(k.background, cancel)
	defer stop()
	err := k.runtime.Start(ctx)
	if err == nil {
		k.started.Store(true)
		answer, failed := k.runtime.Init(ctx, a)
		if failed == nil {
			return answer, answer.Status == http.StatusOK
		}
		err = failed
	}
	if errors.Is(err, ErrDeadline) {
		return failed(http.StatusBadGateway, timeLimit(a, " during initialization.")), false
	}
	return initFailure(err, k.opts.Node), false
}

// initRequest answers a request that brings an init.
func (k *Knative) initRequest(ctx context.Context, a *Action) (Answer, bool) {
	if k.opts.Action != nil {
		return failed(http.StatusForbidden, "This image is dedicated to one action and takes no init data."), false
	}
	select {
	case <-k.turn:
		defer func() { k.turn <- struct{}{} }()
	case <-ctx.Done():
		return failed(http.StatusServiceUnavailable, errBusy.Error()), false
	}
	if len(a.Methods) == 0 {
		a.Methods = k.opts.Defaults.Methods
	}
	a.Annotations = slices.Concat(k.opts.Defaults.Annotations, a.Annotations)
	if k.action.Load() != nil {
		return failed(http.StatusForbidden, protocol.AlreadyInitialized), false
	}
	answer, ok := k.initialize(ctx, a)
	if !ok {
		return answer, false
	}
	k.action.Store(a)
	return Answer{Status: http.StatusOK, Body: []byte(`{"OK":true}`)}, true
}

// adopt gives the action to a stem cell that is none's yet; false if this is none, or ctx ended.
func (k *Knative) adopt(ctx context.Context, a *Action) bool {
	select {
	case <-k.turn:
		defer func() { k.turn <- struct{}{} }()
	case <-ctx.Done():
		return false
	}
	return k.opts.Action == nil && k.action.CompareAndSwap(nil, a)
}

// Ready is nil while the service can do what it is for: run its action, or be initialized if it is a
// stem cell. An action that is gone is brought back in the background, unless it failed to begin.
func (k *Knative) Ready() error {
	a := k.action.Load()
	switch {
	case k.draining.Load():
		return errors.New("the container is about to end")
	case (a == nil || k.lazy()) && k.started.Load():
		return nil
	case a == nil || k.lazy():
		return errors.New("the runtime starts")
	}
	err := k.runtime.Err()
	if err == nil {
		return nil
	}
	if failure := k.failure.Load(); failure != nil { // requests try again, probes would do nothing else
		return errors.New(string(failure.Body))
	}
	select {
	case <-k.turn: // nobody is at it
		k.turn <- struct{}{}
		k.goroutines.Go(func() { k.become(k.background, a) })
	default:
	}
	return err
}

// Drain makes the service unready, so that no further requests are sent to it; those that come are
// served.
func (k *Knative) Drain() { k.draining.Store(true) }

// Close ends the runtime and what is in flight, and lets the records of it go.
func (k *Knative) Close() error {
	k.draining.Store(true)
	k.stop()
	err := k.runtime.Close()
	k.goroutines.Wait()
	if k.opts.Home == nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), reportTimeout)
	defer cancel()
	return errors.Join(err, k.opts.Home.Close(ctx))
}

// timeLimit is OpenWhisk's text (2.11.3).
func timeLimit(a *Action, end string) string {
	return "The action exceeded its time limits of " + strconv.FormatInt(a.timeout().Milliseconds(), 10) + " milliseconds" + end
}

// since counts whole milliseconds, one at least, as OpenWhisk's initTime does.
func since(begin time.Time) int64 { return max(1, time.Since(begin).Milliseconds()) }
