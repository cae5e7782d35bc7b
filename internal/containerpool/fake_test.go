package containerpool_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
	"github.com/gowhisk/gowhisk/internal/protocol"
)

// factory makes containers that do what the hooks say; a hook that is nil
// succeeds at once. It complains about a pool that breaks the contract.
type factory struct {
	t testing.TB

	create      func(ctx context.Context, spec containerpool.Spec) error
	init        func(ctx context.Context, c *sandbox, a containerpool.Assignment) (containerpool.Answer, error)
	run         func(ctx context.Context, c *sandbox, req *protocol.RunRequest) (containerpool.Answer, error)
	logs        func(c *sandbox) containerpool.Logs
	pause       func(c *sandbox) error
	resume      func(c *sandbox) error
	usage       func(c *sandbox) (int64, error)
	concurrency int

	mu   sync.Mutex
	made []*sandbox // guarded by mu
}

func (f *factory) Create(ctx context.Context, spec containerpool.Spec) (containerpool.Container, error) {
	if f.create != nil {
		if err := f.create(ctx, spec); err != nil {
			return nil, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c := &sandbox{f: f, spec: spec, id: fmt.Sprint("c", len(f.made))}
	f.made = append(f.made, c)
	return c, nil
}

// containers returns all that were made, dead or alive.
func (f *factory) containers() []*sandbox {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.made)
}

// alive counts the containers that were not destroyed.
func (f *factory) alive() int {
	n := 0
	for _, c := range f.containers() {
		if reason, _ := c.end(); reason == "" {
			n++
		}
	}
	return n
}

// sandbox is a container that does nothing.
type sandbox struct {
	f    *factory
	spec containerpool.Spec
	id   string

	mu       sync.Mutex
	serves   string   // guarded by mu: namespace, action and version, once it runs
	limit    int      // guarded by mu: runs at once
	inits    int      // guarded by mu
	inFlight int      // guarded by mu
	runs     int      // guarded by mu
	most     int      // guarded by mu: the most runs that were in flight
	paused   bool     // guarded by mu
	pauses   int      // guarded by mu
	ends     []string // guarded by mu: the reasons of Destroy
}

func (c *sandbox) ID() string { return c.id }

func (c *sandbox) Concurrency() int { return max(1, c.f.concurrency) }

func ok() (containerpool.Answer, error) { return answer(200, `{"ok":true}`), nil }

func answer(status int, body string) containerpool.Answer {
	return containerpool.Answer{Status: status, Body: []byte(body), Length: int64(len(body))}
}

func (c *sandbox) Init(ctx context.Context, a containerpool.Assignment) (containerpool.Answer, error) {
	c.mu.Lock()
	c.inits++
	c.limit = min(a.Action.Limits.Concurrency, c.Concurrency())
	if c.inits > 1 || c.paused {
		c.f.t.Errorf("%s: init number %d, paused %v", c.id, c.inits, c.paused)
	}
	c.mu.Unlock()
	if c.f.init == nil {
		return ok()
	}
	return c.f.init(ctx, c, a)
}

func (c *sandbox) Run(ctx context.Context, req *protocol.RunRequest) (containerpool.Answer, error) {
	c.enter(req)
	defer c.leave()
	if c.f.run == nil {
		return ok()
	}
	return c.f.run(ctx, c, req)
}

func (c *sandbox) enter(req *protocol.RunRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	serves := req.Namespace + " " + req.ActionName + " " + req.ActionVersion
	if c.serves == "" {
		c.serves = serves
	}
	c.inFlight++
	c.runs++
	c.most = max(c.most, c.inFlight)
	if c.serves != serves {
		c.f.t.Errorf("%s serves %q and then %q", c.id, c.serves, serves)
	}
	if c.inits != 1 || c.paused || c.inFlight > c.limit {
		c.f.t.Errorf("%s: run with inits %d, paused %v, %d of %d in flight", c.id, c.inits, c.paused, c.inFlight, c.limit)
	}
}

func (c *sandbox) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inFlight--
}

func (c *sandbox) Logs(context.Context, entity.ActivationID) containerpool.Logs {
	if c.f.logs == nil {
		return containerpool.Logs{}
	}
	return c.f.logs(c)
}

