package pebble

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// share is what several items have in common, kept once under a sequence
// before theirs. It goes when the removal of the last of them is on the
// medium; what a crash leaves of it goes when the queue is loaded.
type share struct {
	sequence uint64
	items    int // guarded by queue.mu
}

func shareKey(sequence uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{spaceItemShare}, sequence)
}

// itemValue is the value of an item's key: its state, then the sequence of its
// share if it has one.
func itemValue(state byte, of *share) []byte {
	if of == nil {
		return []byte{state}
	}
	return binary.BigEndian.AppendUint64([]byte{state}, of.sequence)
}

// cutValue undoes itemValue.
func cutValue(value []byte) (state byte, sequence uint64, shared bool) {
	if len(value) == 0 {
		return itemWaiting, 0, false
	}
	if len(value) != 1+8 {
		return value[0], 0, false
	}
	return value[0], binary.BigEndian.Uint64(value[1:]), true
}

// sharer puts the shares of items that are accepted together into their batch.
type sharer struct {
	queue *queue
	batch *pebble.Batch
	last  *share
	body  []byte // of last
}

// share returns the share of an item, nil for none, as most have.
func (s *sharer) share(it store.Item) (*share, error) {
	if len(it.Shared) == 0 {
		return nil, nil
	}
	if s.last != nil && bytes.Equal(s.body, it.Shared) {
		return s.last, nil
	}
	s.last, s.body = &share{sequence: s.queue.number()}, it.Shared
	key := shareKey(s.last.sequence)
	return s.last, s.batch.Set(key, s.queue.db.seal.Close(it.Shared, key), nil)
}

// shared reads the share of an item.
func (s *queue) shared(id rawID, sequence uint64) (body []byte, err error) {
	key := shareKey(sequence)
	err = s.db.get(key, func(sealed []byte) (err error) {
		body, err = s.db.seal.Open(sealed, key)
		return err
	})
	if errors.Is(err, errSeal) || errors.Is(err, entity.ErrNotFound) && s.find(id) != nil {
		return nil, corrupted("what queued activation " + id.String() + " shares with others")
	}
	return body, err
}

// dropShares removes the shares in that range of sequences but those in use.
func (s *queue) dropShares(lower, upper []byte, used map[uint64]*share) error {
	batch := s.db.db.NewBatch()
	err := scan(s.db.db, lower, upper, func(key, _ []byte) (bool, error) {
		if len(key) == 1+8 && used[binary.BigEndian.Uint64(key[1:])] != nil {
			return true, nil
		}
		return true, batch.Delete(bytes.Clone(key), nil)
	})
	if err != nil || batch.Empty() {
		return errors.Join(err, batch.Close())
	}
	return s.db.commit.commit(batch, false)
}
