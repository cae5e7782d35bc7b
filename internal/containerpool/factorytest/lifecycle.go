package factorytest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/gowhisk/gowhisk/internal/containerpool"
)

func lifecycle() []sentence {
	echo := func(k *Kind) string { return k.Echo }
	return []sentence{
		{"every container has an id of its own", nil, hasID},
		{"containers can be made concurrently", echo, makesMany},
		{"create that is given up leaves nothing behind", nil, createGivenUp},
		{"destroy works once and later calls do nothing", nil, destroyTwice},
		{"after destroy every method returns an error", echo, destroyed},
		{"destroy ends a run under way", func(k *Kind) string { return k.Nap }, destroyEndsRun},
		{"state lives as long as the container and in it alone", func(k *Kind) string { return k.Counter }, stateIsOwn},
	}
}

func hasID(s *session) {
	a, b := s.create(), s.create()
	if a.ID() == "" || a.ID() == b.ID() || a.Concurrency() < 1 {
		s.Errorf("ids are %q and %q, concurrency %d", a.ID(), b.ID(), a.Concurrency())
	}
}

func makesMany(s *session) {
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			c, err := s.factory.Create(s.within(patience), containerpool.Spec{Kind: s.kind.Kind, Image: s.kind.Image})
			if err != nil {
				s.Errorf("create: %v", err)
				return
			}
			defer func() {
				if err := c.Destroy(context.Background(), "test is over"); err != nil {
					s.Errorf("destroy: %v", err)
				}
			}()
			if ans, err := c.Init(s.within(patience), s.assignment(s.kind.Echo, limits())); err != nil || ans.Status != 200 {
				s.Errorf("init: status %d %s, %v", ans.Status, ans.Body, err)
				return
			}
			args := fmt.Sprintf(`{"i":%d}`, i)
			ans, err := c.Run(s.within(patience), s.request(args))
			if err != nil {
				s.Errorf("run: %v", err)
				return
			}
			s.wantSame(ans.Body, args)
		})
	}
	all.Wait()
}

func createGivenUp(s *session) {
	for _, d := range []time.Duration{0, time.Millisecond, 5 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(s.Context(), d)
		c, err := s.factory.Create(ctx, containerpool.Spec{Kind: s.kind.Kind, Image: s.kind.Image})
		cancel()
		if err == nil {
			if d == 0 {
				s.Error("a container was made though the context had ended")
			}
			if err := c.Destroy(context.Background(), "test is over"); err != nil {
				s.Errorf("destroy: %v", err)
			}
		}
	}
}

func destroyTwice(s *session) {
	c := s.create()
	for range 2 {
		if err := c.Destroy(s.within(patience), "on purpose"); err != nil {
			s.Errorf("destroy: %v", err)
		}
	}
}

func destroyed(s *session) {
	c := s.loaded(s.kind.Echo, limits())
	if err := c.Destroy(s.within(patience), "on purpose"); err != nil {
		s.Fatal(err)
	}
	if _, err := c.Run(s.within(patience), s.request(`{}`)); err == nil {
		s.Error("run works")
	}
	if _, err := c.Init(s.within(patience), s.assignment(s.kind.Echo, limits())); err == nil {
		s.Error("init works")
	}
	c.Logs(s.within(patience), "")
	if p, ok := c.(containerpool.Pauser); ok {
		if p.Pause(s.within(patience)) == nil || p.Resume(s.within(patience)) == nil {
			s.Error("pause or resume works")
		}
	}
}

func destroyEndsRun(s *session) {
	c := s.loaded(s.kind.Nap, limits())
	ended := make(chan error, 1)
	ctx := s.within(patience)
	go func() {
		_, err := c.Run(ctx, s.request(`{"ms":60000}`))
		ended <- err
	}()
	if err := c.Destroy(s.within(patience), "on purpose"); err != nil {
		s.Error(err)
	}
	select {
	case err := <-ended:
		if err == nil {
			s.Error("the run was answered")
		}
	case <-ctx.Done():
		s.Error("the run goes on")
	}
}

func stateIsOwn(s *session) {
	a, b := s.loaded(s.kind.Counter, limits()), s.loaded(s.kind.Counter, limits())
	for n := 1; n <= 3; n++ {
		s.wantSame(s.run(a, `{}`).Body, fmt.Sprintf(`{"n":%d}`, n))
	}
	s.wantSame(s.run(b, `{}`).Body, `{"n":1}`)
}
