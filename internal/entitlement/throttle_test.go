package entitlement_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
)

// clock is a time that tests move.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

func at(hour, minute, second int) *clock {
	return &clock{time.Date(2026, 3, 1, hour, minute, second, 0, time.UTC)}
}

func identity(namespace string) *entity.Identity {
	return &entity.Identity{Subject: namespace, Namespace: entity.Namespace{Name: namespace}}
}

func of[T any](v T) *T { return &v }

func provider(c *clock, change func(*entitlement.Settings)) *entitlement.Entitlement {
	s := entitlement.DefaultSettings()
	if change != nil {
		change(&s)
	}
	return entitlement.New(s, nil, c.now)
}

func refused(t *testing.T, err error, text, code string, after time.Duration) {
	t.Helper()
	e, ok := errors.AsType[*entity.Error](err)
	if !ok || e.Kind != entity.Throttled || e.Message != text || e.Code != code {
		t.Errorf("got %+v, want %s %s", err, code, text)
		return
	}
	if r, ok := errors.AsType[*entitlement.Refusal](err); !ok || r.RetryAfter() != after {
		t.Errorf("%v: wrong hint, want %v", err, after)
	}
}

func TestRateCountsByTheMinuteOfTheClock(t *testing.T) {
	c := at(10, 0, 37)
	e := provider(c, func(s *entitlement.Settings) { s.InvocationsPerMinute = 2 })
	id := identity("guest")
	for range 2 {
		if err := e.Rate(id, entitlement.Invoke); err != nil {
			t.Fatal(err)
		}
	}
	refused(t, e.Rate(id, entitlement.Invoke), "Too many requests in the last minute (count: 3, allowed: 2).", "GW1401", 23*time.Second)
	refused(t, e.Rate(id, entitlement.Invoke), "Too many requests in the last minute (count: 4, allowed: 2).", "GW1401", 23*time.Second)
	if err := e.Rate(identity("other"), entitlement.Invoke); err != nil {
		t.Errorf("another namespace: %v", err)
	}
	if err := e.Rate(id, entitlement.Fire); err != nil {
		t.Errorf("fires have their own count: %v", err)
	}
	c.Time = at(10, 1, 0).Time
	if err := e.Rate(id, entitlement.Invoke); err != nil {
		t.Errorf("a new minute: %v", err)
	}
}

func TestOverridesReplaceTheSystemsRates(t *testing.T) {
	e := provider(at(10, 0, 0), nil)
	id := identity("guest")
	id.Limits = entity.NamespaceLimits{InvocationsPerMinute: of(0), FiresPerMinute: of(1), ConcurrentInvocations: of(0)}
	refused(t, e.Rate(id, entitlement.Invoke), "Too many requests in the last minute (count: 1, allowed: 0).", "GW1401", time.Minute)
	if err := e.Rate(id, entitlement.Fire); err != nil {
		t.Error(err)
	}
	refused(t, e.Rate(id, entitlement.Fire), "Too many requests in the last minute (count: 2, allowed: 1).", "GW1401", time.Minute)
	_, err := e.Acquire(id)
	refused(t, err, "Too many concurrent requests in flight (count: 0, allowed: 0).", "GW1402", time.Second)
}

func TestClockSetBackDoesNotProlongAWindow(t *testing.T) {
	start := time.Now() // has a monotonic reading
	c := &clock{start}
	e := provider(c, func(s *entitlement.Settings) { s.InvocationsPerMinute = 1 })
	id := identity("guest")
	if err := e.Rate(id, entitlement.Invoke); err != nil {
		t.Fatal(err)
	}
	c.Time = start.Add(time.Minute)
	if err := e.Rate(id, entitlement.Invoke); err != nil {
		t.Errorf("a minute later: %v", err)
	}
	c.Time = start.Add(-time.Hour).Round(0) // what a set clock reads
	if err := e.Rate(id, entitlement.Invoke); err != nil {
		t.Errorf("an hour back: %v", err)
	}
}

func TestSlotsAreGivenBack(t *testing.T) {
	e := provider(at(10, 0, 0), func(s *entitlement.Settings) { s.ConcurrentInvocations = 2 })
	id := identity("guest")
	one, err := e.Acquire(id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = e.Acquire(id); err != nil {
		t.Fatal(err)
	}
	_, err = e.Acquire(id)
	refused(t, err, "Too many concurrent requests in flight (count: 2, allowed: 2).", "GW1402", time.Second)
	one()
	if _, err = e.Acquire(id); err != nil {
		t.Errorf("after one was given back: %v", err)
	}
}

func TestConcurrentCallersGetExactlyTheAllowance(t *testing.T) {
	e := provider(at(10, 0, 0), func(s *entitlement.Settings) { s.InvocationsPerMinute, s.ConcurrentInvocations = 100, 50 })
	var calls, slots atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if e.Rate(identity("guest"), entitlement.Invoke) == nil {
					calls.Add(1)
				}
				if _, err := e.Acquire(identity("guest")); err == nil {
					slots.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if calls.Load() != 100 || slots.Load() != 50 {
		t.Errorf("%d calls and %d slots, want 100 and 50", calls.Load(), slots.Load())
	}
}

func BenchmarkRateAndAcquire(b *testing.B) {
	s := entitlement.DefaultSettings()
	s.InvocationsPerMinute, s.ConcurrentInvocations = 1<<40, 1<<40
	e := entitlement.New(s, nil, time.Now)
	id := identity("guest")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := e.Rate(id, entitlement.Invoke); err != nil {
				b.Fatal(err)
			}
			done, err := e.Acquire(id)
			if err != nil {
				b.Fatal(err)
			}
			done()
		}
	})
}

func BenchmarkRefusal(b *testing.B) {
	s := entitlement.DefaultSettings()
	s.InvocationsPerMinute = 0
	e := entitlement.New(s, nil, time.Now)
	id := identity("guest")
	b.ReportAllocs()
	for b.Loop() {
		if e.Rate(id, entitlement.Invoke) == nil {
			b.Fatal("not refused")
		}
	}
}
