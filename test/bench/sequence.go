package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// mostComponentMS is the goal of what the platform adds to a component of a
// sequence, over the interpreter's own time, by the median.
const mostComponentMS = 0.2

// components of the measured sequence.
const components = 5

// sequence compares a sequence with as many single blocking calls. What a
// component costs is a share of the time that the sequence takes longer than
// one call; what of that is the interpreter's own is what the bare one adds
// to HTTP alone.
func (b *bench) sequence(ctx context.Context) (rows []row, err error) {
	s, err := b.startFreshServer(ctx, "--pool-memory=16GB")
	if err != nil {
		return nil, err
	}
	defer s.stopping(&err)
	l := b.languages[0]
	if err := s.createSequence(ctx, l); err != nil {
		return nil, err
	}
	field, err := b.startFloors(ctx, l)
	for _, f := range field {
		defer func() { err = errors.Join(err, f.stop()) }()
	}
	if err != nil {
		return nil, err
	}
	contenders := []contender{
		floorContender("Go HTTP alone", field[0]), floorContender("HTTP → bare "+l.name, field[1]),
		s.contender("gowhisk "+l.name+", one call", "noop"),
		s.contender(fmt.Sprintf("gowhisk %s, sequence of %d", l.name, components), "five"),
	}
	results, err := contest(ctx, contenders, 1, b.opt.rounds, b.opt.round)
	if err != nil {
		return nil, err
	}
	return sequenceRows(contenders, results), nil
}

// sequenceRows makes a line of each contender; the last is the sequence.
func sequenceRows(contenders []contender, results []series) []row {
	var rows []row
	for i, c := range contenders {
		rows = append(rows, results[i].row(c.name+", concurrency 1"))
	}
	http, bare, one, all := results[0], results[1], results[2], results[3]
	last := &rows[len(rows)-1]
	cost := all.added(one)/(components-1) - bare.added(http)
	last.Goal = atMost(milliseconds(max(0, cost)), mostComponentMS, "ms per component over bare")
	single := components * one.row("").P50
	last.Note = fmt.Sprintf("%.2f × %d calls", float64(last.P50)/float64(max(time.Nanosecond, single)), components)
	return rows
}

// startFloors starts HTTP alone and HTTP before bare interpreters. What it
// returns is to be stopped, also after an error.
func (b *bench) startFloors(ctx context.Context, l language) (floors []*child, err error) {
	for _, args := range [][]string{nil, {strconv.Itoa(floorRunners), l.interpreter, b.script(l), l.code}} {
		f, err := b.startFloor(ctx, args...)
		if err != nil {
			return floors, err
		}
		floors = append(floors, f)
	}
	return floors, nil
}

// createSequence makes the action noop and the sequence five of it.
func (s *server) createSequence(ctx context.Context, l language) error {
	if err := s.create(ctx, "noop", l); err != nil {
		return err
	}
	exec := map[string]any{"kind": "sequence", "components": slices.Repeat([]string{"/_/noop"}, components)}
	body, err := json.Marshal(map[string]any{"exec": exec})
	if err != nil {
		return err
	}
	_, err = s.request(ctx, http.MethodPut, "/api/v1/namespaces/_/actions/five", body)
	return err
}
