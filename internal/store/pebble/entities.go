package pebble

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// revisionStep is how many revisions are taken from the medium at once. A
// restart skips what was not used of them.
const revisionStep = 1024

// entities is store.Entities. A document is written by one caller at a time;
// callers of different documents share writes to the medium.
type entities struct {
	db    *DB
	seed  maphash.Seed
	locks [64]sync.Mutex // of documents, by the hash of their key

	mu       sync.Mutex
	revision uint64 // guarded by mu; the last one given
	limit    uint64 // guarded by mu; what the medium knows as the last one
}

// load begins after every revision that may have been given.
func (s *entities) load() error {
	s.seed = maphash.MakeSeed()
	err := s.db.get(revisionKey(), func(value []byte) error {
		if len(value) != 8 {
			return corrupted("the counter of revisions")
		}
		s.limit = binary.BigEndian.Uint64(value)
		return nil
	})
	s.revision = s.limit
	if errors.Is(err, entity.ErrNotFound) {
		return nil
	}
	return err
}

func revisionKey() []byte { return append([]byte{spaceMeta}, "revision"...) }

// nextRevision returns a revision that no document ever had.
func (s *entities) nextRevision() (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.revision == s.limit {
		limit := s.limit + revisionStep
		batch := s.db.db.NewBatch()
		if err := batch.Set(revisionKey(), binary.BigEndian.AppendUint64(nil, limit), nil); err != nil {
			return 0, errors.Join(err, batch.Close())
		}
		if err := s.db.commit.commit(batch, true); err != nil {
			return 0, err
		}
		s.limit = limit
	}
	s.revision++
	return s.revision, nil
}

// lock lets nobody else write the document of that key until unlock.
func (s *entities) lock(key []byte) (unlock func()) {
	mu := &s.locks[maphash.Bytes(s.seed, key)%uint64(len(s.locks))]
	mu.Lock()
	return mu.Unlock
}

// Get returns the document of that name; see store.Entities.
func (s *entities) Get(ctx context.Context, name entity.Name) (doc store.Document, err error) {
	if err := s.db.enter(ctx); err != nil {
		return doc, err
	}
	defer s.db.leave()
	return s.get(s.db.db, documentKey(name), name)
}

func (s *entities) get(from pebble.Reader, key []byte, name entity.Name) (doc store.Document, err error) {
	value, closer, err := from.Get(key)
	if err != nil {
		return doc, readError("read "+name.String(), err)
	}
	doc, ok := decodeDocument(value, s.db.seal, key, name)
	if !ok {
		err = corrupted(name.String())
	}
	return doc, errors.Join(err, closer.Close())
}

// Put stores a document; see store.Entities.
func (s *entities) Put(ctx context.Context, doc store.Document, code []byte) (uint64, error) {
	if err := s.db.enter(ctx); err != nil {
		return 0, err
	}
	defer s.db.leave()
	if err := s.db.space.admit(needNew); err != nil {
		return 0, err
	}
	key := documentKey(doc.Name)
	defer s.lock(key)()
	old, err := s.current(key, doc)
	if err != nil {
		return 0, err
	}
	if err := s.checkCode(doc, code); err != nil {
		return 0, err
	}
	given := doc.Revision
	if doc.Revision, err = s.nextRevision(); err != nil {
		return 0, err
	}
	batch := s.db.db.NewBatch()
	err = setDocument(batch, s.db.seal, key, doc)
	if given != 0 {
		err = errors.Join(err, dropOld(batch, old, doc))
	}
	if code != nil {
		err = errors.Join(err, setCode(batch, s.db.seal, doc, code))
	}
	if err != nil {
		return 0, fmt.Errorf("store %s: %w", doc.Name, errors.Join(err, batch.Close()))
	}
	return doc.Revision, s.db.commit.commit(batch, true)
}

// current returns the stored document that doc replaces, the zero one if doc
// is new, or the error that forbids the write.
func (s *entities) current(key []byte, doc store.Document) (store.Document, error) {
	old, err := s.get(s.db.db, key, doc.Name)
	missing := errors.Is(err, entity.ErrNotFound)
	switch {
	case err != nil && !missing:
		return old, err
	case doc.Revision == 0 && !missing:
		return old, entity.ErrExists
	case doc.Revision == 0:
		return old, nil
	case missing || old.Revision != doc.Revision:
		return old, entity.ErrModified
	case old.Collection != doc.Collection:
		return old, entity.ErrWrongType
	}
	return old, nil
}

// Delete removes a document and its code; see store.Entities.
func (s *entities) Delete(ctx context.Context, name entity.Name, rev uint64) error {
	if err := s.db.enter(ctx); err != nil {
		return err
	}
	defer s.db.leave()
	key := documentKey(name)
	defer s.lock(key)()
	old, err := s.get(s.db.db, key, name)
	if err != nil {
		return err
	}
	if old.Revision != rev {
		return entity.ErrModified
	}
	batch := s.db.db.NewBatch()
	if err := errors.Join(batch.Delete(key, nil), dropOld(batch, old, store.Document{})); err != nil {
		return fmt.Errorf("delete %s: %w", name, errors.Join(err, batch.Close()))
	}
	return s.db.commit.commit(batch, true)
}
