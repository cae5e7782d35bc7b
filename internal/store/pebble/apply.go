package pebble

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// Apply makes several changes in one step; see store.Entities.
func (s *entities) Apply(ctx context.Context, changes []store.Change) ([]uint64, error) {
	if err := s.db.enter(ctx); err != nil {
		return nil, err
	}
	defer s.db.leave()
	need := needFree
	for _, c := range changes {
		if !c.Delete {
			need = needNew
		}
	}
	if err := s.db.space.admit(need); err != nil {
		return nil, err
	}
	unlock, err := s.lockAll(changes)
	if err != nil {
		return nil, err
	}
	defer unlock()
	batch := s.db.db.NewBatch()
	revisions := make([]uint64, len(changes))
	for i, c := range changes {
		if revisions[i], err = s.change(batch, c); err != nil {
			return nil, errors.Join(err, batch.Close())
		}
	}
	return revisions, s.db.commit.commit(batch, true)
}

// lockAll locks the documents of all changes, each lock once and in the order
// of the locks, so that no two callers wait for one another.
func (s *entities) lockAll(changes []store.Change) (unlock func(), err error) {
	names, locks := map[entity.Name]bool{}, map[uint64]bool{}
	for _, c := range changes {
		if names[c.Name] {
			return nil, fmt.Errorf("apply changes: two are of %s", c.Name)
		}
		names[c.Name] = true
		locks[maphash.Bytes(s.seed, documentKey(c.Name))%uint64(len(s.locks))] = true
	}
	order := slices.Sorted(maps.Keys(locks))
	for _, i := range order {
		s.locks[i].Lock()
	}
	return func() {
		for _, i := range order {
			s.locks[i].Unlock()
		}
	}, nil
}

// change puts one change into batch; its document is locked. It returns the
// new revision, 0 for a document that is deleted.
func (s *entities) change(batch *pebble.Batch, c store.Change) (uint64, error) {
	key := documentKey(c.Name)
	if c.Delete {
		old, err := s.get(s.db.db, key, c.Name)
		if err != nil {
			return 0, err
		}
		if old.Revision != c.Revision {
			return 0, entity.ErrModified
		}
		return 0, errors.Join(batch.Delete(key, nil), dropOld(batch, old, store.Document{}))
	}
	old, err := s.current(key, c.Document)
	if err != nil {
		return 0, err
	}
	if err := s.checkCode(c.Document, nil); err != nil {
		return 0, err
	}
	doc, replaces := c.Document, c.Revision != 0
	if doc.Revision, err = s.nextRevision(); err != nil {
		return 0, err
	}
	err = setDocument(batch, s.db.seal, key, doc)
	if replaces {
		err = errors.Join(err, dropOld(batch, old, doc))
	}
	if err != nil {
		return 0, fmt.Errorf("store %s: %w", doc.Name, err)
	}
	return doc.Revision, nil
}
