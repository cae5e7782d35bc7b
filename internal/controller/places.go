package controller

import (
	"context"
	"sync"
)

// places bounds how much is in memory at once: so many things together, and
// one for each namespace, so that none takes the places of all. Make one with
// newPlaces.
type places struct {
	all chan struct{} // holds a value for each place that is taken

	mu         sync.Mutex
	namespaces map[string]*place // guarded by mu
}

// place is that of one namespace.
type place struct {
	taken chan struct{}
	users int // guarded by places.mu: who has it and who waits for it
}

func newPlaces(n int) *places {
	return &places{all: make(chan struct{}, n), namespaces: map[string]*place{}}
}

// claim waits for a place. The caller calls release when done with it.
func (p *places) claim(ctx context.Context, namespace string) (release func(), err error) {
	own := p.join(namespace)
	select {
	case own.taken <- struct{}{}:
	case <-ctx.Done():
		p.leave(namespace)
		return nil, ctx.Err()
	}
	select {
	case p.all <- struct{}{}:
		return func() { <-p.all; <-own.taken; p.leave(namespace) }, nil
	case <-ctx.Done():
		<-own.taken
		p.leave(namespace)
		return nil, ctx.Err()
	}
}

func (p *places) join(namespace string) *place {
	p.mu.Lock()
	defer p.mu.Unlock()
	own := p.namespaces[namespace]
	if own == nil {
		own = &place{taken: make(chan struct{}, 1)}
		p.namespaces[namespace] = own
	}
	own.users++
	return own
}

func (p *places) leave(namespace string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	own := p.namespaces[namespace]
	if own.users--; own.users == 0 {
		delete(p.namespaces, namespace)
	}
}
