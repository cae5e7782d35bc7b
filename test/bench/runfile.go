package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// mostRunFactor is the goal of `gowhisk run FILE`, of the first answer of a
// bare interpreter.
const mostRunFactor = 4

// runFile measures `gowhisk run FILE`, which needs no server: from the start of
// the command to its end, with the result on its stdout.
func (b *bench) runFile(ctx context.Context) (rows []row, err error) {
	for _, l := range b.languages {
		dir, err := b.folder()
		if err != nil {
			return rows, err
		}
		file := filepath.Join(dir, "noop"+map[string]string{"nodejs": ".js", "python": ".py"}[l.family])
		if err := os.WriteFile(file, []byte(l.code), 0o600); err != nil {
			return rows, err
		}
		var command, bare []time.Duration
		begin := time.Now()
		for range b.scale(15, 4) {
			took, err := b.bareFirstAnswer(ctx, l)
			if err != nil {
				return rows, err
			}
			bare = append(bare, took)
			start := time.Now()
			if err := b.runOnce(ctx, file, l.kind); err != nil {
				return rows, err
			}
			command = append(command, time.Since(start))
		}
		r := series{sampleOf(command, time.Since(begin))}.row("gowhisk run FILE of " + l.name + ", start to end")
		r.Rate = 0
		r.Goal = atMost(float64(median(command))/float64(median(bare)), mostRunFactor, "× bare interpreter")
		rows = append(rows, r)
	}
	return rows, nil
}

func (b *bench) runOnce(ctx context.Context, file, kind string) error {
	cmd := exec.CommandContext(ctx, b.opt.binary, "run", file, "--kind", kind, "-p", "name", "World")
	cmd.Stderr = new(bytes.Buffer)
	out, err := cmd.Output()
	if err == nil && !bytes.Contains(out, []byte("World")) {
		err = errors.New("it did not print the result")
	}
	if err != nil {
		return fmt.Errorf("gowhisk run: %w: %s%s", err, out, cmd.Stderr)
	}
	return nil
}
