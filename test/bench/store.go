package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
	"github.com/gowhisk/gowhisk/internal/store/pebble"
)

const (
	mostListMS = 5   // goal of the newest records of a million
	newest     = 30  // records of a list
	writers    = 128 // that store records at once
	namespace  = "guest"
)

// store measures writes and the list of the newest records, directly and
// through the API, over stores of several sizes.
func (b *bench) store(ctx context.Context) ([]row, error) {
	var rows []row
	for _, n := range []int{10_000, b.scale(1_000_000, 50_000)} {
		more, err := b.storeOf(ctx, n)
		rows = append(rows, more...)
		if err != nil {
			return rows, err
		}
	}
	return rows, nil
}

func (b *bench) storeOf(ctx context.Context, n int) ([]row, error) {
	parent, err := b.folder()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(parent, "data")
	write, direct, err := b.directly(ctx, filepath.Join(dir, "store"), n)
	if err != nil {
		return nil, err
	}
	api, err := b.listThroughAPI(ctx, dir)
	if err != nil {
		return nil, err
	}
	lists := []row{
		{Name: fmt.Sprintf("store: list %d newest of %d", newest, n), P50: direct.p50, P99: direct.p99},
		{Name: fmt.Sprintf("API: list %d newest of %d", newest, n), P50: api.p50, P99: api.p99},
	}
	for i := range lists {
		lists[i].Goal = atMost(milliseconds(lists[i].P99), mostListMS, "ms p99")
	}
	return append([]row{{
		Name: fmt.Sprintf("store: write %d records, %d at once", n, writers),
		Rate: write.rate, P50: write.p50, P99: write.p99, CPU: write.cpu,
	}}, lists...), nil
}

// directly fills a new store with n records and lists the newest.
func (b *bench) directly(ctx context.Context, dir string, n int) (write, list sample, err error) {
	db, err := pebble.Open(ctx, dir, pebble.Options{})
	if err != nil {
		return write, list, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if write, err = fill(ctx, db.Activations(), n); err != nil {
		return write, list, err
	}
	list, err = repeat(b.scale(2000, 500), func() error {
		found, err := db.Activations().List(ctx, store.ActivationQuery{Namespace: namespace, Limit: newest})
		if err == nil && len(found) != newest {
			err = fmt.Errorf("the list has %d records, want %d", len(found), newest)
		}
		return err
	})
	return write, list, err
}

// fill stores n records, a millisecond apart and the last one now.
func fill(ctx context.Context, records store.Activations, n int) (sample, error) {
	took := make([]time.Duration, n)
	var mint entity.Mint
	before, err := ownCPU()
	if err != nil {
		return sample{}, err
	}
	begin := time.Now()
	g, ctx := errgroup.WithContext(ctx)
	for w := range writers {
		g.Go(func() error {
			for i := w; i < n; i += writers {
				start := begin.Add(time.Duration(i-n) * time.Millisecond)
				record := activationRecord(mint.New(start), i, start)
				from := time.Now()
				if err := records.Put(ctx, record); err != nil {
					return err
				}
				took[i] = time.Since(from)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return sample{}, err
	}
	s := sampleOf(took, time.Since(begin))
	after, err := ownCPU()
	s.cpu = (after - before) / time.Duration(n)
	return s, err
}

// listThroughAPI starts a server on the data directory and lists.
func (b *bench) listThroughAPI(ctx context.Context, dir string) (list sample, err error) {
	s, err := b.startServer(ctx, dir)
	if err != nil {
		return list, err
	}
	defer s.stopping(&err)
	path := fmt.Sprintf("/api/v1/namespaces/_/activations?limit=%d", newest)
	return repeat(b.scale(1000, 300), func() error {
		_, err := s.request(ctx, http.MethodGet, path, nil)
		return err
	})
}

// repeat calls f n times, after a few times that do not count.
func repeat(n int, f func() error) (sample, error) {
	took := make([]time.Duration, 0, n)
	begin := time.Now()
	for i := range n + 10 {
		from := time.Now()
		if err := f(); err != nil {
			return sample{}, err
		}
		if i >= 10 {
			took = append(took, time.Since(from))
		}
	}
	return sampleOf(took, time.Since(begin)), nil
}

// ownCPU is the CPU time of this process.
func ownCPU() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("own CPU time: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}
