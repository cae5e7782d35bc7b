package admin_test

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// memory keeps subjects and limits in maps: store.Subjects for tests.
type memory struct {
	mu       sync.Mutex
	subjects map[string]entity.Subject
	limits   map[string]entity.NamespaceLimits
	err      error // returned by every write if set
}

func newMemory() *memory {
	return &memory{subjects: map[string]entity.Subject{}, limits: map[string]entity.NamespaceLimits{}}
}

func (m *memory) Subject(_ context.Context, name string) (entity.Subject, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.subjects[name]
	if !ok {
		return s, entity.ErrNotFound
	}
	s.Namespaces = slices.Clone(s.Namespaces)
	return s, nil
}

func (m *memory) PutSubject(_ context.Context, s entity.Subject) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		m.subjects[s.Name] = s
	}
	return m.err
}

func (m *memory) DeleteSubject(_ context.Context, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		delete(m.subjects, name)
	}
	return m.err
}

func (m *memory) SubjectOfKey(_ context.Context, uuid string) (entity.Subject, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.subjects {
		if slices.ContainsFunc(s.Namespaces, func(n entity.Namespace) bool { return n.UUID == uuid }) {
			return s, nil
		}
	}
	return entity.Subject{}, entity.ErrNotFound
}

func (m *memory) SubjectsOf(_ context.Context, namespace string) ([]entity.Subject, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []entity.Subject
	for _, s := range m.subjects {
		if slices.ContainsFunc(s.Namespaces, func(n entity.Namespace) bool { return n.Name == namespace }) {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b entity.Subject) int { return cmp.Compare(a.Name, b.Name) })
	return found, nil
}

func (m *memory) Limits(_ context.Context, namespace string) (entity.NamespaceLimits, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l, ok := m.limits[namespace]
	if !ok {
		return l, entity.ErrNotFound
	}
	return l, nil
}

func (m *memory) PutLimits(_ context.Context, namespace string, l entity.NamespaceLimits) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.limits[namespace] = l
	return nil
}

func (m *memory) DeleteLimits(_ context.Context, namespace string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.limits[namespace]; !ok {
		return entity.ErrNotFound
	}
	delete(m.limits, namespace)
	return nil
}
