package containerpool

import (
	"context"
	"math"
	"time"
)

// StemCells is how many started, sandboxed runtimes of a kind wait for an
// action. The pool keeps between Min and Max, following the demand.
type StemCells struct{ Min, Max int }

// nominalUsage is what a container counts for that was never measured.
const nominalUsage = 16 << 20

// demandWindow is how often the number of cells is adapted.
const demandWindow = 5 * time.Second

// refillDelay is how long after a cell was taken the next one is started.
const refillDelay = 20 * time.Millisecond

// noDemand is the smoothed demand that counts as none: reached about half a
// minute after a single cold start.
const noDemand = 1. / 64

// cellStock is the stem cells of one kind; all fields are guarded by the
// pool's mu.
type cellStock struct {
	want     StemCells
	target   int
	ready    []*container
	starting int
	soon     bool      // a timer will refill it
	taken    int       // since the last adaptation
	demand   float64   // smoothed takings in one window
	failures int       // starts that failed in a row
	retryAt  time.Time // no start before, after a failure
}

// KeepStemCells says how many stem cells of which kinds the pool keeps from
// now on; it comes in place of Options.StemCells.
func (p *Pool) KeepStemCells(want map[string]StemCells) {
	p.mu.Lock()
	defer p.unlock()
	for kind, n := range want {
		if s := p.cells[kind]; s != nil {
			s.want = n
			continue
		}
		p.cells[kind] = newCellStock(n)
	}
	for kind, s := range p.cells {
		if _, wanted := want[kind]; !wanted {
			s.want = StemCells{}
		}
	}
	p.adapt()
}

func newCellStock(want StemCells) *cellStock {
	return &cellStock{want: want, target: want.Min}
}

func (s *cellStock) pop() *container {
	c := s.ready[len(s.ready)-1]
	s.ready = s.ready[:len(s.ready)-1]
	return c
}

// takeCell turns a stem cell into a container of g, in use; nil if there is
// none, if one on its way will do, or if memory is short. It needs mu held.
func (p *Pool) takeCell(g *group) *container {
	s := p.cells[g.spec.Kind]
	if s == nil || g.spec.Image != "" || len(s.ready) == 0 || len(g.waiters) < g.seatsToCome() {
		return nil
	}
	c := s.pop()
	if !p.makeRoom(g, g.memory-c.charge, nil) {
		s.ready = append(s.ready, c)
		return nil
	}
	s.taken++
	c.group = g
	c.inFlight = 1
	g.initing++
	g.members++
	p.recharge(c, g.memory)
	p.book(g, g.memory)
	p.refillSoon(g.spec.Kind, s)
	return c
}

// refillSoon refills s when the activation that took the cell has probably
// had its answer: starting another takes the processors from it. It needs mu
// held.
func (p *Pool) refillSoon(kind string, s *cellStock) {
	if s.soon {
		return
	}
	s.soon = true
	time.AfterFunc(refillDelay, func() {
		p.mu.Lock()
		defer p.unlock()
		s.soon = false
		p.refill(kind, s)
	})
}

// refill starts what s lacks, one at a time, with memory that no activation
// waits for. It needs mu held.
func (p *Pool) refill(kind string, s *cellStock) {
	if p.closed || s.starting > 0 || len(s.ready) >= s.target || time.Now().Before(s.retryAt) {
		return
	}
	if p.starved.len > 0 || p.used+nominalUsage > p.opt.Memory {
		return
	}
	s.starting++
	p.used += nominalUsage
	p.tasks.Go(func() {
		began := time.Now()
		ctx, cancel := context.WithTimeout(p.life, createTimeout)
		defer cancel()
		made, err := p.factory.Create(ctx, Spec{Kind: kind})
		p.mu.Lock()
		defer p.unlock()
		s.starting--
		p.freed = true // a cell gives way to those that wait for memory
		if err != nil {
			p.used -= nominalUsage
			p.cellFailed(kind, s, err)
			return
		}
		s.failures = 0
		p.opt.Observer.ContainerStarted(kind, string(leaseCell.start()), time.Since(began))
		c := &container{guarded: guard(made), kind: kind, charge: nominalUsage, usage: nominalUsage}
		p.alive[c] = struct{}{}
		if p.closed {
			p.recharge(c, 0)
			p.destroy(c, "server stops")
			return
		}
		s.ready = append(s.ready, c)
		p.refill(kind, s)
	})
}

// cellFailed puts the next try off, twice as long each time. It needs mu held.
func (p *Pool) cellFailed(kind string, s *cellStock, err error) {
	if p.closed {
		return
	}
	wait := min(time.Second<<min(s.failures, 6), time.Minute)
	s.failures++
	s.retryAt = time.Now().Add(wait)
	p.opt.Logger.Warn("stem cell could not be started", "kind", kind, "retry", wait, "error", err)
}

// adapt sets the target of every kind to the recent demand. It needs mu held.
func (p *Pool) adapt() {
	for kind, s := range p.cells {
		s.demand = 0.5*s.demand + 0.5*float64(s.taken)
		s.taken = 0
		if s.demand < noDemand {
			s.demand = 0
		}
		s.target = max(s.want.Min, min(s.want.Max, int(math.Ceil(s.demand))))
		for len(s.ready) > s.target {
			c := s.pop()
			p.recharge(c, 0)
			p.destroy(c, "fewer stem cells needed")
		}
		p.refill(kind, s)
	}
}
