package invoke_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gowhisk/gowhisk/internal/activation"
	"github.com/gowhisk/gowhisk/internal/catalog"
	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoke"
	"github.com/gowhisk/gowhisk/internal/invoker"
	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/internal/store"
	"github.com/gowhisk/gowhisk/internal/store/pebble"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a Service over a real store in a directory that outlives it.
type world struct {
	*testing.T
	dir      string
	db       *pebble.DB
	service  *invoke.Service
	invoker  *script
	actions  *shelf
	owners   owners
	recorder *activation.Recorder
	rights   rights
	limit    int          // of components; 0 for the standard one
	given    atomic.Int32 // slots taken and not given back
}

func open(t *testing.T) *world {
	w := &world{
		T: t, dir: t.TempDir(), invoker: &script{},
		actions: &shelf{byName: map[entity.Name]*entity.Action{hello().Name: hello()}},
		rights:  rights{},
		owners:  owners{guest().Namespace.UUID: guest()},
	}
	w.start()
	t.Cleanup(func() {
		w.stop()
		if n := w.given.Load(); n != 0 {
			t.Errorf("%d slots were not given back", n)
		}
	})
	return w
}

// start is a start of the server.
func (w *world) start() {
	w.Helper()
	var err error
	if w.db, err = pebble.Open(context.Background(), w.dir, pebble.Options{}); err != nil {
		w.Fatal(err)
	}
	w.recorder = activation.NewRecorder(w.db.Activations(), w.db.Queue(), activation.Options{})
	w.service = invoke.New(invoke.Config{
		Invoker: w.invoker, Catalog: w.actions, Recorder: w.recorder, Records: w.db.Activations(), Queue: w.db.Queue(), Identities: w.owners,
		Entitlement: w.rights, MaxComponents: w.limit,
	})
}

// stop ends the server; what still runs is abandoned.
func (w *world) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	_ = w.service.Drain(ctx)
	if err := w.db.Close(); err != nil {
		w.Errorf("close store: %v", err)
	}
}

func (w *world) restart() { w.stop(); w.start() }

func (w *world) drain() {
	w.Helper()
	if err := w.service.Drain(w.Context()); err != nil {
		w.Fatalf("drain: %v", err)
	}
}

func (w *world) request(blocking bool, wait time.Duration) invoke.Request {
	w.given.Add(1)
	var once atomic.Bool
	return invoke.Request{
		Identity: guest(), Action: hello(), Payload: json.RawMessage(`{"name":"x"}`), Transaction: "tid", Trace: protocol.Trace{Parent: "p"}, Accepted: time.Now(),
		Blocking: blocking, Wait: wait, Done: func() {
			w.given.Add(-1)
			if !once.CompareAndSwap(false, true) {
				w.Error("the slot is given back twice")
			}
		},
	}
}

// invoke fails the test if the request is refused.
func (w *world) invoke(r invoke.Request) invoke.Outcome {
	w.Helper()
	out, err := w.service.Invoke(w.Context(), r)
	if err != nil {
		w.Fatalf("invoke: %v", err)
	}
	return out
}

func (w *world) queued() (items []store.Item) {
	w.Helper()
	err := w.db.Queue().Items(w.Context(), func(it store.Item) error { items = append(items, it); return nil })
	if err != nil {
		w.Fatal(err)
	}
	return items
}

func (w *world) record(id entity.ActivationID) *entity.Activation {
	w.Helper()
	a, err := w.db.Activations().Get(w.Context(), "guest", id)
	if err != nil {
		w.Fatalf("record of %s: %v", id, err)
	}
	return a
}

// script is an invoker that does what run says; nil succeeds at once.
type script struct {
	mu  sync.Mutex
	run func(context.Context, *invoker.Message) (invoker.Result, error) // guarded by mu
	ids []entity.ActivationID                                           // guarded by mu: in the order of their runs
}

func (s *script) does(run func(context.Context, *invoker.Message) (invoker.Result, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run = run
}

func (s *script) ran() []entity.ActivationID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]entity.ActivationID{}, s.ids...)
}

func (s *script) Invoke(ctx context.Context, msg *invoker.Message) (invoker.Result, error) {
	s.mu.Lock()
	run := s.run
	s.ids = append(s.ids, msg.ID)
	s.mu.Unlock()
	if run == nil {
		return succeed(ctx, msg)
	}
	return run(ctx, msg)
}

func succeed(ctx context.Context, msg *invoker.Message) (invoker.Result, error) {
	if msg.Starting != nil {
		if err := msg.Starting(ctx); err != nil {
			return invoker.Result{}, err
		}
	}
	began := time.Now()
	return invoker.Result{
		Response: entity.Response{Result: msg.Args, Size: len(msg.Args)}, Began: began, Ended: began, Start: invoker.Warm,
	}, nil
}

// block returns an invoker's script that starts, says so and waits for
// release or the end of the server.
func block() (run func(context.Context, *invoker.Message) (invoker.Result, error), started, release chan struct{}) {
	started, release = make(chan struct{}, 1000), make(chan struct{})
	return func(ctx context.Context, msg *invoker.Message) (invoker.Result, error) {
		r, err := succeed(ctx, msg)
		started <- struct{}{}
		select {
		case <-release:
			return r, err
		case <-ctx.Done():
			return invoker.Result{}, ctx.Err()
		}
	}, started, release
}

func hello() *entity.Action {
	return &entity.Action{
		Name: entity.Name{Namespace: "guest", Package: "p", Name: "hello"}, Version: entity.Version{Patch: 3},
		Exec: entity.Exec{Kind: "nodejs:20"}, Limits: entity.DefaultLimits(), Revision: 1,
	}
}

func guest() *entity.Identity {
	return &entity.Identity{Subject: "guest-subject", Namespace: entity.Namespace{Name: "guest", UUID: "uuid", Key: "secret-key"}}
}

// shelf is a catalog.
type shelf struct {
	mu     sync.Mutex
	byName map[entity.Name]*entity.Action // guarded by mu
}

func (s *shelf) Resolve(_ context.Context, name entity.Name) (catalog.Resolved, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.byName[name]; a != nil {
		return catalog.Resolved{Action: a}, nil
	}
	return catalog.Resolved{}, entity.ErrNotFound
}

// Code is the id of the code, which the action that is shelved now alone has.
func (s *shelf) Code(ctx context.Context, a *entity.Action) (string, error) {
	now, err := s.Resolve(ctx, a.Name)
	if err != nil || now.Action.Exec.CodeID != a.Exec.CodeID {
		return "", entity.ErrNotFound
	}
	return a.Exec.CodeID, nil
}

func (s *shelf) remove(name entity.Name) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byName, name)
}

// rights are those that an identity lacks.
type rights map[entity.Name]error

func (r rights) Check(_ context.Context, _ *entity.Identity, p entitlement.Privilege, of entitlement.Resource) error {
	if p != entitlement.Activate || of.Collection != entity.Actions {
		return errors.New("another right than to invoke an action")
	}
	return r[of.Name]
}

type owners map[string]*entity.Identity

func (o owners) Owner(_ context.Context, uuid string) (*entity.Identity, error) {
	if id := o[uuid]; id != nil {
		return id, nil
	}
	return nil, entity.ErrAuthInvalid
}

// errorOf is the entity.Error in err, a zero one if there is none.
func errorOf(err error) *entity.Error {
	if e, ok := errors.AsType[*entity.Error](err); ok {
		return e
	}
	return &entity.Error{}
}
