package auth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/gowhisk/gowhisk/internal/auth"
	"github.com/gowhisk/gowhisk/internal/entity"
)

const (
	uuidA = "23bc46b1-71f6-4ed5-8c54-816aa4f8c502"
	uuidB = "789c46b1-71f6-4ed5-8c54-816aa4f8c502"
	keyA  = "123zO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP"
	keyB  = "abczO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP"
)

// subjects is a directory of one subject that counts its readings.
type subjects struct {
	mu      sync.Mutex
	subject entity.Subject
	limits  map[string]entity.NamespaceLimits
	err     error
	reads   int
	onRead  func()
}

func (s *subjects) SubjectOfKey(_ context.Context, uuid string) (entity.Subject, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if s.onRead != nil {
		defer s.onRead()
	}
	for _, ns := range s.subject.Namespaces {
		if ns.UUID == uuid && s.err == nil {
			return s.subject, nil
		}
	}
	return entity.Subject{}, errors.Join(s.err, entity.ErrNotFound)
}

func (s *subjects) SubjectsOf(_ context.Context, namespace string) ([]entity.Subject, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if s.onRead != nil {
		defer s.onRead()
	}
	for _, ns := range s.subject.Namespaces {
		if ns.Name == namespace && s.err == nil {
			return []entity.Subject{s.subject}, nil
		}
	}
	return nil, s.err
}

func (s *subjects) Limits(_ context.Context, namespace string) (entity.NamespaceLimits, error) {
	if l, ok := s.limits[namespace]; ok {
		return l, nil
	}
	return entity.NamespaceLimits{}, entity.ErrNotFound
}

func directory() *subjects {
	n := 7
	return &subjects{
		subject: entity.Subject{Name: "alice", Namespaces: []entity.Namespace{
			{Name: "alice", UUID: uuidA, Key: keyA}, {Name: "team", UUID: uuidB, Key: keyB},
		}},
		limits: map[string]entity.NamespaceLimits{"team": {InvocationsPerMinute: &n}},
	}
}

func basic(credentials string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
}

func TestEachKeyOpensItsOwnNamespace(t *testing.T) {
	a := auth.New(directory())
	id, err := a.Identify(t.Context(), basic(uuidA+":"+keyA))
	if err != nil || id.Subject != "alice" || id.Namespace.Name != "alice" || id.AuthKey() != uuidA+":"+keyA {
		t.Errorf("got %+v, %v", id, err)
	}
	id, err = a.Identify(t.Context(), strings.Replace(basic(uuidB+":"+keyB), "Basic", "bASIC", 1))
	if err != nil || id.Namespace.Name != "team" || *id.Limits.InvocationsPerMinute != 7 {
		t.Errorf("got %+v, %v", id, err)
	}
}

func TestWrongCredentialsAreInvalidAndNoneAreMissing(t *testing.T) {
	a := auth.New(directory())
	if _, err := a.Identify(t.Context(), ""); !errors.Is(err, entity.ErrAuthMissing) {
		t.Errorf("no header: %v", err)
	}
	for name, header := range map[string]string{
		"unknown uuid":   basic("33333333-71f6-4ed5-8c54-816aa4f8c502:" + keyA),
		"wrong key":      basic(uuidA + ":" + keyB),
		"malformed uuid": basic("x3bc46b1-71f6-4ed5-8c54-816aa4f8c502:" + keyA),
		"short key":      basic(uuidA + ":" + keyA[1:]),
		"long key":       basic(uuidA + ":" + keyA + "x"),
		"no colon":       basic(uuidA + "x" + keyA),
		"no base64":      "Basic " + strings.Repeat("!", 136),
		"bearer":         "Bearer abc",
		"scheme only":    "Basic ",
		"new lines":      "Basic " + strings.Repeat("\n", 136),
		"huge":           basic(strings.Repeat("a", 100_000)),
	} {
		if _, err := a.Identify(t.Context(), header); !errors.Is(err, entity.ErrAuthInvalid) {
			t.Errorf("%s: got %v, want invalid", name, err)
		}
	}
}

func TestBlockedSubjectIsInvalidOnceForgotten(t *testing.T) {
	d := directory()
	a := auth.New(d)
	header := basic(uuidA + ":" + keyA)
	if _, err := a.Identify(t.Context(), header); err != nil {
		t.Fatal(err)
	}
	d.subject.Blocked = true
	if _, err := a.Identify(t.Context(), header); err != nil {
		t.Fatalf("not forgotten yet: %v", err)
	}
	a.Forget()
	if _, err := a.Identify(t.Context(), header); !errors.Is(err, entity.ErrAuthInvalid) {
		t.Errorf("got %v, want invalid", err)
	}
}

func TestKnownKeyIsReadOnce(t *testing.T) {
	d := directory()
	a := auth.New(d)
	for range 3 {
		if _, err := a.Identify(t.Context(), basic(uuidA+":"+keyA)); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Identify(t.Context(), basic(uuidA+":"+keyB)); err == nil {
			t.Fatal("wrong key accepted")
		}
	}
	if d.reads != 1 {
		t.Errorf("%d reads, want 1", d.reads)
	}
}

func TestForgetDuringAReadIsNotLost(t *testing.T) {
	d := directory()
	a := auth.New(d)
	d.onRead = a.Forget // the subject changes right after it was read
	for range 2 {
		if _, err := a.Identify(t.Context(), basic(uuidA+":"+keyA)); err != nil {
			t.Fatal(err)
		}
	}
	if d.reads != 2 {
		t.Errorf("%d reads, want 2: an old identity was remembered", d.reads)
	}
}

func TestOwnerIsFoundByUUIDUnlessBlocked(t *testing.T) {
	d := directory()
	a := auth.New(d)
	for range 2 {
		if id, err := a.Owner(t.Context(), uuidB); err != nil || id.Namespace.Name != "team" {
			t.Errorf("got %+v, %v", id, err)
		}
	}
	if d.reads != 1 {
		t.Errorf("%d reads, want 1", d.reads)
	}
	d.subject.Blocked = true
	a.Forget()
	if _, err := a.Owner(t.Context(), uuidB); !errors.Is(err, entity.ErrAuthInvalid) {
		t.Errorf("blocked: %v", err)
	}
}

func TestFailureOfTheStoreIsNotARefusal(t *testing.T) {
	d := directory()
	a := auth.New(failing{d})
	_, err := a.Identify(t.Context(), basic(uuidA+":"+keyA))
	if err == nil || entity.KindOf(err) != entity.Internal {
		t.Errorf("got %v, want an internal error", err)
	}
}

type failing struct{ *subjects }

func (failing) SubjectOfKey(context.Context, string) (entity.Subject, error) {
	return entity.Subject{}, errors.New("disk gone")
}

func TestConcurrentUseIsSafe(t *testing.T) {
	a := auth.New(directory())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				if _, err := a.Identify(context.Background(), basic(uuidA+":"+keyA)); err != nil {
					t.Error(err)
				}
				a.Forget()
			}
		})
	}
	wg.Wait()
}

func FuzzIdentify(f *testing.F) {
	f.Add(basic(uuidA + ":" + keyA))
	f.Add("Basic !")
	f.Fuzz(func(t *testing.T, header string) {
		id, err := auth.New(directory()).Identify(t.Context(), header)
		if (id == nil) == (err == nil) {
			t.Fatalf("got %v, %v", id, err)
		}
	})
}

func BenchmarkIdentify(b *testing.B) {
	a := auth.New(directory())
	header := basic(uuidA + ":" + keyA)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := a.Identify(context.Background(), header); err != nil {
				b.Fatal(err)
			}
		}
	})
}
