package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// How much of the fires is done: enough activations for a rate, and single
// fires for the time to the last activation.
const (
	burstActivations = 4000
	quickActivations = 400
	singleFires      = 21
	quickFires       = 5
)

// trigger measures fires of triggers with few and many rules: how many are
// accepted in a second, each with its activations in one durable write, and
// how long it is from a fire to the end of its last activation. Beside them
// stand the same for plain invocations of the same action.
func (b *bench) trigger(ctx context.Context) (rows []row, err error) {
	s, err := b.startFreshServer(ctx, "--pool-memory=16GB")
	if err != nil {
		return nil, err
	}
	defer s.stopping(&err)
	if err := s.create(ctx, "noop", b.languages[0]); err != nil {
		return nil, err
	}
	blocking, err := contest(ctx, []contender{s.contender("blocking", "noop")}, maxConcurrency, b.scale(3, 1), b.opt.round)
	if err != nil {
		return nil, err
	}
	floor := blocking[0].row(fmt.Sprintf("blocking invoke, concurrency %d", maxConcurrency))
	plain, err := s.burst(ctx, "actions/noop", 1, b.scale(burstActivations, quickActivations))
	if err != nil {
		return nil, err
	}
	rows = append(rows, floor, plain.row(fmt.Sprintf("non-blocking invoke, concurrency %d", maxConcurrency)))
	for _, rules := range []int{1, 10, 100} {
		more, err := b.fires(ctx, s, rules, plain.sample, floor.Rate)
		rows = append(rows, more...)
		if err != nil {
			return rows, err
		}
	}
	return rows, nil
}

// fires measures one trigger against the acceptance of plain invocations and
// the rate of blocking ones.
func (b *bench) fires(ctx context.Context, s *server, rules int, plain sample, blocking float64) ([]row, error) {
	path, err := s.link(ctx, rules)
	if err != nil {
		return nil, err
	}
	fired, err := s.burst(ctx, path, rules, max(b.scale(burstActivations, quickActivations)/rules, maxConcurrency))
	if err != nil {
		return nil, err
	}
	accepted := fired.row(fmt.Sprintf("fire, %d rules, concurrency %d", rules, maxConcurrency))
	accepted.Note = fmt.Sprintf("%.2f × one non-blocking invoke; %.0f activations/s ended, %.2f × blocking",
		float64(fired.p50)/float64(plain.p50), fired.ended, fired.ended/blocking)
	var took []time.Duration
	for range b.scale(singleFires, quickFires) {
		d, err := s.untilLast(ctx, path)
		if err != nil {
			return []row{accepted}, err
		}
		took = append(took, d)
	}
	slices.Sort(took)
	return []row{accepted, {
		Name: fmt.Sprintf("fire, %d rules, to the last activation", rules),
		P50:  quantile(took, 0.5), P99: quantile(took, 0.99),
	}}, nil
}

// link makes a trigger with so many rules to the action noop, and returns its
// path.
func (s *server) link(ctx context.Context, rules int) (path string, err error) {
	path = fmt.Sprint("triggers/t", rules)
	if _, err := s.request(ctx, http.MethodPut, "/api/v1/namespaces/_/"+path, []byte(`{}`)); err != nil {
		return "", err
	}
	body := fmt.Appendf(nil, `{"trigger":"/_/t%d","action":"/_/noop"}`, rules)
	for i := range rules {
		if _, err := s.request(ctx, http.MethodPut, fmt.Sprintf("/api/v1/namespaces/_/rules/r%d-%d", rules, i), body); err != nil {
			return "", err
		}
	}
	return path, nil
}

// activation is what matters here of a record; times are in milliseconds.
type activation struct {
	ID    string   `json:"activationId"`
	Start int64    `json:"start"`
	End   int64    `json:"end"`
	Logs  []string `json:"logs"`
}

// untilLast fires once and returns how long it is, by the records, to the end
// of the last activation.
func (s *server) untilLast(ctx context.Context, path string) (time.Duration, error) {
	id, err := s.fireOnce(ctx, path)
	if err != nil {
		return 0, err
	}
	fire, err := s.record(ctx, id)
	if err != nil {
		return 0, err
	}
	last := fire.Start
	for _, line := range fire.Logs {
		var rule activation
		if err := json.Unmarshal([]byte(line), &rule); err != nil {
			return 0, err
		}
		run, err := s.record(ctx, rule.ID)
		if err != nil {
			return 0, err
		}
		last = max(last, run.End)
	}
	return time.Duration(last-fire.Start) * time.Millisecond, nil
}

func (s *server) fireOnce(ctx context.Context, path string) (id string, err error) {
	conn, err := dial(ctx, s.address)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.close() }()
	_, body, err := conn.do(post(s.address, "/api/v1/namespaces/_/"+path, s.authorization, arguments()))
	if err != nil {
		return "", err
	}
	var fire activation
	err = json.Unmarshal(body, &fire)
	return fire.ID, err
}

// record waits for the record of an activation.
func (s *server) record(ctx context.Context, id string) (a activation, err error) {
	var missing error
	err = poll(ctx, func() (bool, error) {
		var data []byte
		if data, missing = s.request(ctx, http.MethodGet, "/api/v1/namespaces/_/activations/"+id, nil); missing != nil {
			return false, nil
		}
		return true, json.Unmarshal(data, &a)
	})
	if err != nil && missing != nil {
		err = missing
	}
	return a, err
}
