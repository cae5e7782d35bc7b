package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// bareFirstAnswer is the time from the start of an interpreter to its first
// answer.
func (b *bench) bareFirstAnswer(ctx context.Context, l language) (time.Duration, error) {
	begin := time.Now()
	r, err := startRunner(ctx, l.interpreter, b.script(l), l.code)
	if err != nil {
		return 0, err
	}
	_, err = r.first(arguments())
	took := time.Since(begin)
	return took, errors.Join(err, r.close())
}

// firstAnswer creates an action and is the time that its first invocation
// takes, on a connection of its own that is open before.
func (s *server) firstAnswer(ctx context.Context, name string, l language) (time.Duration, error) {
	if err := s.create(ctx, name, l); err != nil {
		return 0, err
	}
	took, err := s.contender("gowhisk", name).once(ctx)
	if err != nil {
		return 0, fmt.Errorf("first invocation of %s: %w", name, err)
	}
	return took, nil
}

// once is the time of one request on a connection of its own.
func (c contender) once(ctx context.Context) (time.Duration, error) {
	took, err := c.drive(ctx, 0, time.Now())
	if err != nil {
		return 0, err
	}
	return took[0], nil
}

// allStarted checks that every success so far came from a container of that
// start.
func (s *server) allStarted(ctx context.Context, start string) error {
	for _, other := range []string{"cold", "prewarmed", "warm"} {
		n, err := s.successes(ctx, other)
		if err != nil {
			return err
		}
		if (n > 0) != (other == start) {
			return fmt.Errorf("%g first answers were of start %q, all should be of %q", n, other, start)
		}
	}
	return nil
}
