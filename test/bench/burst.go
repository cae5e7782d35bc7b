package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// burst is what came of many requests that are only accepted at first.
type burst struct {
	sample
	ended float64 // activations per second, from the first request to the last end
}

func (b burst) row(name string) row { return series{b.sample}.row(name) }

// burst sends so many POSTs over maxConcurrency connections and waits for the
// end of the activations that they cause, so many each.
func (s *server) burst(ctx context.Context, path string, activations, requests int) (burst, error) {
	before, err := s.allSuccesses(ctx)
	if err != nil {
		return burst{}, err
	}
	took := make([][]time.Duration, maxConcurrency)
	g, loading := errgroup.WithContext(ctx)
	begin := time.Now()
	for i := range maxConcurrency {
		g.Go(func() (err error) {
			took[i], err = s.posts(loading, path, (requests+i)/maxConcurrency)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return burst{}, err
	}
	all := slices.Concat(took...)
	out := burst{sample: sampleOf(all, time.Since(begin))}
	want := len(all) * activations
	err = poll(ctx, func() (bool, error) {
		n, err := s.allSuccesses(ctx)
		return n-before >= float64(want), err
	})
	out.ended = float64(want) / time.Since(begin).Seconds()
	return out, err
}

// posts sends n POSTs over one connection, one after the other.
func (s *server) posts(ctx context.Context, path string, n int) ([]time.Duration, error) {
	conn, err := dial(ctx, s.address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.close() }()
	if err := conn.until(time.Now().Add(answerTime)); err != nil {
		return nil, err
	}
	request := post(s.address, "/api/v1/namespaces/_/"+path, s.authorization, arguments())
	took := make([]time.Duration, n)
	for i := range took {
		begin := time.Now()
		status, body, err := conn.do(request)
		if err != nil {
			return nil, err
		}
		if status != http.StatusAccepted {
			return nil, fmt.Errorf("POST %s: status %d: %.500s", path, status, body)
		}
		took[i] = time.Since(begin)
	}
	return took, ctx.Err()
}

// allSuccesses is how many activations of actions have succeeded.
func (s *server) allSuccesses(ctx context.Context) (sum float64, err error) {
	for _, start := range []string{"cold", "prewarmed", "warm"} {
		n, err := s.successes(ctx, start)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// poll asks again and again until done or an error.
func poll(ctx context.Context, done func() (bool, error)) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
