package pebble

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// queue is store.Queue. Which items there are is kept in memory too, because
// every Put of an activation asks; their bodies are not. Bodies are sealed:
// they hold parameters and keys.
type queue struct {
	db *DB

	mu    sync.Mutex
	items map[rawID]*item // guarded by mu
	next  uint64          // guarded by mu; sequence of the next item
}

// item is one queued activation. It is never changed.
type item struct {
	sequence uint64
	share    *share // nil for none
}

// States of an item, the value of its key.
const (
	itemWaiting byte = iota
	itemStarted
)

func itemKey(sequence uint64, id rawID) []byte {
	return append(binary.BigEndian.AppendUint64([]byte{spaceItem}, sequence), id[:]...)
}

func itemBodyKey(sequence uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{spaceItemBody}, sequence)
}

// load learns which items there are.
func (s *queue) load() error {
	s.items = make(map[rawID]*item)
	shares := make(map[uint64]*share)
	err := s.scan(func(sequence uint64, id rawID, value []byte) error {
		it := &item{sequence: sequence}
		if _, of, ok := cutValue(value); ok {
			if shares[of] == nil {
				shares[of] = &share{sequence: of}
			}
			it.share = shares[of]
			it.share.items++
		}
		s.items[id] = it
		s.next = sequence + 1
		return nil
	})
	if err != nil {
		return err
	}
	return s.dropShares([]byte{spaceItemShare}, []byte{spaceItemShare + 1}, shares)
}

func (s *queue) scan(visit func(sequence uint64, id rawID, value []byte) error) error {
	return scan(s.db.db, []byte{spaceItem}, []byte{spaceItem + 1}, func(key, value []byte) (bool, error) {
		if len(key) != 1+8+len(rawID{}) {
			return false, corrupted("an item of the queue")
		}
		return true, visit(binary.BigEndian.Uint64(key[1:]), rawID(key[9:]), value)
	})
}

// find returns the item of id, nil if there is none.
func (s *queue) find(id rawID) *item {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.items[id]
}

// forget takes an item whose removal is on the medium from the memory, and
// removes its share with the last that has it.
func (s *queue) forget(id rawID) {
	last := s.take(id)
	if last == nil {
		return
	}
	key := shareKey(last.sequence)
	if err := s.dropShares(key, append(key, 0), nil); err != nil { // the next start tries again
		s.db.log.Error("what queued activations shared is not removed", "error", err)
	}
}

// take returns the share of which the item was the last one, nil for none.
func (s *queue) take(id rawID) *share {
	s.mu.Lock()
	defer s.mu.Unlock()
	it := s.items[id]
	delete(s.items, id)
	if it == nil || it.share == nil {
		return nil
	}
	if it.share.items--; it.share.items > 0 {
		return nil
	}
	return it.share
}

// removeItem puts the removal of an item into batch.
func removeItem(batch *pebble.Batch, id rawID, it *item) error {
	return errors.Join(
		batch.Delete(itemKey(it.sequence, id), nil),
		batch.Delete(itemBodyKey(it.sequence), nil))
}

// Start marks an item; see store.Queue. It is entity.ErrNotFound if there is
// none.
func (s *queue) Start(ctx context.Context, id entity.ActivationID) error {
	return s.change(ctx, id, "start", needFinish, func(batch *pebble.Batch, raw rawID, it *item) error {
		return batch.Set(itemKey(it.sequence, raw), itemValue(itemStarted, it.share), nil)
	})
}

// Remove forgets an item; see store.Queue. It is nil if there is none.
func (s *queue) Remove(ctx context.Context, id entity.ActivationID) error {
	err := s.change(ctx, id, "remove", needFree, removeItem)
	if errors.Is(err, entity.ErrNotFound) {
		return nil
	}
	if raw, ok := parseID(id); ok && err == nil {
		s.forget(raw)
	}
	return err
}

// change writes what alter does to the item of id.
func (s *queue) change(ctx context.Context, id entity.ActivationID, verb string, n need,
	alter func(*pebble.Batch, rawID, *item) error,
) error {
	raw, _ := parseID(id)
	if err := s.db.enter(ctx); err != nil {
		return err
	}
	defer s.db.leave()
	found := s.find(raw)
	if found == nil {
		return entity.ErrNotFound
	}
	if err := s.db.space.admit(n); err != nil {
		return err
	}
	batch := s.db.db.NewBatch()
	if err := alter(batch, raw, found); err != nil {
		return fmt.Errorf("%s queued activation %s: %w", verb, id, errors.Join(err, batch.Close()))
	}
	return s.db.commit.commit(batch, true)
}

// Items calls visit for every item, oldest first; see store.Queue.
func (s *queue) Items(ctx context.Context, visit func(store.Item) error) error {
	keys, err := s.keys(ctx)
	if err != nil {
		return err
	}
	for _, key := range keys {
		it, err := s.item(ctx, key)
		if errors.Is(err, entity.ErrNotFound) { // removed meanwhile
			continue
		}
		if errors.Is(err, entity.ErrCorrupted) {
			s.db.log.Error("queued activation is not readable", "activation", it.ID, "error", err)
			it.Body, it.Shared, err = nil, nil, nil
		}
		if err != nil {
			return err
		}
		if err := visit(it); err != nil {
			return err
		}
	}
	return nil
}

// queued is the key of an item, taken apart.
type queued struct {
	sequence uint64
	id       rawID
}

func (s *queue) keys(ctx context.Context) (keys []queued, err error) {
	if err := s.db.enter(ctx); err != nil {
		return nil, err
	}
	defer s.db.leave()
	err = s.scan(func(sequence uint64, id rawID, _ []byte) error {
		keys = append(keys, queued{sequence, id})
		return ctx.Err()
	})
	return keys, err
}

func (s *queue) item(ctx context.Context, q queued) (store.Item, error) {
	it := store.Item{ID: entity.ActivationID(q.id.String())}
	if err := s.db.enter(ctx); err != nil {
		return it, err
	}
	defer s.db.leave()
	var of uint64
	var shared bool
	err := s.db.get(itemKey(q.sequence, q.id), func(value []byte) error {
		var state byte
		state, of, shared = cutValue(value)
		it.Started = state == itemStarted
		return nil
	})
	if err == nil && shared {
		it.Shared, err = s.shared(q.id, of)
	}
	if err != nil {
		return it, err
	}
	key := itemBodyKey(q.sequence)
	err = s.db.get(key, func(sealed []byte) (err error) {
		it.Body, err = s.db.seal.Open(sealed, key)
		return err
	})
	if errors.Is(err, errSeal) {
		return it, corrupted("the body of queued activation " + string(it.ID))
	}
	return it, err
}
