package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// A kind is how the entities E of one collection are stored: as the record R,
// which holds what the document around it does not.
type kind[E, R any] struct {
	collection entity.Collection
	noun       string
	record     func(*E) R
	entity     func(R, store.Document) *E
}

// get returns the entity of that name. Errors: entity.ErrNotFound,
// entity.ErrWrongType if the name belongs to another collection.
func (k *kind[E, R]) get(ctx context.Context, c *Catalog, name entity.Name) (*E, error) {
	c.mu.RLock()
	known, writes := c.known[name], c.writes
	c.mu.RUnlock()
	if known != nil {
		if e, ok := known.(*E); ok {
			return e, nil
		}
		return nil, entity.ErrWrongType
	}
	e, _, err := k.read(ctx, c, name)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writes == writes { // else what was read may be old already
		c.remember(name, e)
	}
	return e, nil
}

// read asks the store, which also tells the revision.
func (k *kind[E, R]) read(ctx context.Context, c *Catalog, name entity.Name) (*E, uint64, error) {
	doc, err := c.entities.Get(ctx, name)
	if errors.Is(err, entity.ErrCorrupted) && doc.Collection != "" && doc.Collection != k.collection {
		return nil, 0, entity.ErrWrongType
	}
	if err != nil {
		return nil, 0, k.wrap("read", name, err)
	}
	e, err := k.decode(doc)
	return e, doc.Revision, err
}

func (k *kind[E, R]) decode(doc store.Document) (*E, error) {
	if doc.Body == nil {
		return nil, entity.ErrCorrupted
	}
	if doc.Collection != k.collection {
		return nil, entity.ErrWrongType
	}
	var in R
	if err := json.Unmarshal(doc.Body, &in); err != nil {
		return nil, entity.ErrCorrupted.Because(fmt.Errorf("decode %s %s: %w", k.noun, doc.Name, err))
	}
	return k.entity(in, doc), nil
}

// document is e as it is stored at the time now. revision is the one that the
// caller read, 0 to create.
func (k *kind[E, R]) document(e *E, name entity.Name, revision uint64, now time.Time) (store.Document, error) {
	body, err := entity.Marshal(k.record(e))
	if err != nil {
		return store.Document{}, fmt.Errorf("encode %s %s: %w", k.noun, name, err)
	}
	return store.Document{
		Name: name, Collection: k.collection, Revision: revision, Updated: now.Truncate(time.Millisecond), Body: body,
	}, nil
}

// put stores e and returns it as it is stored.
func (k *kind[E, R]) put(ctx context.Context, c *Catalog, e *E, name entity.Name, revision uint64) (*E, error) {
	doc, err := k.document(e, name, revision, c.now())
	if err != nil {
		return nil, err
	}
	defer c.forget(name)
	if doc.Revision, err = k.write(ctx, c, doc, nil); err != nil {
		return nil, err
	}
	return k.decode(doc)
}

// write stores doc. A new document takes the place of one that cannot be read.
func (k *kind[E, R]) write(ctx context.Context, c *Catalog, doc store.Document, code []byte) (uint64, error) {
	revision, err := c.entities.Put(ctx, doc, code)
	if doc.Revision == 0 && (errors.Is(err, entity.ErrCorrupted) || errors.Is(err, entity.ErrExists)) {
		if _, _, unread := k.read(ctx, c, doc.Name); !errors.Is(unread, entity.ErrCorrupted) {
			return 0, err
		}
		if err = c.entities.Discard(ctx, doc.Name); err == nil {
			revision, err = c.entities.Put(ctx, doc, code)
		}
	}
	if err != nil {
		return 0, k.wrap("write", doc.Name, err)
	}
	return revision, nil
}

// remove deletes the entity and returns what it was; of one that cannot be
// read that is its name.
func (k *kind[E, R]) remove(ctx context.Context, c *Catalog, name entity.Name) (*E, error) {
	defer c.forget(name)
	e, revision, err := k.read(ctx, c, name)
	if errors.Is(err, entity.ErrCorrupted) {
		if err := c.entities.Discard(ctx, name); err != nil {
			return nil, k.wrap("delete", name, err)
		}
		return k.unreadable(name), nil
	}
	if err != nil {
		return nil, err
	}
	if err := c.entities.Delete(ctx, name, revision); err != nil {
		return nil, k.wrap("delete", name, err)
	}
	return e, nil
}

// unreadable stands for an entity of which only the name is known.
func (k *kind[E, R]) unreadable(name entity.Name) *E {
	var nothing R
	return k.entity(nothing, store.Document{Name: name, Collection: k.collection})
}

// list returns one page, newest first. What cannot be read is in it by its
// name alone, so that it can be found and deleted.
func (k *kind[E, R]) list(ctx context.Context, c *Catalog, q store.EntityQuery) ([]*E, error) {
	q.Collection = k.collection
	docs, err := c.entities.List(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("list %s of %s: %w", k.collection, q.Namespace, err)
	}
	all := make([]*E, len(docs))
	for i, doc := range docs {
		all[i], err = k.decode(doc)
		switch {
		case errors.Is(err, entity.ErrCorrupted):
			all[i] = k.unreadable(doc.Name)
		case err != nil:
			return nil, err
		}
	}
	return all, nil
}

// wrap leaves errors that a client may see as they are.
func (k *kind[E, R]) wrap(doing string, name entity.Name, err error) error {
	if _, ok := errors.AsType[*entity.Error](err); ok {
		return err
	}
	return fmt.Errorf("%s %s %s: %w", doing, k.noun, name, err)
}
