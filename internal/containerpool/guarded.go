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
	turn   chan struct{} // holds one token while the lifecycle changes
	mu     sync.Mutex
	paused bool   // guarded by mu; changed by who has the turn
	reason string // guarded by mu; not empty once destroyed
}

func guard(c Container) *guarded { return &guarded{Container: c, turn: make(chan struct{}, 1)} }

// enter waits for the turn to change the lifecycle, leave ends it.
func (g *guarded) enter(ctx context.Context) error {
	select {
	case g.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for container %s: %w", g.ID(), ctx.Err())
	}
}

func (g *guarded) leave() { <-g.turn }

// state needs no lock held.
func (g *guarded) state() (paused bool, ended error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.paused, g.destroyed()
}

func (g *guarded) setPaused(paused bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.paused = paused
}

// PauseIf freezes the container if it can be frozen and still holds: a lease
// may have come first.
func (g *guarded) PauseIf(ctx context.Context, still func() bool) error {
	p, ok := g.Container.(Pauser)
	if !ok {
		return nil
	}
	if err := g.enter(ctx); err != nil {
		return err
	}
	defer g.leave()
	if paused, ended := g.state(); paused || ended != nil || !still() {
		return nil
	}
	if err := p.Pause(ctx); err != nil {
		return fmt.Errorf("pause container %s: %w", g.ID(), err)
	}
	g.setPaused(true)
	return nil
}

// Resume thaws the container if it is frozen.
func (g *guarded) Resume(ctx context.Context) error {
	p, ok := g.Container.(Pauser)
	if !ok {
		return nil
	}
	if err := g.enter(ctx); err != nil {
		return err
	}
	defer g.leave()
	paused, ended := g.state()
	if ended != nil || !paused {
		return ended
	}
	if err := p.Resume(ctx); err != nil {
		return fmt.Errorf("resume container %s: %w", g.ID(), err)
	}
	g.setPaused(false)
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

// Destroy ends the container; later calls do nothing. Runs under way fail
// with the reason.
func (g *guarded) Destroy(ctx context.Context, reason string) error {
	if err := g.enter(ctx); err != nil {
		return err
	}
	defer g.leave()
	if _, ended := g.state(); ended != nil {
		return nil
	}
	g.mu.Lock()
	g.reason = reason
	g.mu.Unlock()
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

// errDestroyed is in every error of a container that its owner ended: its
// death is not the action's doing.
var errDestroyed = errors.New("container was destroyed")

// destroyed needs mu held; it is nil while the container lives.
func (g *guarded) destroyed() error {
	if g.reason == "" {
		return nil
	}
	return fmt.Errorf("%w: %s: %s", errDestroyed, g.ID(), g.reason)
}
