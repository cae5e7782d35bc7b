package containerpool

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
)

// Options bound a Pool. The zero value of a duration or count means the
// default named beside it.
type Options struct {
	Memory       int64         // bytes for all containers together; required
	PauseGrace   time.Duration // idle time before a container is frozen: 10 s
	IdleTime     time.Duration // idle time before a container is removed: 10 min
	MaxWaiting   int           // activations that wait for a container: 10 000
	StemCells    map[string]StemCells
	MaxRuns      int    // of one container: 100 000; runtimes never give back some memory, such as old values of the environment
	StartsAtOnce int    // containers of one action that are started at a time: the number of processors, at least 2
	Truncation   int64  // bytes of a result that are kept: 1 MB
	APIHost      string // what actions see as __OW_API_HOST
	Logger       *slog.Logger
	Observer     Observer // nil for none
}

// Observer is told of what the pool does; its methods are called often and
// must be quick.
type Observer interface {
	ContainerStarted(kind string, start string, took time.Duration)
	ContainerDestroyed(kind, reason string)
}

func (o *Options) fillDefaults() {
	setDefault(&o.PauseGrace, 10*time.Second)
	setDefault(&o.IdleTime, 10*time.Minute)
	setDefault(&o.MaxWaiting, 10_000)
	setDefault(&o.MaxRuns, 100_000)
	setDefault(&o.StartsAtOnce, max(2, runtime.GOMAXPROCS(0)))
	setDefault(&o.Truncation, entity.MaxResultSize)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Observer == nil {
		o.Observer = noObserver{}
	}
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

type noObserver struct{}

func (noObserver) ContainerStarted(string, string, time.Duration) {}
func (noObserver) ContainerDestroyed(string, string)              {}

// key names the containers that may serve an activation: one revision of one
// action of one invoking namespace. Nothing is ever shared wider than that.
type key struct {
	namespace string
	action    entity.Name
	revision  uint64
}

// container is one sandbox in the books of the pool. All fields but those of
// the guarded container are guarded by the pool's mu.
type container struct {
	*guarded
	kind     string
	group    *group // nil for a stem cell
	capacity int    // runs that it may take at once; 0 until initialised
	inFlight int
	runs     int   // that have ended
	charge   int64 // bytes that it counts for now
	usage    int64 // bytes that it was measured to use when idle
	frozen   bool
	doomed   string // why it will be destroyed when its runs have ended
	free     bool   // in group.free
	idle     bool   // in the pool's list of idle containers
	idleAt   time.Time
	measured time.Time

	older, newer *container // in the pool's list of idle containers
}

// group holds the containers and the waiting activations of one key.
type group struct {
	key      key
	spec     Spec
	memory   int64 // bytes that one running container counts for
	capacity int   // runs that one container will take at once, as far as known
	free     []*container
	waiters  []*waiter
	creating int           // containers being made
	initing  int           // containers that an activation initialises
	members  int           // containers, starting ones included
	busy     int64         // bytes of those in use, starting ones included
	starved  bool          // waits for memory
	reminded bool          // a timer will look at it again
	typical  time.Duration // of a run, smoothed; 0 before the first
}

// waiter is one activation that waits for a container. Exactly one value is
// sent to ready, under the pool's mu, unless it gave up.
type waiter struct {
	ready chan delivery
	since time.Time
}

type delivery struct {
	c   *container
	how leaseKind
	err error
}

// Pool is the Invoker over a Factory. Close it to destroy its containers.
type Pool struct {
	factory Factory
	opt     Options
	life    context.Context //nolint:containedctx // of the pool: ends with Close
	end     context.CancelFunc
	tasks   sync.WaitGroup

	mu      sync.Mutex
	used    int64 // bytes charged to all containers
	freed   bool  // something that others may wait for: see unlock
	groups  map[key]*group
	alive   map[*container]struct{} // not destroyed yet
	byNS    map[string]int64        // bytes in use by each namespace
	waiting int
	idle    lru
	starved fairQueue
	cells   map[string]*cellStock
	closed  bool
}

// New starts a pool. It makes its first stem cells in the background.
func New(factory Factory, opt Options) *Pool {
	opt.fillDefaults()
	life, end := context.WithCancel(context.Background())
	p := &Pool{
		factory: factory, opt: opt, life: life, end: end,
		groups: map[key]*group{}, alive: map[*container]struct{}{}, byNS: map[string]int64{}, cells: map[string]*cellStock{},
	}
	for kind, want := range opt.StemCells {
		p.cells[kind] = newCellStock(want)
	}
	p.tasks.Go(p.sweep)
	return p
}

// Close refuses new activations, ends those that wait, destroys every
// container and waits until all of that is done or ctx ends. Activations that
// run lose their container: let them end before.
func (p *Pool) Close(ctx context.Context) error {
	p.mu.Lock()
	p.closed = true
	p.failWaiters(entity.ErrUnavailable)
	p.clear("server stops")
	p.unlock()
	p.end()
	done := make(chan struct{})
	go func() { p.tasks.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// failWaiters needs mu held.
func (p *Pool) failWaiters(err error) {
	for _, g := range p.groups {
		for len(g.waiters) > 0 {
			p.deliver(g, delivery{err: err})
		}
		p.dropIfEmpty(g)
	}
}

// clear ends all containers; those in use leave the books when their runs
// have ended. It needs mu held.
func (p *Pool) clear(reason string) {
	for p.idle.oldest != nil {
		p.evict(p.idle.oldest, reason)
	}
	for _, s := range p.cells {
		for len(s.ready) > 0 {
			c := s.pop()
			p.recharge(c, 0)
			p.destroy(c, reason)
		}
	}
	for c := range p.alive {
		c.doomed = reason
		p.destroy(c, reason)
	}
}

// Ready refuses more activations while as many wait as may.
func (p *Pool) Ready() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.waiting >= p.opt.MaxWaiting {
		return entity.ErrUnavailable.WithCode(fault.Overloaded)
	}
	return nil
}

// Stats is a snapshot for metrics.
type Stats struct {
	Containers, Idle, Frozen, StemCells, Waiting int
	MemoryCharged, MemoryLimit                   int64 // bytes
}

// Stats counts what the pool holds now.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Stats{Waiting: p.waiting, MemoryCharged: p.used, MemoryLimit: p.opt.Memory, Idle: p.idle.len}
	for _, g := range p.groups {
		s.Containers += g.members
	}
	for c := p.idle.oldest; c != nil; c = c.newer {
		if c.frozen {
			s.Frozen++
		}
	}
	for _, st := range p.cells {
		s.StemCells += len(st.ready)
	}
	return s
}
