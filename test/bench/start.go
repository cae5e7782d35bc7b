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
	for range b.scale(15, 5) {
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

// memory is what an idle server takes, without and with the stem cells that
// are standard, and what a warm container takes.
func (b *bench) memory(ctx context.Context) (rows []row, err error) {
	s, err := b.startWithStemCells(ctx, stemCells)
	if err != nil {
		return nil, err
	}
	defer s.stopping(&err)
	cells := stemCells * len(b.languages)
	if err := s.await(ctx, "gowhisk_pool_stem_cells", cells); err != nil {
		return nil, err
	}
	idle, err := pss(s.pid())
	if err != nil {
		return nil, err
	}
	below, err := pssBelow(s.pid())
	if err != nil {
		return nil, err
	}
	rows = []row{
		{Name: "server: idle, PSS", Bytes: idle, Goal: atMost(megabytes(idle), mostIdleMB, "MB")},
		{Name: fmt.Sprintf("its %d stem cells of %d kinds, PSS of one", cells, len(b.languages)), Bytes: below / int64(cells)},
	}
	for _, l := range b.languages {
		r, err := b.warmMemory(ctx, l)
		if err != nil {
			return rows, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// warmMemory is the share of one of many warm containers of a language.
func (b *bench) warmMemory(ctx context.Context, l language) (r row, err error) {
	s, err := b.startWithStemCells(ctx, 0)
	if err != nil {
		return row{}, err
	}
	defer s.stopping(&err)
	n := b.scale(30, 10)
	for i := range n {
		if _, err := s.firstAnswer(ctx, fmt.Sprintf("warm-%d", i), l); err != nil {
			return row{}, err
		}
	}
	below, err := pssBelow(s.pid())
	return row{Name: fmt.Sprintf("warm container, %s, PSS of one of %d", l.name, n), Bytes: below / int64(n)}, err
}
