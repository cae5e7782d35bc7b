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

// grow makes as many containers for g as its waiters can use and memory
// allows; what is short of memory waits its turn. It needs mu held.
func (p *Pool) grow(g *group) {
	for len(g.waiters) > g.seatsToCome() {
		// A warm container may have room and only lacked memory.
		if c := g.peek(); c != nil && c.inFlight == 0 {
			if !p.charge(c, g.memory) {
				break
			}
			frozen := p.take(c)
			p.handOver(g, c, frozen)
			continue
		}
		if !p.makeRoom(g, g.memory, nil) {
			break
		}
		p.spawn(g)
	}
	if len(g.waiters) > g.seatsToCome() {
		p.starved.add(g)
		return
	}
	p.starved.remove(g)
}

// seatsToCome is how many waiters the containers on their way will serve at
// once: the activation that initialises one takes a seat of it.
func (g *group) seatsToCome() int {
	return g.creating*g.capacity + g.initing*(g.capacity-1)
}

// handOver gives a warm container to the first waiter; thawing it happens
// outside the lock. It needs mu held.
func (p *Pool) handOver(g *group, c *container, frozen bool) {
	if !frozen {
		p.deliver(g, delivery{c: c, how: leaseWarm})
		return
	}
	w := g.waiters[0]
	g.waiters = g.waiters[1:]
	p.waiting--
	p.tasks.Go(func() {
		err := p.thaw(p.life, c, true)
		p.mu.Lock()
		defer p.mu.Unlock()
		w.ready <- delivery{c: c, how: leaseWarm, err: err}
	})
}

// spawn makes one container for g in the background, charged from now on. It
// needs mu held and room for g.memory.
func (p *Pool) spawn(g *group) {
	g.creating++
	g.members++
	g.charge += g.memory
	p.used += g.memory
	p.bookNamespace(g.key.namespace, g.memory)
	p.tasks.Go(func() {
		began := time.Now()
		ctx, cancel := context.WithTimeout(p.life, createTimeout)
		defer cancel()
		made, err := p.factory.Create(ctx, g.spec)
		p.mu.Lock()
		defer p.mu.Unlock()
		g.creating--
		if err != nil {
			p.abandonSpawn(g, err)
			return
		}
		p.opt.Observer.ContainerStarted(g.spec.Kind, string(leaseFresh.start()), time.Since(began))
		c := &container{guarded: guard(made), kind: g.spec.Kind, group: g, charge: g.memory, usage: nominalUsage}
		p.place(c)
	})
}

// abandonSpawn needs mu held.
func (p *Pool) abandonSpawn(g *group, err error) {
	g.members--
	g.charge -= g.memory
	p.used -= g.memory
	p.bookNamespace(g.key.namespace, -g.memory)
	if len(g.waiters) > 0 {
		p.deliver(g, delivery{err: err})
	}
	p.dropIfEmpty(g)
	p.pump()
}

// place gives a container that is not initialised to the first waiter of its
// group. If a warm one was quicker for all of them it becomes a stem cell, or
// ends. It needs mu held.
func (p *Pool) place(c *container) {
	g := c.group
	if p.closed {
		c.doomed = "server stops"
		p.discard(c)
		return
	}
	if len(g.waiters) > 0 {
		c.inFlight = 1
		g.initing++
		p.deliver(g, delivery{c: c, how: leaseFresh})
		return
	}
	stock := p.cells[c.kind]
	if g.spec.Image != "" || stock == nil || len(stock.ready) >= stock.want.Max {
		c.doomed = "not needed any more"
		p.discard(c)
		return
	}
	p.recharge(c, 0)
	g.members--
	c.group, c.inFlight = nil, 0
	p.recharge(c, nominalUsage)
	stock.ready = append(stock.ready, c)
	p.dropIfEmpty(g)
	p.pump()
}

// ready opens a container that has been initialised for as many runs as its
// action and its runtime allow.
func (p *Pool) ready(c *container, limits entity.Limits) {
	p.mu.Lock()
	defer p.mu.Unlock()
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
	defer p.mu.Unlock()
	g := c.group
	g.initing--
	c.inFlight = 0
	c.doomed = reason
	p.discard(c)
	if _, there := p.groups[g.key]; there {
		p.grow(g)
	}
}
