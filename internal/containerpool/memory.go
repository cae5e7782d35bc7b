package containerpool

import "context"

// A running container counts for its whole memory limit, an idle one only
// for what it was last measured to use: that is what lets a thousand warm
// actions stay on one machine.

// One action may hold this share of the memory, and one namespace that one,
// so that neither can shut the others out. One container is always allowed.
const (
	actionShare    = 0.8
	namespaceShare = 0.9
)

// charge makes c count for want bytes, evicting idle containers if it must;
// it reports false, and changes nothing but the evictions, if it cannot. It
// needs mu held.
func (p *Pool) charge(c *container, want int64) bool {
	if c.inFlight > 0 || c.charge >= want {
		return true
	}
	if !p.makeRoom(c.group, want-c.charge, c) {
		return false
	}
	p.recharge(c, want)
	return true
}

// recharge needs mu held.
func (p *Pool) recharge(c *container, to int64) {
	delta := to - c.charge
	c.charge = to
	p.used += delta
	if c.group != nil {
		c.group.charge += delta
		p.bookNamespace(c.group.key.namespace, delta)
	}
}

func (p *Pool) bookNamespace(ns string, delta int64) {
	if p.byNS[ns] += delta; p.byNS[ns] <= 0 {
		delete(p.byNS, ns)
	}
}

// makeRoom evicts idle containers, longest idle first and never keep, until
// need more bytes fit. It needs mu held.
func (p *Pool) makeRoom(g *group, need int64, keep *container) bool {
	if !p.withinShare(g, need) {
		return false
	}
	for p.used+need > p.opt.Memory {
		victim := p.idle.oldest
		if victim == keep && victim != nil {
			victim = victim.newer
		}
		if victim == nil {
			return p.dropCells(need)
		}
		p.evict(victim, "memory needed")
	}
	return true
}

func (p *Pool) withinShare(g *group, need int64) bool {
	if g.charge+need > max(int64(actionShare*float64(p.opt.Memory)), g.memory) {
		return false
	}
	return p.byNS[g.key.namespace]+need <= max(int64(namespaceShare*float64(p.opt.Memory)), g.memory)
}

// dropCells gives up stem cells until need more bytes fit. It needs mu held.
func (p *Pool) dropCells(need int64) bool {
	for _, s := range p.cells {
		for p.used+need > p.opt.Memory && len(s.ready) > 0 {
			c := s.pop()
			p.recharge(c, 0)
			p.destroy(c, "memory needed")
		}
	}
	return p.used+need <= p.opt.Memory
}

// evict removes an idle container. It needs mu held.
func (p *Pool) evict(c *container, reason string) {
	p.idle.remove(c)
	p.unfree(c)
	c.doomed = reason
	p.discard(c)
}

// discard takes a container without runs out of the books and destroys it.
// It needs mu held.
func (p *Pool) discard(c *container) {
	g := c.group
	p.recharge(c, 0)
	g.members--
	p.destroy(c, c.doomed)
	p.dropIfEmpty(g)
	p.pump()
}

// destroy ends a container in the background; Close waits for it.
func (p *Pool) destroy(c *container, reason string) {
	p.opt.Observer.ContainerDestroyed(c.kind, reason)
	p.tasks.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), destroyTimeout)
		defer cancel()
		if err := c.Destroy(ctx, reason); err != nil {
			p.opt.Logger.Warn("container could not be removed", "container", c.ID(), "error", err)
		}
	})
}

// pump gives memory that became free to those that wait for it, namespace by
// namespace. It needs mu held.
func (p *Pool) pump() {
	for range p.starved.turns {
		if len(p.starved.turns) == 0 {
			return
		}
		g := p.starved.groups[p.starved.turns[0]][0]
		p.starved.rotate(g)
		p.grow(g)
	}
}
