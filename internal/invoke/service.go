package invoke

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/gowhisk/gowhisk/internal/catalog"
	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
	"github.com/gowhisk/gowhisk/internal/store"
)

// abortTime bounds how long Drain waits for activations that it abandoned.
const abortTime = 2 * time.Second

// Catalog is what the Service asks of the catalog.
type Catalog interface {
	Resolve(ctx context.Context, name entity.Name) (catalog.Resolved, error)
	Code(ctx context.Context, a *entity.Action) (string, error)
}

// Recorder is what the Service asks of package activation.
type Recorder interface {
	Ready() error
	Record(ctx context.Context, id *entity.Identity, a *entity.Activation, queued bool) error
}

// Records finds what an interrupted sequence had run; store.Activations does.
type Records interface {
	List(ctx context.Context, q store.ActivationQuery) ([]*entity.Activation, error)
}

// Entitlement is what the Service asks about the actions that a sequence or
// a conductor names.
type Entitlement interface {
	Check(ctx context.Context, id *entity.Identity, p entitlement.Privilege, r entitlement.Resource) error
}

// Identities finds who a recovered activation acts as: the owner of a
// namespace by its UUID. Errors: entity.ErrAuthInvalid if nobody is.
type Identities interface {
	Owner(ctx context.Context, uuid string) (*entity.Identity, error)
}

// Observer is told of every activation that has ended; it must be quick.
type Observer interface {
	ActivationEnded(a *entity.Activation, r *invoker.Result)
}

// Config wires a Service; all fields but the last three are required.
type Config struct {
	Invoker     invoker.Invoker
	Catalog     Catalog
	Entitlement Entitlement
	Recorder    Recorder
	Records     Records
	Queue       store.Queue
	Identities  Identities

	Observer      Observer
	Logger        *slog.Logger
	MaxComponents int // of a sequence, nested ones expanded, or composition; 0 means 50
}

// Service runs activations. Make it with New and stop it with Drain.
type Service struct {
	Config
	mint  entity.Mint
	life  context.Context //nolint:containedctx // of the activations, which outlive their requests
	abort context.CancelFunc

	mu     sync.Mutex
	closed bool  // guarded by mu
	tasks  *crew // added to under mu while not closed

	draining chan struct{} // closed with closed
}

// New returns a Service that is ready to invoke.
func New(c Config) *Service {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.MaxComponents == 0 {
		c.MaxComponents = defaultComponents
	}
	life, abort := context.WithCancel(context.Background())
	return &Service{Config: c, life: life, abort: abort, tasks: newCrew(), draining: make(chan struct{})}
}

// Invoke starts one activation. It returns when the request is durable
// (non-blocking), when the record is (blocking), or when the wait is over.
// The end of ctx ends the wait, never the activation. Errors are refusals: no
// activation exists then, or at the end of the wait none that outlives a
// crash.
func (s *Service) Invoke(ctx context.Context, req Request) (Outcome, error) {
	err := s.Recorder.Ready()
	if gate, ok := s.Invoker.(invoker.Gate); ok && err == nil {
		err = gate.Ready()
	}
	if err != nil {
		req.Done()
		return Outcome{}, err
	}
	x := &execution{service: s, req: req, id: s.mint.New(time.Now()), done: make(chan struct{})}
	if !req.Blocking {
		if err := x.enqueue(ctx); err != nil {
			req.Done()
			return Outcome{}, err
		}
	}
	if !s.launch(x.run) {
		req.Done()
		return Outcome{}, x.withdraw(ctx)
	}
	if !req.Blocking {
		return Outcome{ID: x.id}, nil
	}
	return x.await(ctx)
}

// launch runs task unless the Service is closed; Drain waits for it.
func (s *Service) launch(task func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.tasks.Go(task)
	return true
}

// Drain refuses new activations and waits for those that run. If ctx ends
// first the rest is abandoned: what was queued is found by Recover at the
// next start.
func (s *Service) Drain(ctx context.Context) error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		s.tasks.dismiss()
		close(s.draining)
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() { s.tasks.Wait(); close(done) }()
	select {
	case <-done:
		s.abort()
		return nil
	case <-ctx.Done():
	}
	s.abort()
	late := time.NewTimer(abortTime)
	defer late.Stop()
	select {
	case <-done:
	case <-late.C: // such as one whose record waits for a full disk
		s.Logger.Warn("activations do not end", "after", abortTime.String())
	}
	return ctx.Err()
}
