package containerpool

// lru is the list of idle containers, the one idle longest first. It is
// threaded through the containers, so moving costs nothing.
type lru struct {
	oldest, newest *container
	len            int
}

func (l *lru) push(c *container) {
	c.older, c.newer = l.newest, nil
	if l.newest != nil {
		l.newest.newer = c
	} else {
		l.oldest = c
	}
	l.newest = c
	l.len++
}

func (l *lru) remove(c *container) {
	if c.older != nil {
		c.older.newer = c.newer
	} else {
		l.oldest = c.newer
	}
	if c.newer != nil {
		c.newer.older = c.older
	} else {
		l.newest = c.older
	}
	c.older, c.newer = nil, nil
	l.len--
}

// fairQueue orders groups that wait for memory so that every namespace gets
// its turn, whatever the number of its actions.
type fairQueue struct {
	turns  []string // namespaces with something waiting, next one first
	groups map[string][]*group
}

func (q *fairQueue) add(g *group) {
	if g.starved {
		return
	}
	g.starved = true
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
	ns := g.key.namespace
	q.groups[ns] = without(q.groups[ns], g)
	if len(q.groups[ns]) == 0 {
		delete(q.groups, ns)
		q.turns = without(q.turns, ns)
	}
}

// rotate puts the namespace of g, and g within it, to the end.
func (q *fairQueue) rotate(g *group) {
	if !g.starved {
		return
	}
	ns := g.key.namespace
	q.turns = append(without(q.turns, ns), ns)
	q.groups[ns] = append(without(q.groups[ns], g), g)
}

func without[T comparable](list []T, v T) []T {
	for i := range list {
		if list[i] == v {
			return append(list[:i], list[i+1:]...)
		}
	}
	return list
}
