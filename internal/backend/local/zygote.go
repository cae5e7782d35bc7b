package local

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gowhisk/gowhisk/internal/sandbox"
	"github.com/gowhisk/gowhisk/runtimes"
)

// A zygote is replaced after so many forks or so long, because what it drew
// at its start, its layout in memory and the seed of its hashes, is in every
// fork. After one that never forked the next is tried only after a while.
const (
	maxForks     = 256
	maxZygoteAge = 10 * time.Minute
	zygoteRetry  = 10 * time.Minute
	zygoteStart  = 30 * time.Second
)

// zygotes has one zygote for each kind that can have one. A start never waits
// for one: while there is none, it is an ordinary start.
type zygotes struct {
	factory *Factory
	forks   atomic.Int64
	making  sync.WaitGroup

	mu     sync.Mutex
	byKind map[string]*nest // guarded by mu
	closed bool             // guarded by mu
}

// nest is the place of the zygote of a kind.
type nest struct {
	zygote *sandbox.Zygote // nil if there is none
	born   time.Time       // of the zygote, or of the last attempt
	making bool
}

// start starts the sandbox of c, by a fork if possible.
func (z *zygotes) start(ctx context.Context, c *cell, s sandbox.Spec) (*sandbox.Process, error) {
	if zygote := z.take(c); zygote != nil {
		p, err := zygote.Start(ctx, s)
		if err == nil {
			z.forks.Add(1)
			return p, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
		z.factory.opt.Logger.Warn("container starts without its zygote", "kind", c.host.Kind, "error", err)
		z.retire(c.host.Kind, zygote)
	}
	return z.factory.opt.Sandbox.Start(ctx, s)
}

// take returns the zygote for c, if there is one, and has one made if it is
// time.
func (z *zygotes) take(c *cell) *sandbox.Zygote {
	argv, ok := c.host.ZygoteArgv(z.factory.opt.Sandbox.Path(z.factory.mounts(c).launchers))
	if !ok || !z.factory.opt.Fork || !z.factory.opt.Sandbox.CanFork() {
		return nil
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	n := z.byKind[c.host.Kind]
	if n == nil {
		n = new(nest)
		z.byKind[c.host.Kind] = n
	}
	age := time.Since(n.born)
	due := n.zygote == nil && age > zygoteRetry ||
		n.zygote != nil && (age > maxZygoteAge || n.zygote.Forks() >= maxForks)
	if due && !n.making && !z.closed {
		n.making = true
		spec := z.factory.zygoteSpec(c, argv)
		z.making.Go(func() { z.make(c.host, spec) })
	}
	return n.zygote
}

// make starts a zygote and puts it in the place of the one there was.
func (z *zygotes) make(h runtimes.Host, s sandbox.Spec) {
	ctx, cancel := context.WithTimeout(context.Background(), zygoteStart)
	defer cancel()
	fresh, err := z.factory.opt.Sandbox.StartZygote(ctx, s, sandbox.Places{Targets: []string{actionDir}, Sources: z.factory.cells})
	if err != nil {
		z.factory.opt.Logger.Warn("zygote does not start; containers start without", "kind", h.Kind, "error", err)
	}
	z.mu.Lock()
	old := fresh
	if n := z.byKind[h.Kind]; n != nil { // else closed meanwhile
		n.making, n.born = false, time.Now()
		old, n.zygote = n.zygote, fresh
	}
	z.mu.Unlock()
	z.end(ctx, h.Kind, old)
}

// retire gives up a zygote that failed.
func (z *zygotes) retire(kind string, failed *sandbox.Zygote) {
	z.mu.Lock()
	n := z.byKind[kind]
	mine := n.zygote == failed
	if mine {
		n.zygote, n.born = nil, time.Now()
		if failed.Forks() > 0 { // it could, so the next one can
			n.born = time.Time{}
		}
	}
	z.mu.Unlock()
	if mine {
		ctx, cancel := context.WithTimeout(context.Background(), zygoteStart)
		defer cancel()
		z.end(ctx, kind, failed)
	}
}

func (z *zygotes) end(ctx context.Context, kind string, old *sandbox.Zygote) {
	if old == nil {
		return
	}
	if err := old.Close(context.WithoutCancel(ctx)); err != nil {
		z.factory.opt.Logger.Warn("zygote does not end", "kind", kind, "error", err)
	}
}

// close ends all zygotes and waits for those in the making.
func (z *zygotes) close(ctx context.Context) {
	z.mu.Lock()
	z.closed = true
	all := z.byKind
	z.byKind = map[string]*nest{}
	z.mu.Unlock()
	z.making.Wait()
	for kind, n := range all {
		z.end(ctx, kind, n.zygote)
	}
}

// zygoteSpec is the sandbox of the zygote for containers like c: the same,
// but for what is each container's own.
func (f *Factory) zygoteSpec(c *cell, argv []string) sandbox.Spec {
	s := f.spec(c, 0)
	s.Path, s.Args, s.Dir = argv[0], argv, "/"
	s.Mounts = slices.DeleteFunc(s.Mounts, func(m sandbox.Mount) bool { return m.Target == actionDir })
	return s
}

// Forks counts the containers that were started by fork.
func (f *Factory) Forks() int64 { return f.zygotes.forks.Load() }

// Close ends what the factory keeps running beside its containers, which must
// be gone, and removes what it keeps outside its own directory.
func (f *Factory) Close(ctx context.Context) {
	f.zygotes.close(ctx)
	if f.shared == "" {
		return
	}
	if err := removeTree(f.shared); err != nil {
		f.opt.Logger.WarnContext(ctx, "a folder is left", "path", f.shared, "err", err)
	}
}
