package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// How much of the alarms is done: enough beside one another that the
// scheduler has to choose, and enough fires for a quantile.
const (
	manyAlarms   = 10_000
	quickAlarms  = 1000
	probes       = 20 // triggers that fire every second and are measured
	probeTime    = 30 * time.Second
	quickProbing = 8 * time.Second
	callers      = 32 // that register at once
	mostJitterMS = 50 // goal: from the second to the fire
)

// alarm registers alarms over all seconds of the minute, and measures how
// long after its second each fire of some others is accepted, by the records.
func (b *bench) alarm(ctx context.Context) (rows []row, err error) {
	s, err := b.startFreshServer(ctx)
	if err != nil {
		return nil, err
	}
	defer s.stopping(&err)
	if err := s.create(ctx, "noop", b.languages[0]); err != nil {
		return nil, err
	}
	n := b.scale(manyAlarms, quickAlarms)
	registered, err := s.register(ctx, n)
	if err != nil {
		return nil, err
	}
	took, err := s.jitter(ctx, time.Duration(b.scale(int(probeTime), int(quickProbing))))
	if err != nil {
		return nil, err
	}
	late := row{
		Name: fmt.Sprintf("alarm: lateness of a fire, %d registered", n),
		P50:  quantile(took, 0.5), P99: quantile(took, 0.99),
		Note: fmt.Sprintf("%d fires measured beside %.0f/s of others", len(took), float64(n)/60),
	}
	late.Goal = atMost(milliseconds(late.P99), mostJitterMS, "ms p99")
	return []row{series{registered}.row(fmt.Sprintf("alarm: register, %d at once", callers)), late}, nil
}

// register makes n triggers, each with an alarm once a minute, and the probes
// with one every second and a rule.
func (s *server) register(ctx context.Context, n int) (sample, error) {
	many := *s
	many.http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: callers}}
	defer many.http.CloseIdleConnections()
	took := make([]time.Duration, n)
	g, working := errgroup.WithContext(ctx)
	g.SetLimit(callers)
	begin := time.Now()
	for i := range n {
		g.Go(func() error {
			from := time.Now()
			err := many.setAlarm(working, fmt.Sprint("many", i), fmt.Sprintf("%d * * * * *", i%60))
			took[i] = time.Since(from)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return sample{}, err
	}
	registered := sampleOf(took, time.Since(begin))
	for i := range probes {
		name := fmt.Sprint("probe", i)
		if err := s.setAlarm(ctx, name, "* * * * * *"); err != nil {
			return sample{}, err
		}
		body := fmt.Appendf(nil, `{"trigger":"/_/%s","action":"/_/noop"}`, name)
		if _, err := s.request(ctx, http.MethodPut, "/api/v1/namespaces/_/rules/"+name+"-rule", body); err != nil {
			return sample{}, err
		}
	}
	return registered, nil
}

// setAlarm makes a trigger with an alarm.
func (s *server) setAlarm(ctx context.Context, trigger, cron string) error {
	if _, err := s.request(ctx, http.MethodPut, "/api/v1/namespaces/_/triggers/"+trigger, []byte(`{}`)); err != nil {
		return err
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s.authorization, "Basic "))
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{"lifecycleEvent": "CREATE", "triggerName": trigger, "authKey": string(key), "cron": cron})
	if err != nil {
		return err
	}
	_, err = s.request(ctx, http.MethodPost, "/api/v1/namespaces/whisk.system/actions/alarms/alarm?blocking=true&result=true", body)
	return err
}

// jitter lets the probes fire for a while and returns how late each fire was,
// in order.
func (s *server) jitter(ctx context.Context, probing time.Duration) (took []time.Duration, err error) {
	from := time.Now().Truncate(time.Second).Add(2 * time.Second) // the first fires make containers
	wait := time.NewTimer(time.Until(from.Add(probing + 2*time.Second)))
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	upto := from.Add(probing - time.Millisecond)
	for i := range probes {
		path := fmt.Sprintf("/api/v1/namespaces/_/activations?name=probe%d&limit=200&since=%d&upto=%d", i, from.UnixMilli(), upto.UnixMilli())
		data, err := s.request(ctx, http.MethodGet, path, nil)
		if err != nil {
			return nil, err
		}
		var fires []activation
		if err := json.Unmarshal(data, &fires); err != nil {
			return nil, err
		}
		if want := int(probing / time.Second); len(fires) != want {
			return nil, fmt.Errorf("probe %d fired %d times in %s, want %d", i, len(fires), probing, want)
		}
		for _, fire := range fires {
			took = append(took, time.Duration(fire.Start%1000)*time.Millisecond)
		}
	}
	slices.Sort(took)
	return took, nil
}
