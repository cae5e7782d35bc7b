package containerpool

import "time"

// measureAfter is the age at which the measured use of an idle container
// is taken anew.
const measureAfter = 30 * time.Second

// sweep freezes, measures and removes idle containers and adapts the stem
// cells until the pool closes.
func (p *Pool) sweep() {
	p.mu.Lock()
	p.adapt()
	p.unlock()
	tick := time.NewTicker(min(time.Second, p.opt.PauseGrace))
	defer tick.Stop()
	adapted := time.Now()
	for {
		select {
		case <-p.life.Done():
			return
		case now := <-tick.C:
			p.sweepOnce(now)
			if now.Sub(adapted) >= demandWindow {
				adapted = now
				p.mu.Lock()
				p.adapt()
				p.unlock()
			}
		}
	}
}

// sweepOnce looks at every idle container, longest idle first.
func (p *Pool) sweepOnce(now time.Time) {
	var freeze, measure []*container
	p.mu.Lock()
	for c := p.idle.oldest; c != nil; {
		next := c.newer
		switch idle := now.Sub(c.idleAt); {
		case idle >= p.opt.IdleTime:
			p.evict(c, "idle too long")
		case idle >= p.opt.PauseGrace && !c.frozen:
			c.frozen = true
			freeze = append(freeze, c)
		}
		if now.Sub(c.measured) >= measureAfter {
			c.measured = now
			measure = append(measure, c)
		}
		c = next
	}
	p.unlock()
	for _, c := range measure {
		p.measure(c)
	}
	for _, c := range freeze {
		p.freeze(c)
	}
}

// freeze pauses c unless it was leased meanwhile; one that cannot be paused
// is given up.
func (p *Pool) freeze(c *container) {
	stillFrozen := func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return c.frozen && c.idle
	}
	err := c.PauseIf(p.life, stillFrozen)
	if err == nil {
		return
	}
	p.mu.Lock()
	defer p.unlock()
	if c.idle {
		p.opt.Logger.Warn("container could not be frozen", "container", c.ID(), "error", err)
		p.evict(c, "could not be frozen")
	}
}

// measure updates what c counts for when idle. If all take more than there is
// then, the ones idle longest go.
func (p *Pool) measure(c *container) {
	bytes, ok := c.MemoryUsage()
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.unlock()
	c.usage = bytes
	if !c.idle {
		return
	}
	p.recharge(c, min(bytes, c.group.memory))
	for p.used > p.opt.Memory && p.idle.oldest != nil {
		p.evict(p.idle.oldest, "memory needed")
	}
}
