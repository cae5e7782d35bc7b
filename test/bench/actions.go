package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
)

// leastManyRatio is the goal of many warm actions, by the rate of one.
const leastManyRatio = 0.5

// actions compares the rate of one action with that of many, all of them
// warm and fitting into the pool. A connection has actions of its own where
// there are enough, so that no action is called twice at once.
func (b *bench) actions(ctx context.Context) (rows []row, err error) {
	counts := []int{1, 100, 1000}
	if b.opt.quick {
		counts = []int{1, 50}
	}
	most := counts[len(counts)-1]
	l, err := b.fittingLanguage(most)
	if err != nil {
		return nil, err
	}
	s, err := b.startFreshServer(ctx, "--pool-memory=1024GB", "--pool-pause-grace=10m")
	if err != nil {
		return nil, err
	}
	defer s.stopping(&err)
	requests, err := s.warmUp(ctx, l, most)
	if err != nil {
		return nil, err
	}
	var contenders []contender
	for _, n := range counts {
		c := s.contender(fmt.Sprintf("gowhisk %s, %d actions", l.name, n), "")
		c.request = func(connection, i int) []byte {
			if n < maxConcurrency {
				return requests[connection%n]
			}
			own := (n-connection-1)/maxConcurrency + 1 // actions of this connection
			return requests[connection+i%own*maxConcurrency]
		}
		contenders = append(contenders, c)
	}
	results, err := contest(ctx, contenders, maxConcurrency, b.opt.rounds, b.opt.round)
	if err != nil {
		return nil, err
	}
	for i, c := range contenders {
		r := results[i].row(fmt.Sprintf("%s, concurrency %d", c.name, maxConcurrency))
		if i > 0 {
			r.Goal = atLeast(results[i].rateRatio(results[0]), leastManyRatio, "× one action")
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// warmUp creates n actions, invokes each once and returns the requests.
func (s *server) warmUp(ctx context.Context, l language, n int) ([][]byte, error) {
	requests := make([][]byte, n)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for i := range n {
		g.Go(func() error {
			name := fmt.Sprintf("many-%d", i)
			requests[i] = s.invocation(name)
			_, err := s.firstAnswer(ctx, name, l)
			return err
		})
	}
	return requests, g.Wait()
}

// containerBytes is ample for one idle container of any language.
const containerBytes = 12 << 20

// fittingLanguage is the first language of which n containers fit into the
// memory that is free, else the last, which is the smallest.
func (b *bench) fittingLanguage(n int) (language, error) {
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return language{}, err
	}
	var free int64
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, "MemAvailable:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			if err != nil {
				return language{}, fmt.Errorf("free memory: %w", err)
			}
			free = kb << 10
		}
	}
	if free > int64(n)*containerBytes {
		return b.languages[0], nil
	}
	return b.languages[len(b.languages)-1], nil
}
