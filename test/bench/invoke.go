package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// Goals of a warm blocking invocation, against the floor.
const (
	leastRatio  = 0.6 // of the floor's rate at concurrency 16
	mostAddedMS = 0.3 // over the floor's median at concurrency 1

	floorRunners   = 2 // interpreters of the floor, as the goal was set with
	maxConcurrency = 16
)

// invoke compares the warm blocking invocation, with authentication, record
// and logs, with the floors: HTTP alone, and HTTP before bare interpreters.
func (b *bench) invoke(ctx context.Context) (rows []row, err error) {
	flags, profiler, err := b.profilerFlags(ctx)
	if err != nil {
		return nil, err
	}
	s, err := b.startFreshServer(ctx, append(flags, "--pool-memory=16GB")...)
	if err != nil {
		return nil, err
	}
	defer s.stopping(&err)
	field, stop, err := b.invokeField(ctx, s)
	defer func() { err = errors.Join(err, stop()) }()
	if err != nil {
		return nil, err
	}
	for _, concurrency := range []int{1, maxConcurrency} {
		taking := slices.DeleteFunc(slices.Clone(field), func(e entrant) bool { return concurrency == 1 && e.crowd })
		results, err := contest(ctx, contendersOf(taking), concurrency, b.opt.rounds, b.opt.round)
		if err != nil {
			return rows, err
		}
		rows = append(rows, invokeRows(taking, results, concurrency)...)
	}
	return rows, b.profileServer(ctx, profiler, s.contender("gowhisk", "noop-"+b.languages[0].name))
}

// entrant is a contender with its part in the comparison of invocations.
type entrant struct {
	contender
	floor int  // index of what it is compared with; 0 is HTTP alone
	crowd bool // has an interpreter for each connection, as gowhisk has
}

func contendersOf(field []entrant) []contender {
	var all []contender
	for _, e := range field {
		all = append(all, e.contender)
	}
	return all
}

// invokeField starts the floors and makes the actions: HTTP alone, and for
// each language the bare interpreters, gowhisk, and, last, a crowd of bare
// interpreters. stop ends the floors, also after an error.
func (b *bench) invokeField(ctx context.Context, s *server) (field []entrant, stop func() error, err error) {
	var floors []*child
	stop = func() error {
		var errs []error
		for _, f := range floors {
			errs = append(errs, f.stop())
		}
		return errors.Join(errs...)
	}
	add := func(name string, crowd bool, args ...string) error {
		f, err := b.startFloor(ctx, args...)
		if err != nil {
			return err
		}
		floors = append(floors, f)
		field = append(field, entrant{contender: floorContender(name, f), crowd: crowd})
		return nil
	}
	if err := add("Go HTTP alone", false); err != nil {
		return nil, stop, err
	}
	for _, l := range b.languages {
		if err := add("HTTP → bare "+l.name, false, strconv.Itoa(floorRunners), l.interpreter, b.script(l), l.code); err != nil {
			return nil, stop, err
		}
		if err := s.create(ctx, "noop-"+l.name, l); err != nil {
			return nil, stop, err
		}
		field = append(field, entrant{contender: s.contender("gowhisk "+l.name, "noop-"+l.name), floor: len(field) - 1})
	}
	for _, l := range b.languages {
		name := fmt.Sprintf("HTTP → %d bare %s", maxConcurrency, l.name)
		if err := add(name, true, strconv.Itoa(maxConcurrency), l.interpreter, b.script(l), l.code); err != nil {
			return nil, stop, err
		}
	}
	return field, stop, nil
}

// floorContender is a floor with the request that all of them get.
func floorContender(name string, floor *child) contender {
	request := post(floor.line, "/", "", arguments())
	return contender{
		name: name, address: floor.line, pid: floor.pid(),
		request: func(int, int) []byte { return request }, expect: []byte("World"),
	}
}

// invokeRows makes a line of each entrant, with its goal or, of a floor, how
// it compares with HTTP alone.
func invokeRows(field []entrant, results []series, concurrency int) []row {
	var rows []row
	for i, e := range field {
		r := results[i].row(fmt.Sprintf("%s, concurrency %d", e.name, concurrency))
		floor := results[e.floor]
		switch {
		case e.floor == 0:
			r.Note = fmt.Sprintf("%.2f × Go HTTP", results[i].rateRatio(floor))
		case concurrency == 1:
			r.Goal = atMost(milliseconds(results[i].added(floor)), mostAddedMS, "ms over bare")
		default:
			r.Goal = atLeast(results[i].rateRatio(floor), leastRatio, "× bare")
		}
		if e.floor != 0 {
			r.Note = fmt.Sprintf("CPU %.1f × bare", results[i].cpuRatio(floor))
		}
		rows = append(rows, r)
	}
	return rows
}
