package containerpool

import "context"

// A container in use counts for its whole memory limit, an idle one only for
// what it was last measured to use: that is what lets a thousand warm actions
// stay on one machine.

// The containers in use of one action may hold this share of the memory, and
// those of one namespace that one, so that neither can shut the others out.
// One container is always allowed; idle ones do not count, for they give way.
const (
	actionShare    = 0.8
	namespaceShare = 0.9
)

// unlock gives what became free to those that wait for it, and then mu. Code
// that holds mu only sets freed: nothing is given away in the middle of a
// change to the books.
func (p *Pool) unlock() {
	if p.freed {
		p.pump()
	}
	p.mu.Unlock()
}

// engage makes an idle container of g count in full, evicting others if it
// must; it reports false if it cannot. It needs mu held.
func (p *Pool) engage(c *container) bool {
	g := c.group
	if !p.makeRoom(g, g.memory-c.charge, c) {
		return false
	}
	p.idle.remove(c)
	p.recharge(c, g.memory)
	p.book(g, g.memory)
	return true
}

// recharge makes c count for to bytes. It needs mu held.
func (p *Pool) recharge(c *container, to int64) {
	delta := to - c.charge
	c.charge = to
	p.used += delta
	if c.idle {
		p.idle.bytes += delta
	}
	if delta < 0 {
		p.freed = true
	}
}

// book counts bytes that come into use by g, or go out of it. It needs mu
// held.
func (p *Pool) book(g *group, delta int64) {
	g.busy += delta
	ns := g.key.namespace
	if p.byNS[ns] += delta; p.byNS[ns] == 0 {
		delete(p.byNS, ns)
	}
	if delta < 0 {
		p.freed = true
	}
}

// makeRoom evicts idle containers, longest idle first and never keep, then
// stem cells, until need more bytes fit for one more container of g in use.
// It evicts nothing if that is not enough. It needs mu held.
func (p *Pool) makeRoom(g *group, need int64, keep *container) bool {
	if !p.withinShare(g) {
		return false
	}
	over := p.used + need - p.opt.Memory
	if over > p.spare(keep) {
		return false
	}
	for p.used+need > p.opt.Memory {
		victim := p.idle.oldest
		if victim != nil && victim == keep {
			victim = victim.newer
		}
		if victim == nil {
			p.dropCell("memory needed")
			continue
		}
		p.evict(victim, "memory needed")
	}
	return true
}

// spare is what evicting everything but keep would give. It needs mu held.
func (p *Pool) spare(keep *container) int64 {
	bytes := p.idle.bytes
	if keep != nil {
		bytes -= keep.charge
	}
	for _, s := range p.cells {
		bytes += int64(len(s.ready)) * nominalUsage
	}
	return bytes
}

// withinShare reports whether g may have one more container in use.
func (p *Pool) withinShare(g *group) bool {
	share := func(part float64) int64 { return max(int64(part*float64(p.opt.Memory)), g.memory) }
	return g.busy+g.memory <= share(actionShare) && p.byNS[g.key.namespace]+g.memory <= share(namespaceShare)
}

// dropCell gives up one stem cell of any kind. It needs mu held.
func (p *Pool) dropCell(reason string) {
	for _, s := range p.cells {
		if len(s.ready) > 0 {
			c := s.pop()
			p.recharge(c, 0)
			p.destroy(c, reason)
			return
		}
	}
}

// evict removes an idle container. It needs mu held.
func (p *Pool) evict(c *container, reason string) {
	p.idle.remove(c)
	p.unfree(c)
	p.discard(c, reason)
}

// abort removes a container in use that no run is in any more. It needs mu
// held.
func (p *Pool) abort(c *container, reason string) {
	p.book(c.group, -c.group.memory)
	p.discard(c, reason)
}

// discard takes a container out of the books and destroys it. It needs mu
// held.
func (p *Pool) discard(c *container, reason string) {
	c.doomed = reason
	p.recharge(c, 0)
	c.group.members--
	p.destroy(c, reason)
	p.dropIfEmpty(c.group)
}

// destroy ends a container in the background; Close waits for it. Only the
// first call for a container does anything. It needs mu held.
func (p *Pool) destroy(c *container, reason string) {
	if _, alive := p.alive[c]; !alive {
		return
	}
	delete(p.alive, c)
	p.opt.Observer.ContainerDestroyed(c.kind, reason)
	p.tasks.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), destroyTimeout)
		defer cancel()
		if err := c.Destroy(ctx, reason); err != nil {
			p.opt.Logger.Warn("container could not be removed", "container", c.ID(), "error", err)
		}
	})
}