func (c *sandbox) Destroy(_ context.Context, reason string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ends = append(c.ends, reason)
	if len(c.ends) > 1 {
		c.f.t.Errorf("%s is destroyed again: %q", c.id, c.ends)
	}
	return nil
}

// end returns why the container was destroyed, and how many runs it had.
func (c *sandbox) end() (reason string, runs int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.ends) > 0 {
		reason = c.ends[0]
	}
	return reason, c.runs
}

func (c *sandbox) Pause(context.Context) error {
	if c.f.pause != nil {
		if err := c.f.pause(c); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.paused = true
	c.pauses++
	if c.inFlight > 0 {
		c.f.t.Errorf("%s is paused with %d in flight", c.id, c.inFlight)
	}
	return nil
}

func (c *sandbox) Resume(context.Context) error {
	if c.f.resume != nil {
		if err := c.f.resume(c); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.paused = false
	return nil
}

func (c *sandbox) MemoryUsage() (int64, error) {
	if c.f.usage == nil {
		return 0, errors.New("not measured")
	}
	return c.f.usage(c)
}

// open starts a pool that is closed at the end of the test, when its books
// must be empty and every container gone.
func open(t testing.TB, f *factory, opt containerpool.Options) *containerpool.Pool {
	t.Helper()
	f.t = t
	if opt.Memory == 0 {
		opt.Memory = 2048 * entity.MB
	}
	p := containerpool.New(f, opt)
	t.Cleanup(func() {
		if err := p.CheckBooks(); err != nil {
			t.Errorf("books at the end: %v", err)
		}
		if err := p.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := p.CheckEmpty(); err != nil {
			t.Errorf("closed pool: %v", err)
		}
		if n := f.alive(); n != 0 {
			t.Errorf("%d containers survive their pool", n)
		}
	})
	return p
}

// call is one activation to make, in the namespace "ns" unless it says so.
type call struct {
	namespace, action string
	revision          uint64
	kind, image       string
	memory            int64 // MB, 128 if 0
	concurrency       int
	timeout           time.Duration
	logs              int64
	starting          func(context.Context) error
	code              func(context.Context) (string, error)
	env               map[string]string
}

func (c call) message() *invoker.Message {
	limits := entity.Limits{
		Timeout: time.Minute, Memory: max(c.memory, 128), Logs: 10, Concurrency: max(1, c.concurrency),
	}
	if c.memory > 0 {
		limits.Memory = c.memory
	}
	if c.timeout > 0 {
		limits.Timeout = c.timeout
	}
	if c.logs < 0 {
		limits.Logs = 0
	}
	ns := or(c.namespace, "ns")
	return &invoker.Message{
		Action: &entity.Action{
			Name: entity.Name{Namespace: "provider", Package: "pkg", Name: or(c.action, "hello")}, Version: entity.FirstVersion,
			Exec: entity.Exec{Kind: or(c.kind, "nodejs:20"), Image: c.image}, Limits: limits, Revision: max(1, c.revision),
			Annotations: entity.Parameters{}.Set("provide-api-key", "false"),
		},
		Identity: &entity.Identity{Subject: ns, Namespace: entity.Namespace{Name: ns, UUID: "uuid-" + ns, Key: "key"}},
		ID:       "0123456789abcdef0123456789abcdef", Transaction: "tid", Args: []byte(`{}`), Env: c.env,
		Accepted: time.Now(), Starting: c.starting, Code: c.code,
	}
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// invoke runs c and fails the test if the platform fails.
func invoke(t testing.TB, p *containerpool.Pool, c call) invoker.Result {
	t.Helper()
	r, err := p.Invoke(context.Background(), c.message())
	if err != nil {
		t.Errorf("invoke %s: %v", c.action, err)
	}
	return r
}

// holding is a run that takes d.
func holding(d time.Duration) func(context.Context, *sandbox, *protocol.RunRequest) (containerpool.Answer, error) {
	return func(ctx context.Context, _ *sandbox, _ *protocol.RunRequest) (containerpool.Answer, error) {
		if err := wait(ctx, d); err != nil {
			return containerpool.Answer{}, err
		}
		return ok()
	}
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
