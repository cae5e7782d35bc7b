package factorytest

import (
	"fmt"
	"sync"
	"time"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
)

func abilities() []sentence {
	nap := func(k *Kind) string { return k.Nap }
	return []sentence{
		{"a container that was paused runs again after resume", func(k *Kind) string { return k.Counter }, resumes},
		{"a stem cell that was paused can be destroyed", nil, destroysPaused},
		{"memory usage is measured and below the limit", func(k *Kind) string { return k.Echo }, measures},
		{"runs in flight at once are answered each with its own", nap, runsAtOnce},
		{"runs in flight at once may print", func(k *Kind) string { return k.Lines }, printsAtOnce},
	}
}

// pauser skips the test for containers that cannot be paused.
func (s *session) pauser(c containerpool.Container) containerpool.Pauser {
	p, ok := c.(containerpool.Pauser)
	if !ok {
		s.Skip("containers cannot be paused")
	}
	return p
}

func resumes(s *session) {
	c := s.loaded(s.kind.Counter, limits())
	p := s.pauser(c)
	for n := 1; n <= 3; n++ {
		s.wantSame(s.run(c, `{}`).Body, fmt.Sprintf(`{"n":%d}`, n))
		if err := p.Pause(s.within(patience)); err != nil {
			s.Fatalf("pause: %v", err)
		}
		if err := p.Resume(s.within(patience)); err != nil {
			s.Fatalf("resume: %v", err)
		}
	}
}

func destroysPaused(s *session) {
	c := s.create()
	if err := s.pauser(c).Pause(s.within(patience)); err != nil {
		s.Fatalf("pause: %v", err)
	}
	if err := c.Destroy(s.within(patience), "on purpose"); err != nil {
		s.Errorf("destroy: %v", err)
	}
}

func measures(s *session) {
	c := s.loaded(s.kind.Echo, limits())
	m, ok := c.(containerpool.Meter)
	if !ok {
		s.Skip("containers cannot be measured")
	}
	s.run(c, `{}`)
	if bytes, err := m.MemoryUsage(); err != nil || bytes <= 0 || bytes > limits().Memory*entity.MB {
		s.Errorf("usage is %d bytes, %v", bytes, err)
	}
}

// shared is a container that takes several runs at once, and how many.
func (s *session) shared(code string) (containerpool.Container, int) {
	l := limits()
	l.Concurrency = 5
	c := s.loaded(code, l)
	if c.Concurrency() == 1 {
		s.Skip("the runtime takes one run at a time")
	}
	return c, min(5, c.Concurrency())
}

func runsAtOnce(s *session) {
	c, n := s.shared(s.kind.Nap)
	began := time.Now()
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			args := fmt.Sprintf(`{"ms":%d,"i":%d}`, 1000-100*i, i)
			ans, err := c.Run(s.within(patience), s.request(args))
			if err != nil {
				s.Errorf("run: %v", err)
				return
			}
			s.wantSame(ans.Body, args)
		})
	}
	all.Wait()
	if took := time.Since(began); took > time.Duration(n)*time.Second/2 {
		s.Errorf("%d naps of up to a second took %s: one after the other", n, took)
	}
}

func printsAtOnce(s *session) {
	c, n := s.shared(s.kind.Lines)
	printsApart(s, c, n)
}
