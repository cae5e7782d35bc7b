package entitlement

import (
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
)

// Throttle is what is counted per minute.
type Throttle uint8

// The throttles.
const (
	Invoke Throttle = iota
	Fire
)

// Refusal is a throttle's no. It is an entity.Error of kind Throttled with a
// hint when to come again.
type Refusal struct {
	err   *entity.Error
	after time.Duration
}

func (r *Refusal) Error() string { return r.err.Error() }

func (r *Refusal) Unwrap() error { return r.err }

// RetryAfter says how long the caller should wait; it is positive.
func (r *Refusal) RetryAfter() time.Duration { return r.after }

// usage is what one namespace uses now.
type usage struct {
	windows  [2]window // by Throttle
	inFlight atomic.Int64
	release  func() // takes one off inFlight; made once
}

// window counts the calls of one minute: the minute in the upper half, the
// count in the lower.
type window struct{ state atomic.Uint64 }

// add counts one more call in minute and returns how many there are.
func (w *window) add(minute uint32) int {
	for {
		old := w.state.Load()
		next := uint64(minute)<<32 | 1
		if uint32(old>>32) == minute {
			next = old + 1
		}
		if uint32(next) == 0 { // 2³² calls in a minute: stay at the top
			return int(uint32(old))
		}
		if w.state.CompareAndSwap(old, next) {
			return int(uint32(next))
		}
	}
}

// Rate counts one call of the identity's namespace and refuses it if the
// minute's allowance is used up. Refused calls count, too. The windows are
// the minutes of the clock as it was at start: a clock that is set back
// neither reopens nor prolongs one. OpenWhisk 6.3.3, 6.3.4, 6.3.7.
func (e *Entitlement) Rate(id *entity.Identity, t Throttle) error {
	now := e.now()
	now = e.epoch.Add(now.Sub(e.epoch)) // monotonic
	allowed := e.allowed(id, t)
	count := e.usageOf(id.Namespace.Name).windows[t].add(uint32(now.Unix() / 60))
	if count <= allowed {
		return nil
	}
	return &Refusal{
		entity.Errorf(entity.Throttled, "Too many requests in the last minute (count: %d, allowed: %d).", count, allowed).
			WithCode(fault.RateLimit),
		now.Truncate(time.Minute).Add(time.Minute).Sub(now),
	}
}

func (e *Entitlement) allowed(id *entity.Identity, t Throttle) int {
	if t == Fire {
		return or(id.Limits.FiresPerMinute, e.settings.FiresPerMinute)
	}
	return or(id.Limits.InvocationsPerMinute, e.settings.InvocationsPerMinute)
}

// Acquire takes one of the namespace's slots for activations in flight; done
// gives it back and must be called exactly once. OpenWhisk 6.3.5.
func (e *Entitlement) Acquire(id *entity.Identity) (done func(), err error) {
	u := e.usageOf(id.Namespace.Name)
	allowed := int64(e.concurrent(id))
	for {
		n := u.inFlight.Load()
		if n >= allowed {
			return nil, &Refusal{
				entity.Errorf(entity.Throttled, "Too many concurrent requests in flight (count: %d, allowed: %d).", n, allowed).
					WithCode(fault.ConcurrentLimit),
				time.Second,
			}
		}
		if u.inFlight.CompareAndSwap(n, n+1) {
			return u.release, nil
		}
	}
}

func (e *Entitlement) concurrent(id *entity.Identity) int {
	return or(id.Limits.ConcurrentInvocations, e.settings.ConcurrentInvocations)
}

// usageOf returns the counters of a namespace.
func (e *Entitlement) usageOf(namespace string) *usage {
	shard := &e.usage[maphash.String(e.seed, namespace)%shards]
	shard.mu.RLock()
	u := shard.namespaces[namespace]
	shard.mu.RUnlock()
	if u != nil {
		return u
	}
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if u = shard.namespaces[namespace]; u == nil {
		u = &usage{}
		u.release = func() { u.inFlight.Add(-1) }
		shard.namespaces[namespace] = u
	}
	return u
}

func or[T any](override *T, system T) T {
	if override != nil {
		return *override
	}
	return system
}
