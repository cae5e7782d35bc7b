// Package catalog is where names become actions: it reads and writes
// entities through the store and remembers what a name stands for now. One
// catalog owns all writes of its process, so what it remembers is never stale
// here.
package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// cacheSize bounds how many actions are remembered; code is never among what
// is remembered.
const cacheSize = 10_000

// Catalog is safe for concurrent use.
type Catalog struct {
	entities store.Entities
	now      func() time.Time

	mu      sync.RWMutex
	actions map[entity.Name]*entity.Action // guarded by mu
	writes  uint64                         // guarded by mu: counts invalidations
}

// New returns a catalog over entities; now is the clock that stamps updates.
func New(entities store.Entities, now func() time.Time) *Catalog {
	return &Catalog{entities: entities, now: now, actions: map[entity.Name]*entity.Action{}}
}

// Action returns the action of that name, without code. The result is
// shared: it must not be changed. Errors: entity.ErrNotFound,
// entity.ErrWrongType if the name belongs to another collection.
func (c *Catalog) Action(ctx context.Context, name entity.Name) (*entity.Action, error) {
	c.mu.RLock()
	a, writes := c.actions[name], c.writes
	c.mu.RUnlock()
	if a != nil {
		return a, nil
	}
	doc, err := c.entities.Get(ctx, name)
	if err != nil {
		return nil, wrap("read action", name, err)
	}
	if a, err = decode(doc); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writes == writes { // else what was read may be old already
		c.remember(name, a)
	}
	return a, nil
}

// remember needs mu held. A full cache starts anew: simpler than an order of
// use, and a miss costs one read.
func (c *Catalog) remember(name entity.Name, a *entity.Action) {
	if len(c.actions) >= cacheSize {
		clear(c.actions)
	}
	c.actions[name] = a
}

// Code returns the code of a as it was sent, "" if it has none.
func (c *Catalog) Code(ctx context.Context, a *entity.Action) (string, error) {
	if a.Exec.CodeID == "" {
		return "", nil
	}
	code, err := c.entities.Code(ctx, a.Name, a.Exec.CodeID)
	if err != nil {
		return "", wrap("read code of action", a.Name, err)
	}
	return string(code), nil
}

// PutAction stores a, which it stamps with the time and the new revision, and
// returns it without code. a.Revision is the revision that the caller read, 0
// to create; the code is a.Exec.Code, or stays the one that a.Exec.CodeID
// names. Errors: entity.ErrExists, ErrWrongType, ErrModified.
func (c *Catalog) PutAction(ctx context.Context, a *entity.Action) (*entity.Action, error) {
	stored := *a
	stored.Updated = c.now().Truncate(time.Millisecond)
	var code []byte
	if stored.Exec.Code != "" {
		code = []byte(stored.Exec.Code)
		stored.Exec.CodeID = codeID(code)
		stored.Exec.Code = ""
	}
	body, err := encode(&stored)
	if err != nil {
		return nil, fmt.Errorf("encode action %s: %w", a.Name, err)
	}
	defer c.forget(a.Name)
	stored.Revision, err = c.entities.Put(ctx, store.Document{
		Name: a.Name, Collection: entity.Actions, Revision: a.Revision,
		Updated: stored.Updated, Body: body, CodeID: stored.Exec.CodeID,
	}, code)
	if err != nil {
		return nil, wrap("write action", a.Name, err)
	}
	return &stored, nil
}

// DeleteAction removes the action and returns what it was. Errors:
// entity.ErrNotFound, ErrWrongType, ErrModified.
func (c *Catalog) DeleteAction(ctx context.Context, name entity.Name) (*entity.Action, error) {
	defer c.forget(name)
	doc, err := c.entities.Get(ctx, name)
	if err != nil {
		return nil, wrap("read action", name, err)
	}
	a, err := decode(doc)
	if err != nil {
		return nil, err
	}
	if err := c.entities.Delete(ctx, name, doc.Revision); err != nil {
		return nil, wrap("delete action", name, err)
	}
	return a, nil
}

// ListActions returns one page of actions without code, newest first.
func (c *Catalog) ListActions(ctx context.Context, q store.EntityQuery) ([]*entity.Action, error) {
	q.Collection = entity.Actions
	docs, err := c.entities.List(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("list actions of %s: %w", q.Namespace, err)
	}
	actions := make([]*entity.Action, len(docs))
	for i, doc := range docs {
		if actions[i], err = decode(doc); err != nil {
			return nil, err
		}
	}
	return actions, nil
}

// Count returns how many entities q matches.
func (c *Catalog) Count(ctx context.Context, q store.EntityQuery) (int, error) {
	n, err := c.entities.Count(ctx, q)
	if err != nil {
		return 0, fmt.Errorf("count %s of %s: %w", q.Collection, q.Namespace, err)
	}
	return n, nil
}

func (c *Catalog) forget(name entity.Name) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.actions, name)
	c.writes++
}

// wrap leaves errors that a client may see as they are.
func wrap(doing string, name entity.Name, err error) error {
	if _, ok := errors.AsType[*entity.Error](err); ok {
		return err
	}
	return fmt.Errorf("%s %s: %w", doing, name, err)
}

// decode turns a document of the actions collection into an action.
func decode(doc store.Document) (*entity.Action, error) {
	if doc.Collection != entity.Actions {
		return nil, entity.ErrWrongType
	}
	var in record
	if err := json.Unmarshal(doc.Body, &in); err != nil {
		return nil, entity.ErrCorrupted.Because(fmt.Errorf("decode action %s: %w", doc.Name, err))
	}
	return in.action(doc), nil
}
