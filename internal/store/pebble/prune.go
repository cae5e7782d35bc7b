package pebble

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

const (
	pruneStep    = 500             // records removed in one write
	pruneRounds  = 4               // tries to get below a number of bytes
	compactFrom  = 2000            // removed records that are worth rewriting files at once
	flushDelay   = 5 * time.Second // until removed ranges reach the files by themselves
	histogramCap = 1 << 16         // buckets
)

// Prune removes old records; see store.Activations. The bytes that the
// medium holds are measured in Pebble's files, so a compression ratio is
// part of them.
func (s *activations) Prune(ctx context.Context, cutoff time.Time, maxBytes int64) (int, error) {
	s.pruning.Lock()
	defer s.pruning.Unlock()
	removed, err := s.removeBefore(ctx, instant(cutoff), compactFrom)
	if err != nil || maxBytes == 0 {
		return removed, err
	}
	for range pruneRounds {
		excess, total, err := s.excess(ctx, maxBytes)
		if err != nil || excess <= 0 {
			return removed, err
		}
		until, err := s.oldest(ctx, float64(excess)/float64(total))
		if err != nil {
			return removed, err
		}
		n, err := s.removeBefore(ctx, until, 1) // or the next measure shows nothing
		removed += n
		if err != nil || n == 0 {
			return removed, err
		}
	}
	return removed, nil
}

// excess returns how many bytes the records take more than maxBytes, and how
// many they take.
func (s *activations) excess(ctx context.Context, maxBytes int64) (excess, total int64, err error) {
	if err := s.db.enter(ctx); err != nil {
		return 0, 0, err
	}
	defer s.db.leave()
	flushed, err := s.db.db.AsyncFlush()
	if err != nil {
		return 0, 0, fmt.Errorf("flush: %w", err)
	}
	select {
	case <-flushed:
	case <-ctx.Done():
		return 0, 0, ctx.Err()
	}
	size, err := s.db.db.EstimateDiskUsage([]byte{spaceRecord}, []byte{spaceAfter})
	return int64(size) - maxBytes, int64(size), readError("measure", err)
}

// oldest returns the instant before which that share of all bytes started.
func (s *activations) oldest(ctx context.Context, share float64) (uint64, error) {
	if err := s.db.enter(ctx); err != nil {
		return 0, err
	}
	defer s.db.leave()
	var h histogram
	err := scan(s.db.db, []byte{spaceRecord}, []byte{spaceID}, func(key, value []byte) (bool, error) {
		start, _ := startAndID(key)
		h.add(start, int64(len(key)+len(value)))
		return true, ctx.Err()
	})
	return h.until(share), err
}

// removeBefore removes what started before that instant, one namespace after
// the other, and returns how many records it removed. The files of a
// namespace that lost compactFrom records or more are rewritten at once.
func (s *activations) removeBefore(ctx context.Context, instant uint64, compactFrom int) (removed int, err error) {
	if instant == 0 {
		return 0, nil
	}
	for from := []byte{spaceRecord}; ; {
		namespace, found, err := s.nextNamespace(ctx, from)
		if err != nil || !found {
			return removed, err
		}
		prefix := appendString([]byte{spaceRecord}, namespace)
		from = after(bytes.Clone(prefix))
		n, err := s.removeFrom(ctx, namespace, appendDescending(prefix, instant-1), from, compactFrom)
		removed += n
		if err != nil {
			return removed, err
		}
	}
}

// nextNamespace returns the namespace of the first record from that key on.
func (s *activations) nextNamespace(ctx context.Context, from []byte) (namespace string, found bool, err error) {
	if err := s.db.enter(ctx); err != nil {
		return "", false, err
	}
	defer s.db.leave()
	err = scan(s.db.db, from, []byte{spaceLarge}, func(key, _ []byte) (bool, error) {
		namespace, _, found = cutString(key[1:])
		return false, nil
	})
	return namespace, found, err
}

// removeFrom removes the records of a namespace between two keys in steps,
// newest first.
func (s *activations) removeFrom(ctx context.Context, namespace string, lower, upper []byte, compactFrom int) (removed int, err error) {
	var ids pebble.KeyRange
	for {
		n, err := s.removeStep(ctx, namespace, lower, upper, &ids)
		removed += n
		if err != nil {
			return removed, err
		}
		if n < pruneStep {
			break
		}
	}
	if removed < compactFrom {
		return removed, nil
	}
	return removed, s.compact(ctx, lower, upper, ids)
}

// removeStep removes up to pruneStep records. Records and large parts lie
// together in time and go with two range deletions; the keys that point to
// them are removed one by one. ids grows to hold what was removed of them.
func (s *activations) removeStep(ctx context.Context, namespace string, lower, upper []byte, ids *pebble.KeyRange) (n int, err error) {
	if err := s.db.enter(ctx); err != nil {
		return 0, err
	}
	defer s.db.leave()
	s.step.Lock()
	defer s.step.Unlock()
	batch := s.db.db.NewBatch()
	end := upper
	err = scan(s.db.db, lower, upper, func(key, value []byte) (bool, error) {
		if n == pruneStep {
			end = bytes.Clone(key)
			return false, nil
		}
		n++
		start, id := startAndID(key)
		pointer := idKey(nil, namespace, id)
		widen(ids, pointer)
		err := batch.Delete(pointer, nil)
		if local, ok := localOf(value); ok {
			err = errors.Join(err, batch.Delete(localKey(nil, namespace, local, start, id), nil))
		}
		return true, errors.Join(err, ctx.Err())
	})
	if err != nil || n == 0 {
		return 0, errors.Join(err, batch.Close())
	}
	err = errors.Join(
		batch.DeleteRange(lower, end, nil),
		batch.DeleteRange(withSpace(lower, spaceLarge), withSpace(end, spaceLarge), nil))
	if err != nil {
		return 0, errors.Join(err, batch.Close())
	}
	if err := s.db.commit.commit(batch, false); err != nil {
		return 0, err
	}
	return n, nil
}

// compact has the files rewritten that held what was removed.
func (s *activations) compact(ctx context.Context, lower, upper []byte, ids pebble.KeyRange) error {
	if err := s.db.enter(ctx); err != nil {
		return err
	}
	defer s.db.leave()
	return errors.Join(
		s.db.db.Compact(ctx, lower, upper, false),
		s.db.db.Compact(ctx, withSpace(lower, spaceLarge), withSpace(upper, spaceLarge), false),
		s.db.db.Compact(ctx, ids.Start, append(ids.End, 0), false))
}

// withSpace returns a key moved to another space.
func withSpace(key []byte, space byte) []byte {
	k := bytes.Clone(key)
	k[0] = space
	return k
}

func widen(r *pebble.KeyRange, key []byte) {
	if r.Start == nil || bytes.Compare(key, r.Start) < 0 {
		r.Start = key
	}
	if bytes.Compare(key, r.End) > 0 {
		r.End = key
	}
}
