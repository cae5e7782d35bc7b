package containerpool

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/protocol"
)

// guarded decorates any Container: it serialises lifecycle changes, remembers
// why the container ended and answers with that reason ever after. Runs pass
// through without a lock.
type guarded struct {
	Container
	mu     sync.Mutex
	paused bool   // guarded by mu
	reason string // guarded by mu; not empty once destroyed
}

func guard(c Container) *guarded { return &guarded{Container: c} }

// PauseIf freezes the container if it can be frozen and still holds: a lease
// may have come first.
func (g *guarded) PauseIf(ctx context.Context, still func() bool) error {
	p, ok := g.Container.(Pauser)
	if !ok {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.reason != "" || g.paused || !still() {
		return nil
	}
	if err := p.Pause(ctx); err != nil {
		return fmt.Errorf("pause container %s: %w", g.ID(), err)
	}
	g.paused = true
	return nil
}

// Resume thaws a frozen container.
func (g *guarded) Resume(ctx context.Context) error {
	p, ok := g.Container.(Pauser)
	if !ok {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.reason != "" || !g.paused {
		return g.destroyed()
	}
	if err := p.Resume(ctx); err != nil {
		return fmt.Errorf("resume container %s: %w", g.ID(), err)
	}
	g.paused = false
	return nil
}

// MemoryUsage returns bytes, ok is false if the container cannot tell.
func (g *guarded) MemoryUsage() (bytes int64, ok bool) {
	m, is := g.Container.(Meter)
	if !is {
		return 0, false
	}
	n, err := m.MemoryUsage()
	return n, err == nil
}

// Init and Run name the reason once the container is gone.
func (g *guarded) Init(ctx context.Context, a Assignment) (Answer, error) {
	ans, err := g.Container.Init(ctx, a)
	return ans, g.explain(err)
}

func (g *guarded) Run(ctx context.Context, req *protocol.RunRequest) (Answer, error) {
	ans, err := g.Container.Run(ctx, req)
	return ans, g.explain(err)
}

func (g *guarded) Logs(ctx context.Context, id entity.ActivationID) Logs {
	return g.Container.Logs(ctx, id)
}

// Destroy ends the container; later calls do nothing.
func (g *guarded) Destroy(ctx context.Context, reason string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.reason != "" {
		return nil
	}
	g.reason = reason
	if err := g.Container.Destroy(ctx, reason); err != nil {
		return fmt.Errorf("destroy container %s (%s): %w", g.ID(), reason, err)
	}
	return nil
}

func (g *guarded) explain(err error) error {
	if err == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.reason == "" {
		return err
	}
	return errors.Join(err, g.destroyed())
}

// destroyed needs mu held; it is nil while the container lives.
func (g *guarded) destroyed() error {
	if g.reason == "" {
		return nil
	}
	return fmt.Errorf("container %s was destroyed: %s", g.ID(), g.reason)
}
