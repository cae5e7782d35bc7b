package admin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// The two subjects of a fresh data directory. OpenWhisk 6.1.5.
const (
	Guest  = "guest"
	System = "whisk.system"
)

// The keys that OpenWhisk publishes for them. Everybody knows them.
const (
	PublicGuestKey = "23bc46b1-71f6-4ed5-8c54-816aa4f8c502:123" + publicKey

	publicSystemKey = "789c46b1-71f6-4ed5-8c54-816aa4f8c502:abc" + publicKey
	publicKey       = "zO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP"
)

// Bootstrap gives a fresh data directory the subjects guest and
// whisk.system, with OpenWhisk's public keys or with random ones, and adds
// each of users (namespace to uuid:key) that is not there yet. It reports
// whether the directory was fresh: whisk.system was missing.
func Bootstrap(ctx context.Context, subjects store.Subjects, random bool, users map[string]string) (fresh bool, err error) {
	_, err = subjects.Subject(ctx, System)
	fresh = errors.Is(err, entity.ErrNotFound)
	if err != nil && !fresh {
		return false, fmt.Errorf("read subject %s: %w", System, err)
	}
	wanted := maps.Clone(users)
	if wanted == nil {
		wanted = map[string]string{}
	}
	if fresh {
		for name, key := range map[string]string{Guest: PublicGuestKey, System: publicSystemKey} {
			if random {
				n := NewNamespace(name)
				key = n.UUID + ":" + n.Key
			}
			if _, given := wanted[name]; !given {
				wanted[name] = key
			}
		}
	}
	// whisk.system comes last: it marks the directory as no longer fresh.
	last, hasLast := wanted[System]
	delete(wanted, System)
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if err := ensure(ctx, subjects, name, wanted[name]); err != nil {
			return fresh, err
		}
	}
	if hasLast {
		return fresh, ensure(ctx, subjects, System, last)
	}
	return fresh, nil
}

func ensure(ctx context.Context, subjects store.Subjects, name, auth string) error {
	_, err := subjects.Subject(ctx, name)
	if err == nil {
		return nil
	}
	if !errors.Is(err, entity.ErrNotFound) {
		return fmt.Errorf("read subject %s: %w", name, err)
	}
	namespace, refusal := parseKey(name, auth)
	if refusal != "" {
		return fmt.Errorf("key of %s: %s", name, refusal)
	}
	if err := subjects.PutSubject(ctx, entity.Subject{Name: name, Namespaces: []entity.Namespace{namespace}}); err != nil {
		return fmt.Errorf("create subject %s: %w", name, err)
	}
	return nil
}

// PublicKeys returns which of guest and whisk.system have the key that
// OpenWhisk publishes: whoever reaches the server may act as them.
func PublicKeys(ctx context.Context, subjects store.Subjects) ([]string, error) {
	var open []string
	for _, known := range [][2]string{{Guest, PublicGuestKey}, {System, publicSystemKey}} {
		s, err := subjects.Subject(ctx, known[0])
		if errors.Is(err, entity.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read subject %s: %w", known[0], err)
		}
		if slices.ContainsFunc(s.Namespaces, func(n entity.Namespace) bool { return n.UUID+":"+n.Key == known[1] }) {
			open = append(open, known[0])
		}
	}
	return open, nil
}
