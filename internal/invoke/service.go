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
	return &Service{Config: c, life: life, abort: abort, tasks: newCrew()}
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

// execution is one activation from its acceptance to its record.
type execution struct {
	service *Service
	req     Request
	id      entity.ActivationID
	done    chan struct{} // closed when finished is set
	form    form
	within  *execution // the sequence or composition that it is a part of, nil if topmost
	steps   steps      // of a sequence or composition
	tally   *tally     // of a sequence or composition

	mu       sync.Mutex
	queued   bool               // guarded by mu: the queue holds it
	started  bool               // guarded by mu: a container has it, it may have effects
	marked   bool               // guarded by mu: the queue knows that it started
	finished *entity.Activation // guarded by mu until done is closed
	refusal  error              // of a blocking caller: it was not started, or has no record
}

// run takes the activation to its end and its record. The slot is
// given back before the caller learns of the end, who may call again at once.
func (x *execution) run() {
	s := x.service
	defer close(x.done)
	defer x.req.Done()
	msg := x.message()
	result, err := x.perform(msg)
	if err != nil {
		if x.refused(err) {
			return
		}
		result = x.failed(msg, err)
		s.Logger.Error("activation failed", "activation", x.id, "action", msg.Action.Name.String(), "transaction", msg.Transaction, "error", err)
	}
	a := record(msg, &result, x.lineage())
	x.mu.Lock()
	defer x.mu.Unlock()
	x.finished = a
	if err := s.Recorder.Record(context.WithoutCancel(s.life), msg.Identity, a, x.queued); err != nil {
		s.Logger.Error("activation is not recorded", "activation", x.id, "error", err)
		if !isFull(err) { // the record is lost, and nobody may count on it
			x.refusal = err
		}
	}
	if s.Observer != nil {
		s.Observer.ActivationEnded(a, x.ofContainer(&result))
	}
}

// perform runs the activation in the form that its action has. An error means
// that it did nothing, or that nothing is known of what it did.
func (x *execution) perform(msg *invoker.Message) (invoker.Result, error) {
	if x.within == nil {
		x.form = formOf(x.req.Action)
	}
	switch x.form {
	case sequence:
		x.tally = x.share()
		return x.runSequence()
	case composition:
		x.tally = x.share()
		return x.runComposition()
	}
	msg.Args, msg.Env = merge(x.req.Action.Parameters, x.req.Payload)
	return x.service.Invoker.Invoke(x.service.life, msg)
}

// refused reports whether an activation without a result needs no record: its
// blocking caller is told instead, or the server stops and finds it in the
// queue when it starts again.
func (x *execution) refused(err error) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	stopping := x.service.life.Err() != nil
	if x.queued {
		return stopping
	}
	if x.within != nil && stopping && !x.started {
		x.refusal = err
		return true
	}
	if k := entity.KindOf(err); k == entity.Unavailable || k == entity.Throttled {
		x.refusal = err
		return true
	}
	return false
}

// message is what the invoker needs to know, but for the arguments.
func (x *execution) message() *invoker.Message {
	s, req := x.service, &x.req
	return &invoker.Message{
		Action: req.Action, Binding: req.Binding, Identity: req.Identity, ID: x.id,
		Transaction: req.Transaction, Accepted: req.Accepted,
		Code:     func(ctx context.Context) (string, error) { return s.Catalog.Code(ctx, req.Action) },
		Starting: x.starting,
	}
}

// await waits for the record of a blocking activation. When the wait is over
// the activation becomes a queued one before its id is given away, so that a
// crash cannot lose it.
func (x *execution) await(ctx context.Context) (Outcome, error) {
	wait := time.NewTimer(x.req.Wait)
	defer wait.Stop()
	select {
	case <-x.done:
		return x.outcome()
	case <-ctx.Done():
		return Outcome{ID: x.id}, nil
	case <-wait.C:
	}
	x.mu.Lock()
	if x.finished == nil && x.refusal == nil {
		defer x.mu.Unlock()
		if err := x.enqueue(ctx); err != nil {
			return Outcome{}, err
		}
		return Outcome{ID: x.id}, nil
	}
	x.mu.Unlock()
	<-x.done
	return x.outcome()
}

func (x *execution) outcome() (Outcome, error) {
	if x.refusal != nil {
		return Outcome{}, x.refusal
	}
	return Outcome{ID: x.id, Activation: x.finished}, nil
}
