package factorytest

import (
	"errors"
	"time"

	"github.com/gowhisk/gowhisk/internal/containerpool"
)

func failures() []sentence {
	return []sentence{
		{"exit during init is a failure that says so", func(k *Kind) string { return k.ExitInInit }, exitsInInit},
		{"exit during run is a failure that says so", func(k *Kind) string { return k.ExitInRun }, exitsInRun},
		{"a dead container answers no second run", func(k *Kind) string { return k.ExitInRun }, staysDead},
		{"memory over the limit is a failure that says so", func(k *Kind) string { return k.Allocate }, runsOutOfMemory},
		{"an archive that leads outside is refused", func(k *Kind) string { return k.Escaping }, refusesArchive},
	}
}

// wantFailure wants err to be the death of the container by that cause.
func (s *session) wantFailure(err error, cause containerpool.Cause) *containerpool.Failure {
	s.Helper()
	f, ok := errors.AsType[*containerpool.Failure](err)
	if !ok || f.Cause != cause {
		s.Fatalf("error is %v (%T), want a Failure with cause %d", err, err, cause)
	}
	return f
}

func exitsInInit(s *session) {
	began := time.Now()
	_, err := s.create().Init(s.within(patience), s.assignment(s.kind.ExitInInit, limits()))
	if f := s.wantFailure(err, containerpool.Exited); f.Detail == "" {
		s.Error("nothing is said of how it ended")
	}
	if took := time.Since(began); took > 10*time.Second {
		s.Errorf("the death was noticed after %s", took)
	}
}

func exitsInRun(s *session) {
	c := s.loaded(s.kind.ExitInRun, limits())
	_, err := c.Run(s.within(patience), s.request(`{}`))
	if f := s.wantFailure(err, containerpool.Exited); f.Detail == "" {
		s.Error("nothing is said of how it ended")
	}
}

func staysDead(s *session) {
	c := s.loaded(s.kind.ExitInRun, limits())
	for range 2 {
		if ans, err := c.Run(s.within(patience), s.request(`{}`)); err == nil {
			s.Errorf("answer %d %s", ans.Status, ans.Body)
		}
	}
}

func runsOutOfMemory(s *session) {
	c := s.loaded(s.kind.Allocate, limits())
	_, err := c.Run(s.within(patience), s.request(`{}`))
	s.wantFailure(err, containerpool.OutOfMemory)
}

func refusesArchive(s *session) {
	ans, err := s.create().Init(s.within(patience), s.assignment(s.kind.Escaping, limits()))
	if err == nil {
		s.Fatalf("init: status %d %s", ans.Status, ans.Body)
	}
	if f := s.wantFailure(err, containerpool.Refused); f.Message == "" || f.Code == "" {
		s.Errorf("message %q, code %q: the user is told nothing", f.Message, f.Code)
	}
}
