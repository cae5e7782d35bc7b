package auth

import (
	"context"
	"fmt"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// OfNamespace returns the identity that a namespace acts as where nobody shows
// a key, as with web actions: the first of its subjects, by name, that is not
// blocked. Errors: entity.ErrNotFound if there is none. OpenWhisk 4.1.8.
func (a *Authenticator) OfNamespace(ctx context.Context, name string) (*entity.Identity, error) {
	a.mu.RLock()
	id, forgotten := a.owners[name], a.forgotten
	a.mu.RUnlock()
	if id != nil {
		return id, nil
	}
	subjects, err := a.subjects.SubjectsOf(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("read subjects of namespace %s: %w", name, err)
	}
	for _, subject := range subjects {
		for _, ns := range subject.Namespaces {
			if ns.Name != name || subject.Blocked {
				continue
			}
			if id, err = a.identity(ctx, subject.Name, ns); err != nil {
				return nil, err
			}
			a.remember(a.owners, name, id, forgotten)
			return id, nil
		}
	}
	return nil, entity.ErrNotFound
}
