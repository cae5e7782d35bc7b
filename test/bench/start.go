package main

import (
	"context"
	"fmt"
	"time"
)

// Goals of a server that does nothing yet.
const (
	mostReadyMS = 150
	mostIdleMB  = 60
)

// start is the time from the start of the process, on an empty data
// directory, to its message that it answers.
func (b *bench) start(ctx context.Context) ([]row, error) {
	var took []time.Duration
	for range b.scale(15, 3) {
		begin := time.Now()
		s, err := b.startFreshServer(ctx)
		if err != nil {
			return nil, err
		}
		took = append(took, time.Since(begin))
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
