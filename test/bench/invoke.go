package main

import (
	"context"
	"errors"
	"fmt"
)

// Goals of a warm blocking invocation, against the floor.
const (
	leastRatio   = 0.6 // of the floor's rate at concurrency 16
	mostAddedMS  = 0.3 // over the floor's median at concurrency 1
	floorRunners = 2   // interpreters of the floor, as many as the smallest machine has CPUs
)

// invoke compares the warm blocking invocation, with authentication, record
// and logs, with the floors: HTTP alone, and HTTP before bare interpreters.
func (b *bench) invoke(ctx context.Context) (rows []row, err error) {
	httpFloor, err := b.startFloor(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, httpFloor.stop()) }()
	flags, profiler, err := b.profilerFlags(ctx)
	if err != nil {
		return nil, err
	}
	s, err := b.startFreshServer(ctx, append(flags, "--pool-memory=16GB")...)
	if err != nil {
		return nil, err
	}
	defer s.stopping(&err)
	contenders := []contender{floorContender("Go HTTP alone", httpFloor)}
	for _, l := range b.languages {
		floor, err := b.startFloor(ctx, fmt.Sprint(floorRunners), l.interpreter, b.script(l), l.code)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, floor.stop()) }()
		if err := s.create(ctx, "noop-"+l.name, l); err != nil {
			return nil, err
		}
		contenders = append(contenders,
			floorContender("HTTP → bare "+l.name, floor), s.contender("gowhisk "+l.name, "noop-"+l.name))
	}
	for _, concurrency := range []int{1, 16} {
		results, err := contest(ctx, contenders, concurrency, b.opt.rounds, b.opt.round)
		if err != nil {
			return rows, err
		}
		rows = append(rows, invokeRows(contenders, results, concurrency)...)
	}
	return rows, b.profileServer(ctx, profiler, s.contender("gowhisk", "noop-"+b.languages[0].name))
}

// floorContender is a floor with the request that all of them get.
func floorContender(name string, floor *child) contender {
	request := post(floor.line, "/", "", arguments())
	return contender{
		name: name, address: floor.line, pid: floor.pid(),
		request: func(int, int) []byte { return request }, expect: []byte("World"),
	}
}

// invokeRows makes a line of each contender; after the first one, floors and
// servers alternate.
func invokeRows(contenders []contender, results []series, concurrency int) []row {
	var rows []row
	for i, c := range contenders {
		r := results[i].row(fmt.Sprintf("%s, concurrency %d", c.name, concurrency))
		if i == 0 || i%2 == 1 {
			r.Note = fmt.Sprintf("%.2f × Go HTTP", results[i].rateRatio(results[0]))
			rows = append(rows, r)
			continue
		}
		floor := results[i-1]
		if concurrency == 1 {
			r.Goal = atMost(milliseconds(results[i].added(floor)), mostAddedMS, "ms over bare")
		} else {
			r.Goal = atLeast(results[i].rateRatio(floor), leastRatio, "× bare")
		}
		rows = append(rows, r)
	}
	return rows
}
