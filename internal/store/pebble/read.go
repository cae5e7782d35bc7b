package pebble

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// get calls use with the value of key, which is valid during the call.
func (db *DB) get(key []byte, use func(value []byte) error) error {
	value, closer, err := db.db.Get(key)
	if err != nil {
		return readError("read", err)
	}
	return errors.Join(use(value), closer.Close())
}

// has reports whether there is a value of key.
func (db *DB) has(key []byte) (bool, error) {
	_, closer, err := db.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, readError("read", err)
	}
	return true, closer.Close()
}

// scan calls visit for every key from lower on and before upper, in order,
// until it returns false or an error. Key and value are valid during the
// call.
func scan(from pebble.Reader, lower, upper []byte, visit func(key, value []byte) (bool, error)) (err error) {
	iter, err := from.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return readError("open iterator", err)
	}
	defer func() {
		if closeErr := iter.Close(); err == nil {
			err = readError("read", closeErr)
		}
	}()
	for ok := iter.First(); ok; ok = iter.Next() {
		value, err := iter.ValueAndErr()
		if err != nil {
			return readError("read", err)
		}
		more, err := visit(iter.Key(), value)
		if err != nil || !more {
			return err
		}
	}
	return nil // an error that ended the loop is returned by Close too
}
