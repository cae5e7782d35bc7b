package pebble

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/gowhisk/gowhisk/internal/entity"
)

func namespaceKey(namespace string) []byte { return append([]byte{spaceNamespace}, namespace...) }

// Limits returns the overrides of a namespace; see store.Subjects.
func (s *subjects) Limits(ctx context.Context, namespace string) (l entity.NamespaceLimits, err error) {
	if err := s.db.enter(ctx); err != nil {
		return l, err
	}
	defer s.db.leave()
	err = s.db.get(namespaceKey(namespace), func(text []byte) error {
		if json.Unmarshal(text, &l) != nil {
			return corrupted("limits of namespace " + namespace)
		}
		return nil
	})
	return l, err
}

// PutLimits replaces the overrides of a namespace; see store.Subjects.
func (s *subjects) PutLimits(ctx context.Context, namespace string, l entity.NamespaceLimits) error {
	text, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("encode limits of %s: %w", namespace, err)
	}
	return s.write(ctx, namespace, needNew, func(batch *pebble.Batch) error {
		return batch.Set(namespaceKey(namespace), text, nil)
	})
}

// DeleteLimits removes the overrides of a namespace; see store.Subjects. It
// is entity.ErrNotFound if there are none.
func (s *subjects) DeleteLimits(ctx context.Context, namespace string) error {
	return s.write(ctx, namespace, needFree, func(batch *pebble.Batch) error {
		key := namespaceKey(namespace)
		found, err := s.db.has(key)
		if err != nil {
			return err
		}
		if !found {
			return entity.ErrNotFound
		}
		return batch.Delete(key, nil)
	})
}
