package pebble

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// entriesAtOnce is how many keys a walk through the registry reads before it
// visits them.
const entriesAtOnce = 256

// registry is store.Registry.
type registry struct{ db *DB }

func entryKey(kind, key string) []byte {
	return append(appendString([]byte{spaceEntry}, kind), key...)
}

// Entry returns one body; see store.Registry.
func (s *registry) Entry(ctx context.Context, kind, key string) (body []byte, err error) {
	if err := s.db.enter(ctx); err != nil {
		return nil, err
	}
	defer s.db.leave()
	at := entryKey(kind, key)
	err = s.db.get(at, func(sealed []byte) (err error) {
		body, err = s.db.seal.Open(sealed, at)
		return err
	})
	if errors.Is(err, errSeal) {
		return nil, corrupted(kind + " " + key)
	}
	return body, err
}

// PutEntries creates or replaces entries; see store.Registry.
func (s *registry) PutEntries(ctx context.Context, entries ...store.Entry) error {
	return s.write(ctx, needNew, func(batch *pebble.Batch) error { return s.db.putEntries(batch, entries) })
}

// putEntries puts entries into batch.
func (db *DB) putEntries(batch *pebble.Batch, entries []store.Entry) error {
	for _, e := range entries {
		key := entryKey(e.Kind, e.Key)
		if err := batch.Set(key, db.seal.Close(e.Body, key), nil); err != nil {
			return fmt.Errorf("store %s %s: %w", e.Kind, e.Key, err)
		}
	}
	return nil
}

// DeleteEntries removes entries; see store.Registry.
func (s *registry) DeleteEntries(ctx context.Context, kind string, keys ...string) error {
	return s.write(ctx, needFree, func(batch *pebble.Batch) error {
		for _, key := range keys {
			if err := batch.Delete(entryKey(kind, key), nil); err != nil {
				return fmt.Errorf("remove %s %s: %w", kind, key, err)
			}
		}
		return nil
	})
}

func (s *registry) write(ctx context.Context, n need, alter func(*pebble.Batch) error) error {
	if err := s.db.enter(ctx); err != nil {
		return err
	}
	defer s.db.leave()
	if err := s.db.space.admit(n); err != nil {
		return err
	}
	batch := s.db.db.NewBatch()
	if err := alter(batch); err != nil {
		return errors.Join(err, batch.Close())
	}
	return s.db.commit.commit(batch, true)
}

// Entries walks through a kind; see store.Registry.
func (s *registry) Entries(ctx context.Context, kind, prefix string, visit func(store.Entry) error) error {
	head := len(entryKey(kind, ""))
	from := entryKey(kind, prefix)
	to := after(entryKey(kind, prefix))
	for {
		keys, err := s.keys(ctx, from, to)
		if err != nil {
			return err
		}
		for _, key := range keys {
			body, err := s.Entry(ctx, kind, key[head:])
			if errors.Is(err, entity.ErrNotFound) { // removed meanwhile
				continue
			}
			if errors.Is(err, entity.ErrCorrupted) {
				s.db.log.Error("entry is not readable", "kind", kind, "key", key[head:], "error", err)
				body, err = nil, nil
			}
			if err == nil {
				err = visit(store.Entry{Kind: kind, Key: key[head:], Body: body})
			}
			if err != nil {
				return err
			}
		}
		if len(keys) < entriesAtOnce {
			return nil
		}
		from = append([]byte(keys[len(keys)-1]), 0)
	}
}

// keys returns the first keys from from on, before to.
func (s *registry) keys(ctx context.Context, from, to []byte) (keys []string, err error) {
	if err := s.db.enter(ctx); err != nil {
		return nil, err
	}
	defer s.db.leave()
	err = scan(s.db.db, from, to, func(key, _ []byte) (bool, error) {
		keys = append(keys, string(key))
		return len(keys) < entriesAtOnce, ctx.Err()
	})
	return keys, err
}
