package pebble

import (
	"bytes"
	"errors"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// freshCap is how many ids one generation of fresh remembers.
const freshCap = 8 << 10

// fresh knows of most new ids that they are new without reading the store,
// which would cost more than all else that Put does by itself. A UUIDv7 begins
// with the time of its making. fresh remembers all ids that were put since
// some moment; every id that was put before then is of an earlier making than
// a bound that it keeps. An id from that bound on that it does not remember
// was never put, whatever the clocks did.
type fresh struct {
	mu      sync.Mutex
	recent  map[rawID]struct{} // guarded by mu; put since the last turn
	older   map[rawID]struct{} // guarded by mu; put between the last two turns
	since   uint64             // guarded by mu; ids put before what older remembers were made before that
	turned  uint64             // guarded by mu; the same for recent
	highest uint64             // guarded by mu; latest making of any id that was put
}

// begin starts to remember. highest is not below the time of making in any
// id that is stored.
func (f *fresh) begin(highest uint64) {
	f.highest = highest
	f.turn()
	f.since = f.turned
}

// turn makes room.
func (f *fresh) turn() {
	f.older, f.recent = f.recent, make(map[rawID]struct{})
	f.since, f.turned = f.turned, f.highest+1
}

// add remembers id and reports whether it certainly was not put before.
func (f *fresh) add(id rawID) bool {
	made := madeAt(id)
	f.mu.Lock()
	defer f.mu.Unlock()
	_, recent := f.recent[id]
	_, older := f.older[id]
	isNew := !recent && !older && made >= f.since && id[6]>>4 == 7
	f.highest = max(f.highest, made)
	f.recent[id] = struct{}{}
	if len(f.recent) >= freshCap {
		f.turn()
	}
	return isNew
}

// madeAt is the time in milliseconds that a UUIDv7 begins with.
func madeAt(id rawID) (ms uint64) {
	for _, b := range id[:6] {
		ms = ms<<8 | uint64(b)
	}
	return ms
}

// highestMade returns the largest madeAt of all ids in the store, with two
// steps per namespace.
func highestMade(db *pebble.DB) (highest uint64, err error) {
	iter, err := db.NewIter(&pebble.IterOptions{LowerBound: []byte{spaceID}, UpperBound: []byte{spaceID + 1}})
	if err != nil {
		return 0, readError("open iterator", err)
	}
	for ok := iter.First(); ok; {
		namespace, _, whole := cutString(iter.Key()[1:])
		if !whole {
			err = corrupted("the index of activation ids")
			break
		}
		next := after(appendString([]byte{spaceID}, namespace))
		if !iter.SeekLT(next) || len(iter.Key()) < len(rawID{}) {
			break
		}
		key := iter.Key()
		highest = max(highest, madeAt(rawID(key[len(key)-len(rawID{}):])))
		ok = iter.SeekGE(bytes.Clone(next))
	}
	return highest, errors.Join(err, readError("read", iter.Close()))
}
