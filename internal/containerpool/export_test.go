package containerpool

import (
	"errors"
	"fmt"
)

// CheckBooks reports every contradiction in the books of the pool.
func (p *Pool) CheckBooks() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := books{pool: p, members: map[*group]int{}, busy: map[*group]int64{}, byNS: map[string]int64{}}
	b.containers()
	b.groups()
	b.idle()
	b.cells()
	if b.used != p.used {
		b.wrong("used is %d, containers sum up to %d", p.used, b.used)
	}
	if p.used > p.opt.Memory {
		b.wrong("used %d of %d bytes", p.used, p.opt.Memory)
	}
	for ns, bytes := range p.byNS {
		if b.byNS[ns] != bytes {
			b.wrong("namespace %s is booked with %d, has %d", ns, bytes, b.byNS[ns])
		}
	}
	return errors.Join(b.errs...)
}

// CheckEmpty reports what a pool still holds that should hold nothing.
func (p *Pool) CheckEmpty() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.used != 0 || p.waiting != 0 || p.idle.len != 0 || p.starved.len != 0 ||
		len(p.groups) != 0 || len(p.alive) != 0 || len(p.byNS) != 0 {
		return fmt.Errorf("used %d, waiting %d, idle %d, starved %d, groups %d, alive %d, namespaces %v",
			p.used, p.waiting, p.idle.len, p.starved.len, len(p.groups), len(p.alive), p.byNS)
	}
	return nil
}

// books is what the containers themselves add up to.
type books struct {
	pool    *Pool
	used    int64
	members map[*group]int
	busy    map[*group]int64
	byNS    map[string]int64
	errs    []error
}

func (b *books) wrong(format string, args ...any) {
	b.errs = append(b.errs, fmt.Errorf(format, args...))
}

func (b *books) containers() {
	for c := range b.pool.alive {
		b.used += c.charge
		g := c.group
		if g == nil {
			continue
		}
		b.members[g]++
		if !c.idle {
			b.busy[g] += g.memory
			if c.charge != g.memory {
				b.wrong("container %s in use counts %d, not %d", c.ID(), c.charge, g.memory)
			}
		}
		if c.idle != (c.inFlight == 0) {
			b.wrong("container %s: idle %v with %d in flight", c.ID(), c.idle, c.inFlight)
		}
		room := c.capacity > c.inFlight && c.doomed == ""
		if c.free != room {
			b.wrong("container %s: free %v with %d of %d in flight", c.ID(), c.free, c.inFlight, c.capacity)
		}
	}
}

func (b *books) groups() {
	waiting, starved := 0, 0
	for k, g := range b.pool.groups {
		if k != g.key {
			b.wrong("group %v lies under %v", g.key, k)
		}
		waiting += len(g.waiters)
		if g.starved {
			starved++
		}
		short := len(g.waiters) > g.seatsToCome()
		held := g.reminded || g.creating+g.initing >= b.pool.opt.StartsAtOnce // it will be looked at again
		if g.starved && !short || short && !g.starved && !held {
			b.wrong("group %v: starved %v with %d waiting for %d seats", k, g.starved, len(g.waiters), g.seatsToCome())
		}
		coming := int64(g.creating) * g.memory
		b.used += coming
		b.busy[g] += coming
		b.byNS[k.namespace] += b.busy[g]
		if n := b.members[g] + g.creating; n != g.members || n == 0 && len(g.waiters) == 0 {
			b.wrong("group %v has %d members, books say %d", k, n, g.members)
		}
		if g.busy != b.busy[g] {
			b.wrong("group %v has %d bytes in use, books say %d", k, b.busy[g], g.busy)
		}
	}
	if waiting != b.pool.waiting || starved != b.pool.starved.len {
		b.wrong("waiting %d, books say %d; starved %d, books say %d", waiting, b.pool.waiting, starved, b.pool.starved.len)
	}
	for g := range b.members {
		if b.pool.groups[g.key] != g {
			b.wrong("group %v is forgotten but has containers", g.key)
		}
	}
}

func (b *books) idle() {
	n, bytes := 0, int64(0)
	for c := b.pool.idle.oldest; c != nil; c = c.newer {
		n++
		bytes += c.charge
		if !c.idle {
			b.wrong("container %s is listed as idle", c.ID())
		}
	}
	if n != b.pool.idle.len || bytes != b.pool.idle.bytes {
		b.wrong("idle %d with %d bytes, books say %d with %d", n, bytes, b.pool.idle.len, b.pool.idle.bytes)
	}
}

func (b *books) cells() {
	for kind, s := range b.pool.cells {
		b.used += int64(s.starting) * nominalUsage
		for _, c := range s.ready {
			if c.group != nil || c.charge != nominalUsage {
				b.wrong("stem cell %s of %s has a group or counts %d", c.ID(), kind, c.charge)
			}
		}
	}
}
