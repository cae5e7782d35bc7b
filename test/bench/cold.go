package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Goals of a first answer.
const (
	mostColdRatio  = 1.3 // of the bare interpreter
	mostStemCellMS = 2
	stemCells      = 3 // of each kind, kept ready
)

// cold compares the first answer of a bare interpreter, of an action whose
// sandbox is made for it, and of an action that gets a stem cell. The three
// take turns, and each begins when the stem cells are complete again.
func (b *bench) cold(ctx context.Context) (rows []row, err error) {
	without, err := b.startWithStemCells(ctx, 0)
	if err != nil {
		return nil, err
	}
	defer without.stopping(&err)
	with, err := b.startWithStemCells(ctx, stemCells)
	if err != nil {
		return nil, err
	}
	defer with.stopping(&err)
	for _, l := range b.languages {
		more, err := b.firstAnswers(ctx, l, without, with)
		if err != nil {
			return rows, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// startWithStemCells starts a server that keeps exactly n stem cells of each
// measured kind and of no other, whatever the demand.
func (b *bench) startWithStemCells(ctx context.Context, n int) (*server, error) {
	kinds := map[string]any{}
	for _, l := range b.languages {
		entry := map[string]any{
			"kind": l.kind, "default": true,
			"image":    map[string]any{"prefix": "openwhisk", "name": l.family, "tag": "bench"},
			"attached": map[string]any{"attachmentName": "codefile", "attachmentType": "text/plain"},
		}
		if n > 0 {
			entry["stemCells"] = []any{map[string]any{"initialCount": n, "memory": "256 MB"}}
		}
		kinds[l.family] = []any{entry}
	}
	data, err := json.Marshal(map[string]any{"runtimes": kinds})
	if err != nil {
		return nil, err
	}
	dir, err := b.folder()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "runtimes.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return nil, err
	}
	return b.startServer(ctx, filepath.Join(dir, "data"), "--runtimes="+file, "--pool-memory=16GB")
}

// warmUps are first answers that are not counted: they bring files into
// memory.
const warmUps = 2

func (b *bench) firstAnswers(ctx context.Context, l language, without, with *server) ([]row, error) {
	n := b.scale(40, 5) + warmUps
	var bare, cold, cell []time.Duration
	for i := range n {
		if err := with.await(ctx, "gowhisk_pool_stem_cells", stemCells*len(b.languages)); err != nil {
			return nil, err
		}
		took, err := b.bareFirstAnswer(ctx, l)
		if err != nil {
			return nil, err
		}
		bare = append(bare, took)
		name := fmt.Sprintf("first-%s-%d", l.name, i)
		if took, err = without.firstAnswer(ctx, name, l); err != nil {
			return nil, err
		}
		cold = append(cold, took)
		if took, err = with.firstAnswer(ctx, name, l); err != nil {
			return nil, err
		}
		cell = append(cell, took)
	}
	if err := errors.Join(without.allStarted(ctx, "cold"), with.allStarted(ctx, "prewarmed")); err != nil {
		return nil, err
	}
	var rows []row
	for i, took := range [][]time.Duration{bare[warmUps:], cold[warmUps:], cell[warmUps:]} {
		name := [...]string{"bare " + l.name, "cold start, " + l.name, "stem cell, " + l.name}[i]
		s := sampleOf(took, total(took))
		rows = append(rows, row{Name: name + ": first answer", P50: s.p50, P99: s.p99})
	}
	rows[1].Goal = atMost(float64(rows[1].P50)/float64(rows[0].P50), mostColdRatio, "× bare")
	rows[2].Goal = atMost(milliseconds(rows[2].P50), mostStemCellMS, "ms")
	return rows, nil
}
