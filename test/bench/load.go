package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// contender is a server that takes part in a comparison.
type contender struct {
	name    string
	address string
	pid     int // of the server; it and all below it are charged

	// request returns the n-th request of a connection, of connections that
	// are numbered from 0. The bytes are not changed.
	request func(connection, n int) []byte

	// expect is part of every answer.
	expect []byte
}

// load sends requests over concurrency connections for the time d, each
// connection one after the other.
func (c contender) load(ctx context.Context, concurrency int, d time.Duration) (sample, error) {
	before, ownBefore, err := cpuTime(c.pid)
	if err != nil {
		return sample{}, err
	}
	took := make([][]time.Duration, concurrency)
	g, ctx := errgroup.WithContext(ctx)
	begin := time.Now()
	for i := range concurrency {
		g.Go(func() (err error) {
			took[i], err = c.drive(ctx, i, begin.Add(d))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return sample{}, fmt.Errorf("%s: %w", c.name, err)
	}
	elapsed := time.Since(begin)
	after, ownAfter, err := cpuTime(c.pid)
	if err != nil {
		return sample{}, err
	}
	s := sampleOf(slices.Concat(took...), elapsed)
	s.cpu = (after - before) / time.Duration(s.requests)
	s.own = (ownAfter - ownBefore) / time.Duration(s.requests)
	return s, nil
}

// answerTime bounds one answer.
const answerTime = 90 * time.Second

// drive sends requests over one connection until the time end, at least one,
// and returns how long each took.
func (c contender) drive(ctx context.Context, connection int, end time.Time) (took []time.Duration, err error) {
	conn, err := dial(ctx, c.address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.close() }) // wakes the reader, which reports
	defer func() {
		if stop() {
			_ = conn.close() // all answers are in
		}
	}()
	if err := conn.until(end.Add(answerTime)); err != nil {
		return nil, err
	}
	took = make([]time.Duration, 0, 1<<14)
	begin := time.Now()
	for n := 0; ; n++ {
		status, body, err := conn.do(c.request(connection, n))
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			return nil, err
		}
		now := time.Now()
		took = append(took, now.Sub(begin))
		if status != http.StatusOK || !bytes.Contains(body, c.expect) {
			return nil, fmt.Errorf("answer %d: status %d: %.500s", n, status, body)
		}
		if now.After(end) {
			return took, nil
		}
		begin = now
	}
}

// leastWarmUp is what a server gets at least to make a container for each
// connection.
const leastWarmUp = time.Second / 2

// contest puts load on the contenders in turn, round after round, after a
// warm-up of each.
func contest(ctx context.Context, contenders []contender, concurrency, rounds int, d time.Duration) ([]series, error) {
	results := make([]series, len(contenders))
	for _, c := range contenders {
		if _, err := c.load(ctx, concurrency, max(d, leastWarmUp)); err != nil {
			return nil, err
		}
	}
	for range rounds {
		for i, c := range contenders {
			s, err := c.load(ctx, concurrency, d)
			if err != nil {
				return nil, err
			}
			results[i] = append(results[i], s)
		}
	}
	return results, nil
}
