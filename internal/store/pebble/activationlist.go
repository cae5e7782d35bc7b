package pebble

import (
	"bytes"
	"context"
	"encoding/binary"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// List returns the newest records first; see store.Activations. It reads no
// more than the records that it skips or returns.
func (s *activations) List(ctx context.Context, q store.ActivationQuery) ([]*entity.Activation, error) {
	if err := s.db.enter(ctx); err != nil {
		return nil, err
	}
	defer s.db.leave()
	var list []*entity.Activation
	skip := q.Skip
	lower, upper := timeRange(activationPrefix(q), q)
	err := scan(s.db.db, lower, upper, func(key, value []byte) (bool, error) {
		if skip > 0 {
			skip--
			return true, ctx.Err()
		}
		a, err := s.listed(q, key, value)
		if err != nil {
			return false, err
		}
		if a != nil {
			list = append(list, a)
		}
		return q.Limit == 0 || len(list) < q.Limit, ctx.Err()
	})
	return list, err
}

// listed makes the entry of a list from a key of the index by local name, or
// from a record. It is nil if the record, or what lies apart from it, was
// pruned since the list began.
func (s *activations) listed(q store.ActivationQuery, key, value []byte) (a *entity.Activation, err error) {
	start, id := startAndID(key)
	if q.Local == "" {
		a, err = s.decode(value, q.Namespace, start, id, q.Docs)
	} else {
		err = s.db.get(recordKey(nil, spaceRecord, q.Namespace, start, id), func(value []byte) (err error) {
			a, err = s.decode(value, q.Namespace, start, id, q.Docs)
			return err
		})
	}
	if entity.KindOf(err) == entity.NotFound {
		return nil, nil
	}
	return a, err
}

// Count returns how many records q matches; see store.Activations. It reads
// one small key per record.
func (s *activations) Count(ctx context.Context, q store.ActivationQuery) (int, error) {
	if err := s.db.enter(ctx); err != nil {
		return 0, err
	}
	defer s.db.leave()
	n := 0
	if q.Local != "" {
		lower, upper := timeRange(activationPrefix(q), q)
		err := scan(s.db.db, lower, upper, func(_, _ []byte) (bool, error) {
			n++
			return true, ctx.Err()
		})
		return n, err
	}
	prefix := appendString([]byte{spaceID}, q.Namespace)
	since, upto := bounds(q)
	err := scan(s.db.db, prefix, after(bytes.Clone(prefix)), func(_, value []byte) (bool, error) {
		if len(value) == 8 {
			if start := binary.BigEndian.Uint64(value); since <= start && start <= upto {
				n++
			}
		}
		return true, ctx.Err()
	})
	return n, err
}

// activationPrefix is what the keys of all activations of q have in common
// but for the bounds of time.
func activationPrefix(q store.ActivationQuery) []byte {
	if q.Local == "" {
		return appendString([]byte{spaceRecord}, q.Namespace)
	}
	return appendString(appendString([]byte{spaceLocal}, q.Namespace), q.Local)
}

// bounds returns the instants between which q lies, both included.
func bounds(q store.ActivationQuery) (since, upto uint64) {
	upto = ^uint64(0)
	if !q.Upto.IsZero() {
		upto = instant(q.Upto)
	}
	return instant(q.Since), upto
}

// timeRange returns the first key of q and the one after its last.
func timeRange(prefix []byte, q store.ActivationQuery) (lower, upper []byte) {
	since, upto := bounds(q)
	lower = appendDescending(bytes.Clone(prefix), upto)
	return lower, after(appendDescending(prefix, since))
}

// startAndID reads the end of a key that has a start and an id there.
func startAndID(key []byte) (start uint64, id rawID) {
	tail := key[len(key)-8-len(id):]
	return ^binary.BigEndian.Uint64(tail), rawID(tail[8:])
}
