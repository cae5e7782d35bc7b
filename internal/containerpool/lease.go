package containerpool

import (
	"context"
	"fmt"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
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

// lease returns a container for one run of msg's action: a warm one, a stem
// cell, or the first to become available of those that run and those that are
// made. The caller initialises it unless it is warm, and gives it back.
func (p *Pool) lease(ctx context.Context, msg *invoker.Message) (*container, leaseKind, error) {
	for {
		c, how, err := p.obtain(ctx, msg)
		if err != nil || how != leaseWarm {
			return c, how, err
		}
		// Whoever gets a container thaws it, outside the lock.
		if err = c.Resume(ctx); err == nil {
			return c, how, nil
		}
		p.release(c, "could not be resumed")
		if ctx.Err() != nil {
			return nil, 0, ctx.Err()
		}
		p.opt.Logger.Warn("container could not be resumed", "container", c.ID(), "error", err)
	}
}

// obtain is lease but for thawing.
func (p *Pool) obtain(ctx context.Context, msg *invoker.Message) (*container, leaseKind, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, 0, entity.ErrUnavailable
	}
	if need := msg.Action.Limits.Memory * entity.MB; need > p.opt.Memory {
		p.mu.Unlock()
		return nil, 0, fmt.Errorf("action %s needs %d bytes of memory, all containers together have %d", msg.Action.Name, need, p.opt.Memory)
	}
	g := p.groupOf(msg)
	if len(g.waiters) == 0 && !p.mustYield(g) {
		if c := p.takeWarm(g); c != nil {
			p.unlock()
			return c, leaseWarm, nil
		}
		if !p.holdsBack(g) {
			if c := p.takeCell(g); c != nil {
				p.unlock()
				return c, leaseCell, nil
			}
		}
	}
	if p.waiting >= p.opt.MaxWaiting {
		p.dropIfEmpty(g)
		p.unlock()
		return nil, 0, entity.ErrUnavailable.WithCode(fault.Overloaded)
	}
	w := &waiter{ready: make(chan delivery, 1), since: time.Now()}
	g.waiters = append(g.waiters, w)
	p.waiting++
	p.grow(g)
	p.unlock()
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
	defer p.unlock()
	select {
	case d := <-w.ready: // it came at the last moment: pass it on
		if d.err == nil {
			p.unlease(d.c, d.how)
		}
	default:
		g.waiters = without(g.waiters, w)
		p.waiting--
		p.grow(g) // fewer wait now: it may not be starved any more
		p.dropIfEmpty(g)
		p.freed = true // memory may have been kept for it
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
			key: k, spec: Spec{Kind: exec.Kind, Image: exec.Image, Memory: msg.Action.Limits.Memory},
			memory: msg.Action.Limits.Memory * entity.MB, capacity: max(1, msg.Action.Limits.Concurrency),
		}
		p.groups[k] = g
	}
	return g
}

// peek returns a container with room: one in use, which costs no memory, else
// the one that was used last, the least likely to be frozen or cold in the
// caches.
func (g *group) peek() *container {
	if len(g.free) == 0 {
		return nil
	}
	last := g.free[len(g.free)-1]
	if g.capacity == 1 {
		return last
	}
	for _, c := range g.free {
		if !c.idle {
			return c
		}
	}
	return last
}

// takeWarm books one more run on an initialised container of g; nil if none
// has room or memory is short. It needs mu held.
func (p *Pool) takeWarm(g *group) *container {
	c := g.peek()
	if c == nil || c.idle && !p.engage(c) {
		return nil
	}
	c.inFlight++
	c.frozen = false
	if c.inFlight >= c.capacity {
		p.unfree(c)
	}
	return c
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
	defer p.unlock()
	p.put(c, reason)
}

// put is release with mu held.
func (p *Pool) put(c *container, reason string) {
	c.inFlight--
	if c.runs++; c.runs >= p.opt.MaxRuns && reason == "" {
		reason = "ran often enough"
	}
	if c.doomed == "" {
		c.doomed = reason
	}
	if c.doomed == "" {
		p.offer(c)
		return
	}
	p.unfree(c)
	if c.inFlight == 0 {
		g := c.group
		p.abort(c, c.doomed)
		p.grow(g) // those that waited for it
		p.dropIfEmpty(g)
	}
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
		p.recharge(c, min(c.usage, g.memory))
		p.book(g, -g.memory)
		p.idle.push(c)
		p.freed = true
	}
}

// deliver needs mu held and a waiter.
func (p *Pool) deliver(g *group, d delivery) {
	w := g.waiters[0]
	g.waiters[0] = nil
	g.waiters = g.waiters[1:]
	if len(g.waiters) == 0 {
		g.waiters = nil
	}
	if len(g.waiters) <= g.seatsToCome() {
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
	p.place(c, how)
}

// dropIfEmpty forgets a group that holds nothing. It needs mu held.
func (p *Pool) dropIfEmpty(g *group) {
	if g.members == 0 && len(g.waiters) == 0 {
		p.starved.remove(g)
		if p.groups[g.key] == g {
			delete(p.groups, g.key)
		}
	}
}
