package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// request sends what is not measured, or is slow enough for a real client,
// and returns the body of a good answer.
func (s *server) request(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", s.authorization)
	r.Header.Set("Content-Type", "application/json")
	answer, err := s.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }() // read to its end
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s %s: %s: %.500s", method, path, answer.Status, data)
	}
	return data, nil
}

// gauge reads one value of the server's metrics, 0 if there is none of that
// name. name includes the labels, if any.
func (s *server) gauge(ctx context.Context, name string) (float64, error) {
	data, err := s.request(ctx, http.MethodGet, "/metrics", nil)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, nil
}

// successes is how many activations succeeded in containers of that start:
// cold, prewarmed or warm.
func (s *server) successes(ctx context.Context, start string) (float64, error) {
	return s.gauge(ctx, `gowhisk_activations_total{start="`+start+`",status="success"}`)
}

// pollEvery is how often a gauge is read that shall reach a value.
const pollEvery = 5 * time.Millisecond

// await waits until a gauge is at least want.
func (s *server) await(ctx context.Context, name string, want int) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		got, err := s.gauge(ctx, name)
		if err != nil || got >= float64(want) {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait until %s is %d, it is %g: %w", name, want, got, context.Cause(ctx))
		}
	}
}
