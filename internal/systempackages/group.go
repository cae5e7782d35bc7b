package systempackages

import (
	"errors"
	"sync"
)

// group does things at the same time, so that their writes share the syncs of
// the medium. The zero value has nothing to do; there are as many at once as
// packages and actions, which are few.
type group struct {
	all  sync.WaitGroup
	mu   sync.Mutex
	errs []error // guarded by mu
}

func (g *group) do(what func() error) {
	g.all.Go(func() {
		if err := what(); err != nil {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.errs = append(g.errs, err)
		}
	})
}

// wait returns the errors of all when they are done.
func (g *group) wait() error {
	g.all.Wait()
	return errors.Join(g.errs...)
}
