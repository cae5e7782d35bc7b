package pebble

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// subjects is store.Subjects. Whole subjects are sealed; the index by uuid
// holds marks instead of uuids.
type subjects struct {
	db *DB
	mu sync.Mutex // held by who writes a subject
}

func subjectKey(name string) []byte { return append([]byte{spaceSubject}, name...) }

func (s *subjects) uuidKey(uuid string) []byte {
	return append([]byte{spaceUUID}, s.db.seal.Mark(uuid)...)
}

func memberKey(namespace, subject string) []byte {
	return append(appendString([]byte{spaceMember}, namespace), subject...)
}

// Subject returns the subject of that name; see store.Subjects.
func (s *subjects) Subject(ctx context.Context, name string) (entity.Subject, error) {
	if err := s.db.enter(ctx); err != nil {
		return entity.Subject{}, err
	}
	defer s.db.leave()
	return s.read(name)
}

func (s *subjects) read(name string) (subject entity.Subject, err error) {
	key := subjectKey(name)
	err = s.db.get(key, func(sealed []byte) error {
		text, err := s.db.seal.Open(sealed, key)
		if err == nil {
			err = json.Unmarshal(text, &subject)
		}
		if err != nil {
			return corrupted("subject " + name)
		}
		return nil
	})
	return subject, err
}

// PutSubject creates or replaces a subject; see store.Subjects.
func (s *subjects) PutSubject(ctx context.Context, subject entity.Subject) error {
	text, err := json.Marshal(subject)
	if err != nil {
		return fmt.Errorf("encode subject %s: %w", subject.Name, err)
	}
	return s.write(ctx, subject.Name, needNew, func(batch *pebble.Batch) error {
		old, err := s.read(subject.Name)
		if err != nil && !errors.Is(err, entity.ErrNotFound) {
			return err
		}
		if err := s.dropKeys(batch, old); err != nil {
			return err
		}
		for _, n := range subject.Namespaces {
			owner, err := s.owner(n.UUID)
			if err == nil && owner != subject.Name {
				return entity.ErrExists
			}
			if err != nil && !errors.Is(err, entity.ErrNotFound) {
				return err
			}
			err = errors.Join(
				batch.Set(s.uuidKey(n.UUID), []byte(subject.Name), nil),
				batch.Set(memberKey(n.Name, subject.Name), nil, nil))
			if err != nil {
				return err
			}
		}
		key := subjectKey(subject.Name)
		return batch.Set(key, s.db.seal.Close(text, key), nil)
	})
}

// DeleteSubject removes a subject and its keys; see store.Subjects.
func (s *subjects) DeleteSubject(ctx context.Context, name string) error {
	return s.write(ctx, name, needFree, func(batch *pebble.Batch) error {
		old, err := s.read(name)
		if err != nil {
			return err
		}
		return errors.Join(s.dropKeys(batch, old), batch.Delete(subjectKey(name), nil))
	})
}

// write commits what fill puts into a batch; one caller at a time.
func (s *subjects) write(ctx context.Context, name string, n need, fill func(*pebble.Batch) error) error {
	if err := s.db.enter(ctx); err != nil {
		return err
	}
	defer s.db.leave()
	if err := s.db.space.admit(n); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	batch := s.db.db.NewBatch()
	if err := fill(batch); err != nil {
		return fmt.Errorf("write %q: %w", name, errors.Join(err, batch.Close()))
	}
	return s.db.commit.commit(batch, true)
}

func (s *subjects) dropKeys(batch *pebble.Batch, old entity.Subject) (err error) {
	for _, n := range old.Namespaces {
		err = errors.Join(err,
			batch.Delete(s.uuidKey(n.UUID), nil),
			batch.Delete(memberKey(n.Name, old.Name), nil))
	}
	return err
}

// owner returns the name of the subject that has the uuid.
func (s *subjects) owner(uuid string) (name string, err error) {
	err = s.db.get(s.uuidKey(uuid), func(value []byte) error {
		name = string(value)
		return nil
	})
	return name, err
}

// SubjectOfKey returns the subject with that uuid; see store.Subjects.
func (s *subjects) SubjectOfKey(ctx context.Context, uuid string) (entity.Subject, error) {
	if err := s.db.enter(ctx); err != nil {
		return entity.Subject{}, err
	}
	defer s.db.leave()
	name, err := s.owner(uuid)
	if err != nil {
		return entity.Subject{}, err
	}
	return s.read(name)
}

// SubjectsOf returns the subjects of a namespace by name; see
// store.Subjects.
func (s *subjects) SubjectsOf(ctx context.Context, namespace string) (list []entity.Subject, err error) {
	if err := s.db.enter(ctx); err != nil {
		return nil, err
	}
	defer s.db.leave()
	prefix := appendString([]byte{spaceMember}, namespace)
	err = scan(s.db.db, prefix, after(bytes.Clone(prefix)), func(key, _ []byte) (bool, error) {
		subject, err := s.read(string(key[len(prefix):]))
		if errors.Is(err, entity.ErrNotFound) { // removed since the scan began
			return true, nil
		}
		list = append(list, subject)
		return true, errors.Join(err, ctx.Err())
	})
	return list, err
}
