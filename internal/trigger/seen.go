package trigger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gowhisk/gowhisk/internal/store"
)

// An event from outside is remembered so long, but of all events only so many; the oldest go first.
const (
	seenFor  = 24 * time.Hour
	seenMost = 100_000
)

// seenKind is the kind of the entries, whose keys are those of events and whose bodies the time in
// milliseconds.
const seenKind = "event"

// forgetAtOnce is how many entries are removed in one step.
const forgetAtOnce = 256

// seen knows which events from outside were accepted.
type seen struct {
	registry store.Registry
	now      func() time.Time

	mu    sync.Mutex
	known map[eventKey]bool // guarded by mu
	order []sighting        // guarded by mu; oldest first
}

type sighting struct {
	key eventKey
	at  int64 // ms
}

func (s *seen) load(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known = map[eventKey]bool{}
	err := s.registry.Entries(ctx, seenKind, "", func(e store.Entry) error {
		at, _ := strconv.ParseInt(string(e.Body), 10, 64) // one that cannot be read is old
		s.known[eventKey(e.Key)] = true
		s.order = append(s.order, sighting{eventKey(e.Key), at})
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the events that were accepted: %w", err)
	}
	slices.SortFunc(s.order, func(a, b sighting) int { return cmp.Compare(a.at, b.at) })
	return nil
}

func (s *seen) has(key eventKey) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[key]
}

// entry is what is stored with the acceptance of an event.
func (s *seen) entry(key eventKey) store.Entry {
	return store.Entry{Kind: seenKind, Key: string(key), Body: strconv.AppendInt(nil, s.now().UnixMilli(), 10)}
}

// add takes note of an event whose entry is stored, and forgets old ones.
func (s *seen) add(ctx context.Context, key eventKey) error {
	s.mu.Lock()
	s.known[key] = true
	s.order = append(s.order, sighting{key, s.now().UnixMilli()})
	old := s.old()
	s.mu.Unlock()
	if len(old) == 0 {
		return nil
	}
	if err := s.registry.DeleteEntries(ctx, seenKind, old...); err != nil {
		return fmt.Errorf("forget old events: %w", err)
	}
	return nil
}

// old takes those out that need not be known any longer, if they are many. It needs mu held.
func (s *seen) old() (keys []string) {
	before, n := s.now().Add(-seenFor).UnixMilli(), 0
	for n < len(s.order) && (s.order[n].at < before || len(s.order)-n > seenMost) {
		n++
	}
	if n < forgetAtOnce {
		return nil
	}
	for _, o := range s.order[:n] {
		keys = append(keys, string(o.key))
		delete(s.known, o.key)
	}
	s.order = slices.Clone(s.order[n:])
	return keys
}
