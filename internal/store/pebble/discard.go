package pebble

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// Discard removes whatever lies under that name; see store.Entities. A
// document that cannot be read does not say where in lists it stands, so all
// lists of its namespace are looked through.
func (s *entities) Discard(ctx context.Context, name entity.Name) error {
	if err := s.db.enter(ctx); err != nil {
		return err
	}
	defer s.db.leave()
	key := documentKey(name)
	defer s.lock(key)()
	batch := s.db.db.NewBatch()
	err := batch.Delete(key, nil)
	for _, of := range []entity.Collection{entity.Actions, entity.Triggers, entity.Rules, entity.Packages} {
		err = errors.Join(err,
			s.unlist(batch, newestPrefix(of, name.Namespace), name.Local()),
			s.unlist(batch, packagePrefix(of, name.Namespace, name.Package), name.Name))
	}
	for _, space := range []byte{spaceCode, spaceOpenCode} {
		prefix := codeKey(space, name, "")
		err = errors.Join(err, batch.DeleteRange(prefix, after(bytes.Clone(prefix)), nil))
	}
	if err != nil {
		return fmt.Errorf("discard %s: %w", name, errors.Join(err, batch.Close()))
	}
	return s.db.commit.commit(batch, true)
}

// unlist puts into batch the removal of a name from one list, whose keys are
// the prefix, a time and a name.
func (s *entities) unlist(batch *pebble.Batch, prefix []byte, name string) error {
	return scan(s.db.db, prefix, after(bytes.Clone(prefix)), func(key, _ []byte) (bool, error) {
		if tail := key[len(prefix):]; len(tail) >= 8 && string(tail[8:]) == name {
			return true, batch.Delete(bytes.Clone(key), nil)
		}
		return true, nil
	})
}
