// Package auth turns the credentials of a request into an identity. It
// leaves what the identity may do to package entitlement, and the making of
// subjects to package admin.
package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"sync"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// Subjects is what auth reads of store.Subjects.
type Subjects interface {
	SubjectOfKey(ctx context.Context, uuid string) (entity.Subject, error)
	SubjectsOf(ctx context.Context, namespace string) ([]entity.Subject, error)
	Limits(ctx context.Context, namespace string) (entity.NamespaceLimits, error)
}

// cacheSize bounds how many identities are remembered.
const cacheSize = 10_000

// Authenticator knows who holds which key. It remembers identities by UUID,
// so that right and wrong keys of a known UUID cost the same and no key is
// kept but the one inside the identity. Safe for concurrent use.
type Authenticator struct {
	subjects Subjects

	mu         sync.RWMutex
	identities map[string]*entity.Identity // by UUID, guarded by mu
	owners     map[string]*entity.Identity // by namespace, guarded by mu
	forgotten  uint64                      // guarded by mu: counts calls of Forget
}

// New returns an Authenticator that reads subjects.
func New(subjects Subjects) *Authenticator {
	return &Authenticator{subjects: subjects, identities: map[string]*entity.Identity{}, owners: map[string]*entity.Identity{}}
}

// Identify returns who sent the Authorization header. The result is shared
// and must not be changed. Errors: entity.ErrAuthMissing for an empty header,
// entity.ErrAuthInvalid for everything that is not a known key of a subject
// that is not blocked. OpenWhisk 1.3.1–1.3.3, 6.1.7.
func (a *Authenticator) Identify(ctx context.Context, authorization string) (*entity.Identity, error) {
	if authorization == "" {
		return nil, entity.ErrAuthMissing
	}
	var c credentials
	if !c.parse(authorization) {
		return nil, entity.ErrAuthInvalid
	}
	id, forgotten := a.recall(c.uuid())
	if id == nil {
		var err error
		if id, err = a.load(ctx, string(c.uuid()), forgotten); err != nil {
			return nil, err
		}
	}
	var key [keyLength]byte // on the stack
	if len(id.Namespace.Key) != copy(key[:], id.Namespace.Key) || subtle.ConstantTimeCompare(c.key(), key[:]) != 1 {
		return nil, entity.ErrAuthInvalid
	}
	return id, nil
}

// Owner returns the identity that the UUID stands for, for work that was
// accepted from it earlier. Errors: entity.ErrAuthInvalid if there is none.
func (a *Authenticator) Owner(ctx context.Context, uuid string) (*entity.Identity, error) {
	id, forgotten := a.recall([]byte(uuid))
	if id != nil {
		return id, nil
	}
	return a.load(ctx, uuid, forgotten)
}

// recall returns the remembered identity, nil if there is none, and what
// remember wants to know.
func (a *Authenticator) recall(uuid []byte) (id *entity.Identity, forgotten uint64) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.identities[string(uuid)], a.forgotten
}

// load reads the identity of a UUID and remembers it. A blocked subject is
// nobody.
func (a *Authenticator) load(ctx context.Context, uuid string, forgotten uint64) (*entity.Identity, error) {
	subject, err := a.subjects.SubjectOfKey(ctx, uuid)
	if errors.Is(err, entity.ErrNotFound) {
		return nil, entity.ErrAuthInvalid
	}
	if err != nil {
		return nil, fmt.Errorf("read subject of a key: %w", err)
	}
	for _, ns := range subject.Namespaces {
		if ns.UUID != uuid || subject.Blocked {
			continue
		}
		id, err := a.identity(ctx, subject.Name, ns)
		if err != nil {
			return nil, err
		}
		a.remember(a.identities, uuid, id, forgotten)
		return id, nil
	}
	return nil, entity.ErrAuthInvalid
}

func (a *Authenticator) identity(ctx context.Context, subject string, ns entity.Namespace) (*entity.Identity, error) {
	limits, err := a.subjects.Limits(ctx, ns.Name)
	if err != nil && !errors.Is(err, entity.ErrNotFound) {
		return nil, fmt.Errorf("read limits of namespace %s: %w", ns.Name, err)
	}
	return &entity.Identity{Subject: subject, Namespace: ns, Limits: limits}, nil
}

// remember keeps id in one of the maps unless Forget was called since the
// caller saw forgotten: what was read may be old then. A full cache starts
// anew.
func (a *Authenticator) remember(in map[string]*entity.Identity, key string, id *entity.Identity, forgotten uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.forgotten != forgotten {
		return
	}
	if len(in) >= cacheSize {
		clear(in)
	}
	in[key] = id
}

// Forget makes the next request of every key read its subject anew. Whoever
// changes subjects or limits calls it after the write.
func (a *Authenticator) Forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.identities)
	clear(a.owners)
	a.forgotten++
}
