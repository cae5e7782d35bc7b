package pebble

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// List returns the newest documents first; see store.Entities. It sees the
// store as it was at one moment.
func (s *entities) List(ctx context.Context, q store.EntityQuery) (list []store.Document, err error) {
	if err := s.db.enter(ctx); err != nil {
		return nil, err
	}
	defer s.db.leave()
	snapshot := s.db.db.NewSnapshot()
	defer func() { err = errors.Join(err, snapshot.Close()) }()
	skip, prefix := q.Skip, queryPrefix(q)
	err = scan(snapshot, prefix, after(bytes.Clone(prefix)), func(key, value []byte) (bool, error) {
		if skip > 0 {
			skip--
			return true, ctx.Err()
		}
		name, ok := nameOf(q, key[len(prefix):], value)
		if !ok {
			return false, corrupted("a list of " + string(q.Collection))
		}
		doc, err := s.get(snapshot, documentKey(name), name)
		if err != nil && !errors.Is(err, entity.ErrCorrupted) {
			return false, err
		}
		if err != nil {
			doc = store.Document{Name: name, Collection: doc.Collection}
		}
		list = append(list, doc)
		return q.Limit == 0 || len(list) < q.Limit, ctx.Err()
	})
	return list, err
}

// Count returns how many documents q matches; see store.Entities.
func (s *entities) Count(ctx context.Context, q store.EntityQuery) (n int, err error) {
	if err := s.db.enter(ctx); err != nil {
		return 0, err
	}
	defer s.db.leave()
	prefix := queryPrefix(q)
	err = scan(s.db.db, prefix, after(bytes.Clone(prefix)), func(_, _ []byte) (bool, error) {
		n++
		return true, ctx.Err()
	})
	return n, err
}

// Namespaces returns those that have a document of the collection; see store.Entities. It reads one key
// of each.
func (s *entities) Namespaces(ctx context.Context, c entity.Collection) (found []string, err error) {
	if err := s.db.enter(ctx); err != nil {
		return nil, err
	}
	defer s.db.leave()
	collection := appendString([]byte{spaceNewest}, string(c))
	lower, upper := collection, after(bytes.Clone(collection))
	for more := true; more; {
		more = false
		err := scan(s.db.db, lower, upper, func(key, _ []byte) (bool, error) {
			namespace, _, ok := cutString(key[len(collection):])
			if !ok {
				return false, corrupted("a list of " + string(c))
			}
			found, more = append(found, namespace), true
			return false, ctx.Err()
		})
		if err != nil {
			return nil, err
		}
		if more {
			lower = after(newestPrefix(c, found[len(found)-1]))
		}
	}
	slices.Sort(found) // keys are ordered by length first
	return found, nil
}

func queryPrefix(q store.EntityQuery) []byte {
	if q.Package != nil {
		return packagePrefix(q.Collection, q.Namespace, *q.Package)
	}
	return newestPrefix(q.Collection, q.Namespace)
}

// nameOf makes the name of a document from what follows the prefix in a
// list's key, and the value there.
func nameOf(q store.EntityQuery, tail, value []byte) (entity.Name, bool) {
	if len(tail) < 8 {
		return entity.Name{}, false
	}
	n := entity.Name{Namespace: q.Namespace, Name: string(tail[8:])}
	if q.Package != nil {
		n.Package = *q.Package
		return n, true
	}
	width, used := binary.Uvarint(value)
	if used <= 0 || width >= uint64(len(n.Name)) {
		return n, false
	}
	if width > 0 {
		n.Package, n.Name = n.Name[:width], n.Name[width+1:]
	}
	return n, true
}
