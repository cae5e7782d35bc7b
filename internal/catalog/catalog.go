// Package catalog is where names become entities: it reads and writes them
// through the store and remembers what a name stands for now. One catalog
// owns all writes of its process, so what it remembers is never stale here.
package catalog

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// cacheSize bounds how many entities are remembered; code is never among what
// is remembered.
const cacheSize = 10_000

// Catalog is safe for concurrent use. What it returns is shared: it must not
// be changed.
type Catalog struct {
	entities store.Entities
	now      func() time.Time
	changed  func(...entity.Name) // nil for nobody

	// members is held for reading by whoever writes an action, for writing by
	// whoever deletes a package, which must see its actions at rest.
	members sync.RWMutex

	mu     sync.RWMutex
	known  map[entity.Name]any // guarded by mu: *entity.Action, *entity.Package, …
	writes uint64              // guarded by mu: counts invalidations
}

// New returns a catalog over entities; now is the clock that stamps updates.
func New(entities store.Entities, now func() time.Time) *Catalog {
	return &Catalog{entities: entities, now: now, known: map[entity.Name]any{}}
}

// Observe has changed called with the names of what was, or may have been, written, once it can be
// read. It comes before the first use; changed is quick.
func (c *Catalog) Observe(changed func(...entity.Name)) { c.changed = changed }

// Count returns how many entities q matches.
func (c *Catalog) Count(ctx context.Context, q store.EntityQuery) (int, error) {
	n, err := c.entities.Count(ctx, q)
	if err != nil {
		return 0, fmt.Errorf("count %s of %s: %w", q.Collection, q.Namespace, err)
	}
	return n, nil
}

// remember needs mu held. A full cache starts anew: simpler than an order of
// use, and a miss costs one read.
func (c *Catalog) remember(name entity.Name, e any) {
	if len(c.known) >= cacheSize {
		clear(c.known)
	}
	c.known[name] = e
}

func (c *Catalog) forget(names ...entity.Name) {
	c.mu.Lock()
	for _, name := range names {
		delete(c.known, name)
	}
	c.writes++
	c.mu.Unlock()
	if c.changed != nil {
		c.changed(names...)
	}
}
