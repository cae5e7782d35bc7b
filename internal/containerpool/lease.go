package containerpool

import (
	"context"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
)

// leaseKind says how the container came to the activation.
type leaseKind uint8

const (
	leaseWarm  leaseKind = iota
	leaseCell            // not initialised: a stem cell
	leaseFresh           // not initialised: made for this
)

func (k leaseKind) start() invoker.Start {
	return [...]invoker.Start{invoker.Warm, invoker.Prewarmed, invoker.Cold}[k]
}

// yieldAfter is how long an activation of another namespace or action may
// wait for memory before a container that others still queue for is given up.
const yieldAfter = 100 * time.Millisecond

// lease returns a container for one run of msg's action: a warm one, a stem
// cell, or the first to become available of those that run and those that are
// made. The caller initialises it unless it is warm, and gives it back.
func (p *Pool) lease(ctx context.Context, msg *invoker.Message) (*container, leaseKind, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, 0, entity.ErrUnavailable
	}
	g := p.groupOf(msg)
	if c := g.peek(); c != nil && len(g.waiters) == 0 && p.charge(c, g.memory) {
		frozen := p.take(c)
		p.mu.Unlock()
		return c, leaseWarm, p.thaw(ctx, c, frozen)
	}
	if c := p.takeCell(g); c != nil {
		p.mu.Unlock()
		return c, leaseCell, nil
	}
	if p.waiting >= p.opt.MaxWaiting {
		p.dropIfEmpty(g)
		p.mu.Unlock()
		return nil, 0, entity.ErrUnavailable.WithCode("GW3002")
	}
	w := &waiter{ready: make(chan delivery, 1), since: time.Now()}
	g.waiters = append(g.waiters, w)
	p.waiting++
	p.grow(g)
	p.mu.Unlock()
	return p.await(ctx, g, w)
}

// await waits for w's container or for the end of ctx.
func (p *Pool) await(ctx context.Context, g *group, w *waiter) (*container, leaseKind, error) {
	select {
	case d := <-w.ready:
		return d.c, d.how, d.err
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case d := <-w.ready: // it came at the last moment: pass it on
		if d.err == nil {
			p.unlease(d.c, d.how)
		}
	default:
		g.waiters = without(g.waiters, w)
		p.waiting--
		p.dropIfEmpty(g)
	}
	return nil, 0, ctx.Err()
}

// groupOf needs mu held.
func (p *Pool) groupOf(msg *invoker.Message) *group {
	k := key{msg.Identity.Namespace.Name, msg.Action.Name, msg.Action.Revision}
	g := p.groups[k]
	if g == nil {
		exec := &msg.Action.Exec
		g = &group{
			key: k, spec: Spec{Kind: exec.Kind, Image: exec.Image},
			memory: msg.Action.Limits.Memory * entity.MB, capacity: msg.Action.Limits.Concurrency,
		}
		p.groups[k] = g
	}
	return g
}

// peek returns the container that was used last among those with room: it is
// the least likely to be frozen or cold in the caches.
func (g *group) peek() *container {
	if len(g.free) == 0 {
		return nil
	}
	return g.free[len(g.free)-1]
}

// take books one more run on c, which is charged for it already, and reports
// whether it must be thawed. It needs mu held.
func (p *Pool) take(c *container) (frozen bool) {
	if c.inFlight == 0 {
		p.idle.remove(c)
	}
	c.inFlight++
	frozen, c.frozen = c.frozen, false
	if c.inFlight >= c.capacity {
		p.unfree(c)
	}
	return frozen
}

// thaw resumes a leased container; one that cannot be is given up.
func (p *Pool) thaw(ctx context.Context, c *container, frozen bool) error {
	if !frozen {
		return nil
	}
	if err := c.Resume(ctx); err != nil {
		p.release(c, "could not be resumed")
		return err
	}
	return nil
}

// unfree needs mu held.
func (p *Pool) unfree(c *container) {
	if c.free {
		c.free = false
		c.group.free = without(c.group.free, c)
	}
}

// release gives c back after one run. A reason means that it must not be
// used again.
func (p *Pool) release(c *container, reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.put(c, reason)
}

// put is release with mu held.
func (p *Pool) put(c *container, reason string) {
	c.inFlight--
	if c.doomed == "" {
		c.doomed = reason
	}
	if p.closed && c.doomed == "" {
		c.doomed = "server stops"
	}
	if c.doomed != "" {
		p.unfree(c)
		if c.inFlight == 0 {
			p.discard(c)
		}
		return
	}
	p.offer(c)
}

// offer makes the room in c available: to those that wait for it first. It
// needs mu held.
func (p *Pool) offer(c *container) {
	g := c.group
	for c.inFlight < c.capacity && len(g.waiters) > 0 && !p.mustYield(g) {
		c.inFlight++
		p.deliver(g, delivery{c: c, how: leaseWarm})
	}
	if c.inFlight < c.capacity && !c.free {
		c.free = true
		g.free = append(g.free, c)
	}
	if c.inFlight == 0 {
		c.idleAt = time.Now()
		p.idle.push(c)
		p.recharge(c, min(c.usage, g.memory))
		p.pump()
	}
}

// mustYield reports whether others have waited for memory so long that a
// container of g should rather be given up.
func (p *Pool) mustYield(g *group) bool {
	for _, ns := range p.starved.turns {
		for _, other := range p.starved.groups[ns] {
			if other != g && len(other.waiters) > 0 && other.members == 0 &&
				time.Since(other.waiters[0].since) > yieldAfter {
				return true
			}
		}
	}
	return false
}

// deliver needs mu held and a waiter.
func (p *Pool) deliver(g *group, d delivery) {
	w := g.waiters[0]
	g.waiters[0] = nil
	g.waiters = g.waiters[1:]
	if len(g.waiters) == 0 {
		g.waiters = nil
		p.starved.remove(g)
	}
	p.waiting--
	w.ready <- d
}

// unlease passes on a container that nobody wants any more. It needs mu held.
func (p *Pool) unlease(c *container, how leaseKind) {
	if how == leaseWarm {
		p.put(c, "")
		return
	}
	c.group.initing--
	p.place(c)
}

func (p *Pool) failWaiters(g *group, err error) {
	for len(g.waiters) > 0 {
		p.deliver(g, delivery{err: err})
	}
}

// dropIfEmpty forgets a group that holds nothing. It needs mu held.
func (p *Pool) dropIfEmpty(g *group) {
	if g.members == 0 && len(g.waiters) == 0 {
		p.starved.remove(g)
		delete(p.groups, g.key)
	}
}
