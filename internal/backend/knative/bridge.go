package knative

import (
	"context"
	"sync"
)

// bridge is what answers for a version of an action while its Service wakes: a few stem cells, which
// became the action's. Its fields are guarded by the mu of the bridges.
type bridge struct {
	plan
	of      StemCell
	atOnce  int // runs in one cell
	left    int // cells that it may still take
	berths  []*berth
	over    bool          // requests go to the Service
	changed chan struct{} // closed with every change
}

// berth is the runs in one cell.
type berth struct {
	cell    *cell
	inUse   int
	adopted bool // the action has answered from it; until then it takes one request
	broken  bool
}

// seat is one run's place in a cell.
type seat struct {
	bridge *bridge
	berth  *berth
	first  bool // the request has to bring the action
}

// bridges are those that are open.
type bridges struct {
	cells *cells
	wake  func(*bridge) // is called once for each, and returns at once

	mu   sync.Mutex
	open map[string]*bridge // by Revision; guarded by mu
}

// board returns a seat as soon as there is one, or false if the Service is to be asked: it serves, or no
// cell will do. asleep opens a bridge if there is none. Every seat has to be left.
func (b *bridges) board(ctx context.Context, p plan, of StemCell, atOnce int, asleep bool) (seat, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if asleep && b.open[p.revision()] == nil {
		if _, wanted := b.cells.waiting(of); wanted > 0 {
			b.start(p, of, max(1, atOnce), (wanted+1)/2) // others need cells, too
		}
	}
	for {
		over := b.open[p.revision()]
		if over == nil || over.over {
			return seat{}, false
		}
		if s, ok := b.sit(over); ok {
			return s, true
		}
		if len(over.berths) == 0 {
			return seat{}, false
		}
		changed := over.changed
		b.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
		b.mu.Lock()
		if ctx.Err() != nil {
			return seat{}, false
		}
	}
}

// start opens a bridge if there is a cell for it. The caller holds mu.
func (b *bridges) start(p plan, of StemCell, atOnce, most int) {
	one := b.cells.take(of, p.service)
	if one == nil {
		return
	}
	made := &bridge{plan: p, of: of, atOnce: atOnce, left: most - 1, berths: []*berth{{cell: one}}, changed: make(chan struct{})}
	b.open[p.revision()] = made
	b.wake(made)
}

// sit takes a seat, of a further cell if need be and there may be one. The caller holds mu.
func (b *bridges) sit(at *bridge) (seat, bool) {
	for _, one := range at.berths {
		room := 1
		if one.adopted {
			room = at.atOnce
		}
		if one.inUse < room && !one.broken && !b.cells.gone(one.cell) {
			one.inUse++
			return seat{at, one, !one.adopted}, true
		}
	}
	if at.left == 0 {
		return seat{}, false
	}
	further := b.cells.take(at.of, at.service)
	if further == nil {
		return seat{}, false
	}
	at.left--
	made := &berth{cell: further, inUse: 1}
	at.berths = append(at.berths, made)
	return seat{at, made, true}, true
}

// left is how a request left its seat.
type left int

const (
	unused    left = iota // nothing was sent
	answered              // by the action
	unreached             // the cell does not take requests: another may do
	lost                  // the cell is in no state that anybody knows
)

// leave gives a seat back. What is of no further use is deleted.
func (b *bridges) leave(s seat, how left) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s.berth.inUse--
	switch how {
	case answered:
		s.berth.adopted = true
	case unreached:
		if !s.berth.broken {
			s.bridge.left++
		}
		s.berth.broken = true
	case lost:
		s.berth.broken = true
	}
	b.clear(s.bridge)
}

// clear lets go of cells that nobody needs, and tells who waits. The caller holds mu.
func (b *bridges) clear(at *bridge) {
	kept := at.berths[:0]
	for _, one := range at.berths {
		if one.inUse == 0 && (at.over || one.broken || b.cells.gone(one.cell)) {
			b.cells.condemn(one.cell)
			continue
		}
		kept = append(kept, one)
	}
	clear(at.berths[len(kept):])
	at.berths = kept
	close(at.changed)
	at.changed = make(chan struct{})
}

// end sends all further requests to the Service.
func (b *bridges) end(at *bridge) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at.over = true
	b.clear(at)
}

// forget allows for another bridge, the next time that the Service is at zero.
func (b *bridges) forget(at *bridge) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.open, at.revision())
}

// crossing reports whether a cell answers for that version now.
func (b *bridges) crossing(p plan) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := b.open[p.revision()]
	return at != nil && !at.over
}
