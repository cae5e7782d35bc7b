package containerpool

import "time"

// An activation whose turn at the containers that run should come sooner
// than in shortWait does not get one of its own: making it takes longer than
// that, and costs everybody. It waits no longer than longWait, whatever was to
// be expected.
const (
	shortWait = 2 * time.Millisecond
	longWait  = 50 * time.Millisecond
)

// learn takes a run's duration into what is typical of g. It needs mu held.
func (g *group) learn(took time.Duration) {
	if g.typical == 0 {
		g.typical = max(took, 1)
		return
	}
	g.typical += (took - g.typical) / 8
}

// holdsBack reports whether no container is made for g now although one
// waits: as many are on their way as the machine can start at once, or those
// that run will be free before a new one would be. It needs mu held.
func (p *Pool) holdsBack(g *group) bool {
	starting := g.creating + g.initing
	if starting >= p.opt.StartsAtOnce {
		return true // each of them looks again when it is ready
	}
	running := g.members - starting
	if running == 0 || g.typical == 0 || g.typical*time.Duration(len(g.waiters)+1)/time.Duration(running) >= shortWait {
		return false
	}
	var waited time.Duration
	if len(g.waiters) > 0 {
		waited = time.Since(g.waiters[0].since)
	}
	if waited >= longWait {
		return false
	}
	if !g.reminded {
		g.reminded = true
		time.AfterFunc(longWait-waited, func() { p.remind(g) })
	}
	return true
}

// remind looks again at a group whose waiters were held back.
func (p *Pool) remind(g *group) {
	p.mu.Lock()
	defer p.unlock()
	g.reminded = false
	if !p.closed && len(g.waiters) > 0 {
		p.grow(g)
	}
}
