// Package entitlement decides what an identity may do now: rights on
// entities, calls per minute, activations in flight, limits of actions and
// kinds. It knows identities but not how they proved who they are, and reads
// nothing but packages.
package entitlement

import (
	"context"
	"hash/maphash"
	"sync"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// Settings are the system's defaults; a namespace may override most of them.
type Settings struct {
	InvocationsPerMinute  int
	ConcurrentInvocations int
	FiresPerMinute        int
	SequenceLength        int // actions in a sequence, nested ones expanded

	Limits           entity.LimitRange // overrides are capped by it
	Defaults         entity.Limits     // of an action that names none
	MaxParameterSize int64             // bytes; overrides are capped by it
	MaxPayloadSize   int64             // bytes; overrides are capped by it
	AllowedKinds     []string          // empty allows all

	// SharedPackagesExecuteOnly lets strangers call what is in public packages
	// but not read it. OpenWhisk 5.3.16.
	SharedPackagesExecuteOnly bool
}

// DefaultSettings are those that OpenWhisk ships with. OpenWhisk 6.2.3, C.
func DefaultSettings() Settings {
	return Settings{
		InvocationsPerMinute: 60, ConcurrentInvocations: 30, FiresPerMinute: 60, SequenceLength: 50,
		Limits:           entity.DefaultLimitRange(),
		Defaults:         entity.DefaultLimits(),
		MaxParameterSize: entity.MaxParameterSize,
		MaxPayloadSize:   entity.MaxPayloadSize,
	}
}

// Packages looks packages and bindings up; catalog.Catalog does. Errors:
// entity.ErrNotFound, entity.ErrWrongType.
type Packages interface {
	Package(ctx context.Context, name entity.Name) (*entity.Package, error)
}

// shards spread the namespaces over locks; a power of two.
const shards = 64

// Entitlement is safe for concurrent use. It remembers a few words for every
// namespace that ever called, so its memory is bounded by the namespaces.
type Entitlement struct {
	settings Settings
	packages Packages
	now      func() time.Time
	epoch    time.Time
	seed     maphash.Seed
	usage    [shards]struct {
		mu         sync.RWMutex
		namespaces map[string]*usage // guarded by mu
	}
}

// New returns an Entitlement. packages may be nil: then there are none. now
// is the clock of the throttles.
func New(s Settings, packages Packages, now func() time.Time) *Entitlement {
	e := &Entitlement{settings: s, packages: packages, now: now, epoch: now(), seed: maphash.MakeSeed()}
	for i := range e.usage {
		e.usage[i].namespaces = map[string]*usage{}
	}
	return e
}

// Settings returns the system's defaults.
func (e *Entitlement) Settings() Settings { return e.settings }
