package containerpool

import (
	"context"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
)

const (
	createTimeout  = 30 * time.Second
	destroyTimeout = 10 * time.Second
)

// grow finds as many containers for g as its waiters can use and memory
// allows; what is short of memory waits its turn. It needs mu held.
func (p *Pool) grow(g *group) {
	held := false
	for len(g.waiters) > g.seatsToCome() && !p.mustYield(g) && !held {
		if c := p.takeWarm(g); c != nil {
			p.deliver(g, delivery{c: c, how: leaseWarm})
			continue
		}
		if held = p.holdsBack(g); !held && !p.supply(g) {
			break
		}
	}
	if len(g.waiters) > g.seatsToCome() && !held {
		p.starved.add(g)
		return
	}
	p.starved.remove(g)
}

// supply gives g's first waiter a stem cell or starts a container. It needs
// mu held.
func (p *Pool) supply(g *group) bool {
	if c := p.takeCell(g); c != nil {
		p.deliver(g, delivery{c: c, how: leaseCell})
		return true
	}
	if !p.makeRoom(g, g.memory, nil) {
		return false
	}
	p.spawn(g)
	return true
}

// seatsToCome is how many waiters the containers on their way will serve at
// once: the activation that initialises one takes a seat of it.
func (g *group) seatsToCome() int {
	return g.creating*g.capacity + g.initing*(g.capacity-1)
}

// spawn makes one container for g in the background, charged from now on. It
// needs mu held and room for g.memory.
func (p *Pool) spawn(g *group) {
	g.creating++
	g.members++
	p.used += g.memory
	p.book(g, g.memory)
	if s := p.cells[g.spec.Kind]; s != nil && g.spec.Image == "" {
		s.taken++
	}
	p.tasks.Go(func() {
		began := time.Now()
		ctx, cancel := context.WithTimeout(p.life, createTimeout)
		defer cancel()
		made, err := p.factory.Create(ctx, g.spec)
		p.mu.Lock()
		defer p.unlock()
		g.creating--
		if err != nil {
			p.abandonSpawn(g, err)
			return
		}
		p.opt.Observer.ContainerStarted(g.spec.Kind, string(leaseFresh.start()), time.Since(began))
		c := &container{guarded: guard(made), kind: g.spec.Kind, group: g, charge: g.memory, usage: nominalUsage}
		p.alive[c] = struct{}{}
		p.place(c, leaseFresh)
	})
}

// abandonSpawn fails one waiter; the others get their own try. It needs mu
// held.
func (p *Pool) abandonSpawn(g *group, err error) {
	g.members--
	p.used -= g.memory
	p.book(g, -g.memory)
	if len(g.waiters) > 0 {
		p.deliver(g, delivery{err: err})
	}
	p.grow(g)
	p.dropIfEmpty(g)
}

// place gives a container that is not initialised to the first waiter of its
// group. If a warm one was quicker for all of them it becomes a stem cell, or
// ends. It needs mu held.
func (p *Pool) place(c *container, how leaseKind) {
	g := c.group
	c.inFlight = 0
	if p.closed {
		p.abort(c, "server stops")
		return
	}
	if len(g.waiters) > 0 {
		c.inFlight = 1
		g.initing++
		p.deliver(g, delivery{c: c, how: how})
		return
	}
	stock := p.cells[c.kind]
	if g.spec.Image != "" || stock == nil || len(stock.ready) >= stock.want.Max {
		p.abort(c, "not needed any more")
		return
	}
	p.book(g, -g.memory)
	p.recharge(c, nominalUsage)
	g.members--
	c.group = nil
	stock.ready = append(stock.ready, c)
	p.dropIfEmpty(g)
}

// ready opens a container that has been initialised for as many runs as its
// action and its runtime allow.
func (p *Pool) ready(c *container, limits entity.Limits) {
	p.mu.Lock()
	defer p.unlock()
	g := c.group
	g.initing--
	c.capacity = max(1, min(limits.Concurrency, c.Concurrency()))
	g.capacity = c.capacity
	for c.inFlight < c.capacity && len(g.waiters) > 0 {
		c.inFlight++
		p.deliver(g, delivery{c: c, how: leaseWarm})
	}
	if c.inFlight < c.capacity {
		c.free = true
		g.free = append(g.free, c)
	}
	p.grow(g)
}

// unready gives up a container whose initialisation did not succeed.
func (p *Pool) unready(c *container, reason string) {
	p.mu.Lock()
	defer p.unlock()
	g := c.group
	g.initing--
	c.inFlight = 0
	p.abort(c, reason)
	p.grow(g)
	p.dropIfEmpty(g)
}
