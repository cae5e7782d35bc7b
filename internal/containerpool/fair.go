package containerpool

import (
	"slices"
	"time"
)

// yieldAfter is how long an activation may wait for the first container of
// its action before all others stand back for it: memory that becomes free is
// kept until it is enough.
const yieldAfter = 100 * time.Millisecond

// fairQueue orders groups that wait for memory so that every namespace gets
// its turn, whatever the number of its actions.
type fairQueue struct {
	turns  []string // namespaces with something waiting, next one first
	groups map[string][]*group
	len    int // groups
}

func (q *fairQueue) add(g *group) {
	if g.starved {
		return
	}
	g.starved = true
	q.len++
	if q.groups == nil {
		q.groups = map[string][]*group{}
	}
	ns := g.key.namespace
	if len(q.groups[ns]) == 0 {
		q.turns = append(q.turns, ns)
	}
	q.groups[ns] = append(q.groups[ns], g)
}

// remove takes g out, if it is in.
func (q *fairQueue) remove(g *group) {
	if !g.starved {
		return
	}
	g.starved = false
	q.len--
	ns := g.key.namespace
	q.groups[ns] = without(q.groups[ns], g)
	if len(q.groups[ns]) == 0 {
		delete(q.groups, ns)
		q.turns = without(q.turns, ns)
	}
}

// next returns the group whose turn it is, nil if none waits.
func (q *fairQueue) next() *group {
	if len(q.turns) == 0 {
		return nil
	}
	return q.groups[q.turns[0]][0]
}

// rotate ends the turn of g, and of its namespace.
func (q *fairQueue) rotate(g *group) {
	ns := g.key.namespace
	if len(q.groups[ns]) > 0 {
		q.turns = append(without(q.turns, ns), ns)
	}
	if g.starved {
		q.groups[ns] = append(without(q.groups[ns], g), g)
	}
}

func without[T comparable](list []T, v T) []T {
	if i := slices.Index(list, v); i >= 0 {
		return slices.Delete(list, i, i+1)
	}
	return list
}

// heir returns the first group in turn that has waited so long that memory is
// kept for it, nil if there is none. A group that its share of the memory
// holds back is none: what others give up would not help it. It needs mu
// held.
func (p *Pool) heir() *group {
	for _, ns := range p.starved.turns {
		for _, g := range p.starved.groups[ns] {
			if g.members == 0 && len(g.waiters) > 0 && time.Since(g.waiters[0].since) > yieldAfter && p.withinShare(g) {
				return g
			}
		}
	}
	return nil
}

// mustYield reports whether memory is kept for another group than g. It
// needs mu held.
func (p *Pool) mustYield(g *group) bool {
	if p.starved.len == 0 {
		return false
	}
	h := p.heir()
	return h != nil && h != g
}

// pump gives what became free to those that wait for it: to the heirs first,
// then namespace by namespace. It needs mu held.
func (p *Pool) pump() {
	for p.freed {
		p.freed = false
		if !p.serveHeirs() {
			continue
		}
		for range p.starved.len {
			g := p.starved.next()
			if g == nil {
				break
			}
			p.grow(g)
			p.starved.rotate(g)
		}
	}
}

// serveHeirs reports whether none is left. It needs mu held.
func (p *Pool) serveHeirs() bool {
	for {
		g := p.heir()
		if g == nil {
			return true
		}
		p.grow(g)
		if g.members == 0 && len(g.waiters) > 0 {
			return false // it goes on waiting, and the memory with it
		}
		p.starved.rotate(g)
	}
}
