package protocoltest

import (
	"context"
	"errors"
)

// clause is one sentence of the contract.
type clause struct {
	id, title string
	style     Style // the one that the clause is about; empty for all
	check     func(*session) error
}

// life is one container from its start to its end, and the clauses that are tried on it in order.
// The first life of a platform is the one that a single container can lead.
type life struct {
	start   Start
	missing string // why the life cannot be led with these samples
	exits   bool   // it must end before it listens, with a status that tells of a failure
	clauses []clause
}

// notApplicable is the reason why a clause says nothing about this runtime.
type notApplicable string

func (n notApplicable) Error() string { return string(n) }

// silence is the end of a conversation: nothing further is tried on the container.
type silence struct{ error }

func (s silence) Unwrap() error { return s.error }

// silentLives is after how many lives in which the runtime went silent no further one begins.
const silentLives = 2

// certification is one run of Certify.
type certification struct {
	opts    Options
	results []Result
	silent  int    // lives that ended in silence
	last    string // clause at which that happened
}

func (c *certification) add(cl clause, o Outcome, seen string) {
	c.results = append(c.results, Result{ID: cl.id, Title: cl.title, Outcome: o, Seen: seen})
}

func (c *certification) addAll(l life, o Outcome, seen string) {
	for _, cl := range l.clauses {
		c.add(cl, o, seen)
	}
}

// live leads one life.
func (c *certification) live(ctx context.Context, l life) {
	if l.missing != "" {
		c.addAll(l, NotApplicable, l.missing)
		return
	}
	if c.silent >= silentLives {
		c.addAll(l, NotTried, "the runtime did not answer at "+c.last)
		return
	}
	l.start.Env = append([]string{"__OW_RUNTIME_PLATFORM=" + c.opts.Platform, "OW_RUNTIME_PLATFORM=" + c.opts.Platform}, l.start.Env...)
	container, err := c.opts.Launch(ctx, l.start)
	switch {
	case errors.Is(err, ErrOnlyOne) || errors.Is(err, errNotSuch):
		c.addAll(l, NotApplicable, err.Error())
		return
	case l.exits:
		c.exits(l, container, err)
		return
	case err != nil:
		c.silent++
		c.last = "its start"
		c.add(l.clauses[0], Fail, err.Error())
		c.addAll(life{clauses: l.clauses[1:]}, NotTried, "the runtime did not start")
		return
	}
	if container.Stop != nil {
		defer container.Stop()
	}
	s := newSession(ctx, container, c.opts)
	defer s.client.CloseIdleConnections()
	for i, cl := range l.clauses {
		if !c.try(s, cl) {
			c.silent++
			c.last = cl.id
			c.addAll(life{clauses: l.clauses[i+1:]}, NotTried, "the runtime did not answer at "+cl.id)
			return
		}
	}
}

// exits judges a start that must fail.
func (c *certification) exits(l life, container Container, err error) {
	var e exited
	switch {
	case err == nil:
		if container.Stop != nil {
			container.Stop()
		}
		c.addAll(l, Fail, "it serves")
	case errors.As(err, &e) && e.status != 0:
		c.addAll(l, Pass, err.Error())
	default:
		c.addAll(l, Fail, err.Error())
	}
}

// try returns false when the runtime has gone silent.
func (c *certification) try(s *session, cl clause) bool {
	if cl.style != "" && cl.style != c.opts.Samples.Style {
		c.add(cl, NotApplicable, "for runtimes of the style "+string(cl.style))
		return true
	}
	s.seen = ""
	err := cl.check(s)
	var not notApplicable
	var quiet silence
	switch {
	case err == nil:
		c.add(cl, Pass, s.seen)
	case errors.As(err, &not):
		c.add(cl, NotApplicable, not.Error())
	default:
		c.add(cl, Fail, err.Error())
	}
	return !errors.As(err, &quiet)
}
