package containerpool

// lru is the list of idle containers, the one idle longest first. It is
// threaded through the containers, so moving costs nothing.
type lru struct {
	oldest, newest *container
	len            int
	bytes          int64 // that they count for
}

func (l *lru) push(c *container) {
	c.idle = true
	c.older, c.newer = l.newest, nil
	if l.newest != nil {
		l.newest.newer = c
	} else {
		l.oldest = c
	}
	l.newest = c
	l.len++
	l.bytes += c.charge
}

func (l *lru) remove(c *container) {
	c.idle = false
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
	l.bytes -= c.charge
}
