package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Goals of a server that does nothing yet.
const (
	mostReadyMS = 150
	mostIdleMB  = 60
)

// start is the time from the start of the process, on an empty data
// directory, to the first pong.
func (b *bench) start(ctx context.Context) ([]row, error) {
	var took []time.Duration
	for range b.scale(15, 3) {
		address, err := freeAddress(ctx)
		if err != nil {
			return nil, err
		}
		begin := time.Now()
		ready := make(chan time.Duration, 1)
		polling, stop := context.WithCancel(ctx)
		go func() {
			if pong(polling, address) {
				ready <- time.Since(begin)
			}
		}()
		s, err := b.startFreshServer(ctx, "--listen="+address)
		if err != nil {
			stop()
			return nil, err
		}
		took = append(took, <-ready)
		stop()
		if err := s.stop(); err != nil {
			return nil, err
		}
	}
	sum := sampleOf(took, total(took))
	return []row{{
		Name: "server: start to ready, empty data directory", P50: sum.p50, P99: sum.p99,
		Goal: atMost(milliseconds(sum.p50), mostReadyMS, "ms"),
	}}, nil
}

// freeAddress returns a loopback address that nobody listens on now.
func freeAddress(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// pong asks again and again until the server answers; false if ctx ends.
func pong(ctx context.Context, address string) bool {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/ping", nil)
		if err != nil {
			return false
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close() // nothing of it is of use
			return resp.StatusCode == http.StatusOK
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
}

// memory is what an idle server takes without stem cells, what a stem cell
// adds, and what a warm container adds.
func (b *bench) memory(ctx context.Context) (rows []row, err error) {
	s, err := b.startWithStemCells(ctx, 0)
	if err != nil {
		return nil, err
	}
	defer s.stopping(&err)
	idle, helpers, err := pssOfTree(s.pid())
	if err != nil {
		return nil, err
	}
	cell, err := b.stemCellMemory(ctx, helpers)
	if err != nil {
		return nil, err
	}
	rows = []row{
		{Name: "server: idle, PSS with its helpers", Bytes: idle, Goal: atMost(megabytes(idle), mostIdleMB, "MB")},
		cell,
	}
	for _, l := range b.languages {
		_, before, err := pssOfTree(s.pid())
		if err != nil {
			return rows, err
		}
		n := b.scale(30, 5)
		for i := range n {
			if _, err := s.firstAnswer(ctx, fmt.Sprintf("warm-%s-%d", l.name, i), l); err != nil {
				return rows, err
			}
		}
		_, after, err := pssOfTree(s.pid())
		if err != nil {
			return rows, err
		}
		rows = append(rows, row{Name: fmt.Sprintf("warm container, %s, PSS of one of %d", l.name, n), Bytes: (after - before) / int64(n)})
	}
	return rows, nil
}

// stemCellMemory is the share of one stem cell; helpers is what the server's
// other processes take.
func (b *bench) stemCellMemory(ctx context.Context, helpers int64) (r row, err error) {
	s, err := b.startWithStemCells(ctx, stemCells)
	if err != nil {
		return row{}, err
	}
	defer s.stopping(&err)
	n := stemCells * len(b.languages)
	if err := s.await(ctx, "gowhisk_pool_stem_cells", n); err != nil {
		return row{}, err
	}
	_, below, err := pssOfTree(s.pid())
	return row{Name: fmt.Sprintf("stem cell, PSS of one of %d", n), Bytes: (below - helpers) / int64(n)}, err
}
