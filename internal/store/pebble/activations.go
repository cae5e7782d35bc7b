package pebble

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// activations is store.Activations.
type activations struct {
	db      *DB
	pruning sync.Mutex   // held by the one Prune that works
	step    sync.RWMutex // read-locked by Put: a range that is removed must not grow

	fresh fresh

	mu      sync.Mutex
	putting map[rawID]chan struct{} // guarded by mu; a channel once somebody waits
}

func (s *activations) load() error {
	s.putting = make(map[rawID]chan struct{})
	highest, err := highestMade(s.db.db)
	s.fresh.begin(highest)
	return err
}

// recordKey appends the key of an activation's record; the first byte is the
// space of the record or of its large part.
func recordKey(k []byte, space byte, namespace string, start uint64, id rawID) []byte {
	k = appendString(append(k, space), namespace)
	return append(appendDescending(k, start), id[:]...)
}

func idKey(k []byte, namespace string, id rawID) []byte {
	return append(appendString(append(k, spaceID), namespace), id[:]...)
}

func localKey(k []byte, namespace, local string, start uint64, id rawID) []byte {
	k = appendString(appendString(append(k, spaceLocal), namespace), local)
	return append(appendDescending(k, start), id[:]...)
}

// Put stores the record of an activation; see store.Activations.
func (s *activations) Put(ctx context.Context, a *entity.Activation) error {
	id, ok := parseID(a.ID)
	if !ok {
		return entity.Errorf(entity.Malformed, "The activation id is not valid.")
	}
	if err := s.db.enter(ctx); err != nil {
		return err
	}
	defer s.db.leave()
	if err := s.db.space.admit(needFinish); err != nil {
		return err
	}
	if err := s.claim(ctx, id); err != nil {
		return err
	}
	defer s.release(id)
	s.step.RLock()
	defer s.step.RUnlock()
	return s.put(a, id)
}

func (s *activations) put(a *entity.Activation, id rawID) error {
	buffer := s.db.buffer()
	defer s.db.giveBack(buffer)
	var known bool
	var err error
	if !s.fresh.add(id) {
		if known, err = s.db.has(idKey((*buffer)[:0], a.Namespace, id)); err != nil {
			return err
		}
	}
	queued := s.db.queue.find(id)
	if known && queued == nil {
		return nil
	}
	batch := s.db.db.NewBatch()
	if !known {
		*buffer, err = s.encode(batch, *buffer, a, id)
	}
	if queued != nil {
		err = errors.Join(err, removeItem(batch, id, queued))
	}
	if err != nil {
		return fmt.Errorf("store activation %s: %w", a.ID, errors.Join(err, batch.Close()))
	}
	if err := s.db.commit.commit(batch, queued != nil); err != nil {
		return err
	}
	s.db.queue.forget(id)
	return nil
}

// encode puts all keys of a into batch; of a large outcome that is the last
// part, the others are on the medium then. buf is scratch space; it is
// returned for the next use.
func (s *activations) encode(batch *pebble.Batch, buf []byte, a *entity.Activation, id rawID) ([]byte, error) {
	start, apart := instant(a.Start), outcomeSize(a)
	var err error
	if apart > maxInline {
		err = s.putOutcome(batch, a, recordKey(buf[:0], spaceLarge, a.Namespace, start, id), apart)
	} else {
		apart = 0
	}
	buf = recordKey(buf[:0], spaceRecord, a.Namespace, start, id)
	keyLen := len(buf)
	buf = appendRecord(buf, a, apart)
	err = errors.Join(err, batch.Set(buf[:keyLen], buf[keyLen:], nil))
	buf = idKey(buf[:0], a.Namespace, id)
	keyLen = len(buf)
	buf = binary.BigEndian.AppendUint64(buf, start)
	err = errors.Join(err, batch.Set(buf[:keyLen], buf[keyLen:], nil))
	buf = localKey(buf[:0], a.Namespace, a.Local, start, id)
	return buf, errors.Join(err, batch.Set(buf, nil, nil))
}

// claim makes the caller the only one that puts id, so that of two records
// put at once the second finds the first.
func (s *activations) claim(ctx context.Context, id rawID) error {
	for {
		s.mu.Lock()
		wait, taken := s.putting[id]
		if !taken {
			s.putting[id] = nil
			s.mu.Unlock()
			return nil
		}
		if wait == nil {
			wait = make(chan struct{})
			s.putting[id] = wait
		}
		s.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return fmt.Errorf("wait for the store: %w", context.Cause(ctx))
		}
	}
}

func (s *activations) release(id rawID) {
	s.mu.Lock()
	wait := s.putting[id]
	delete(s.putting, id)
	s.mu.Unlock()
	if wait != nil {
		close(wait)
	}
}

// Get returns the full record; see store.Activations.
func (s *activations) Get(ctx context.Context, namespace string, id entity.ActivationID) (*entity.Activation, error) {
	raw, ok := parseID(id)
	if !ok {
		return nil, entity.ErrNotFound
	}
	if err := s.db.enter(ctx); err != nil {
		return nil, err
	}
	defer s.db.leave()
	var start uint64
	key := idKey(nil, namespace, raw)
	err := s.db.get(key, func(value []byte) error {
		if len(value) != 8 {
			return corrupted("the time of activation " + string(id))
		}
		start = binary.BigEndian.Uint64(value)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var a *entity.Activation
	err = s.db.get(recordKey(key[:0], spaceRecord, namespace, start, raw), func(value []byte) (err error) {
		a, err = s.decode(value, namespace, start, raw, true)
		return err
	})
	return a, err
}

// decode makes an activation of a record, with the result and logs if docs
// is true, wherever they lie.
func (s *activations) decode(value []byte, namespace string, start uint64, id rawID, docs bool) (*entity.Activation, error) {
	a := &entity.Activation{Namespace: namespace, ID: entity.ActivationID(id.String()), Start: timeOf(start)}
	apart, ok := decodeRecord(value, a, docs)
	if !ok {
		return nil, corrupted("activation " + string(a.ID))
	}
	if !docs || apart == 0 {
		return a, nil
	}
	if err := s.outcome(recordKey(nil, spaceLarge, namespace, start, id), apart, a); err != nil {
		return nil, err
	}
	return a, nil
}
