package pebble

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// Enqueue adds an item; see store.Queue. An id that is queued already is
// entity.ErrExists.
func (s *queue) Enqueue(ctx context.Context, id entity.ActivationID, body []byte) error {
	return s.Accept(ctx, []store.Item{{ID: id, Body: body}}, nil)
}

// Accept adds items, the record of their cause and entries; see store.Queue.
// An id that is queued already is entity.ErrExists.
func (s *queue) Accept(ctx context.Context, items []store.Item, record *entity.Activation, entries ...store.Entry) error {
	if err := s.db.enter(ctx); err != nil {
		return err
	}
	defer s.db.leave()
	if err := s.db.space.admit(needNew); err != nil {
		return err
	}
	batch := s.db.db.NewBatch()
	added, err := s.add(batch, items)
	if err == nil {
		err = s.db.putEntries(batch, entries)
	}
	if err == nil && record != nil {
		var release func()
		if release, err = s.db.activations.join(ctx, batch, record); err == nil {
			defer release()
		}
	}
	if err == nil {
		return s.db.commit.commit(batch, true)
	}
	for _, id := range added {
		s.forget(id)
	}
	return errors.Join(err, batch.Close())
}

// add puts items into batch and into the memory. It returns the ids that it
// came to, also if it errs.
func (s *queue) add(batch *pebble.Batch, items []store.Item) (added []rawID, err error) {
	shares := sharer{queue: s, batch: batch}
	for _, it := range items {
		id, ok := parseID(it.ID)
		if !ok {
			return added, entity.Errorf(entity.Malformed, "The activation id is not valid.")
		}
		of, err := shares.share(it)
		if err != nil {
			return added, fmt.Errorf("queue activation %s: %w", it.ID, err)
		}
		sequence, err := s.reserve(id, of)
		if err != nil {
			return added, err
		}
		added = append(added, id)
		key, state := itemBodyKey(sequence), itemWaiting
		if it.Started {
			state = itemStarted
		}
		err = errors.Join(
			batch.Set(itemKey(sequence, id), itemValue(state, of), nil),
			batch.Set(key, s.db.seal.Close(it.Body, key), nil))
		if err != nil {
			return added, fmt.Errorf("queue activation %s: %w", it.ID, err)
		}
	}
	return added, nil
}

// reserve enters a new item into the memory and returns its sequence.
func (s *queue) reserve(id rawID, of *share) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.items[id] != nil {
		return 0, entity.ErrExists
	}
	it := &item{s.next, of}
	s.next++
	if of != nil {
		of.items++
	}
	s.items[id] = it
	return it.sequence, nil
}

// number takes a sequence.
func (s *queue) number() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	return s.next - 1
}

// join puts the record of an activation that was never queued into batch,
// unless there is one already. release must be called when the batch is
// written.
func (s *activations) join(ctx context.Context, batch *pebble.Batch, a *entity.Activation) (release func(), err error) {
	id, ok := parseID(a.ID)
	if !ok {
		return nil, entity.Errorf(entity.Malformed, "The activation id is not valid.")
	}
	if err := s.claim(ctx, id); err != nil {
		return nil, err
	}
	s.step.RLock()
	release = func() { s.step.RUnlock(); s.release(id) }
	buffer := s.db.buffer()
	defer s.db.giveBack(buffer)
	known := false
	if !s.fresh.add(id) {
		known, err = s.db.has(idKey((*buffer)[:0], a.Namespace, id))
	}
	if err == nil && !known {
		*buffer, err = s.encode(batch, *buffer, a, id)
	}
	if err != nil {
		release()
		return nil, fmt.Errorf("store activation %s: %w", a.ID, err)
	}
	return release, nil
}
