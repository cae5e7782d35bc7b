// Command bench measures what an invocation costs, against the floor that
// the machine itself sets: the same HTTP and the same interpreters without
// any platform. Everything runs in one go on the loopback interface,
// interleaved, so that the ratios hold on a machine that others use too. It
// prints one table and writes the same figures as JSON; goals stand beside
// the figures, and a missed goal is printed, not an error.
//
// The server under test and the floors are separate processes. The load
// generator is in this one and is the same for all of them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

// options are the flags, with their defaults filled in.
type options struct {
	quick   bool
	binary  string // the gowhisk executable
	dir     string // parent of all temporary directories: its medium is measured
	output  string // the JSON file
	profile string // where to write the server's CPU profile; empty for none
	only    *regexp.Regexp
	rounds  int
	round   time.Duration // of load on one contender
}

// fullTime and quickTime bound a run.
const (
	fullTime  = 10 * time.Minute
	quickTime = time.Minute
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 0 && args[0] == floorCommand {
		return serveFloor(ctx, args[1:], os.Stdin, os.Stdout)
	}
	opt, err := parse(args)
	if err != nil {
		return err
	}
	limit := fullTime
	if opt.quick {
		limit = quickTime
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errors.New("the run took longer than "+limit.String()))
	defer cancel()
	return measure(ctx, opt)
}

func parse(args []string) (options, error) {
	var opt options
	var only string
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.BoolVar(&opt.quick, "quick", false, "less of everything: at most a minute")
	flags.StringVar(&opt.binary, "gowhisk", "bin/gowhisk", "the executable under test")
	flags.StringVar(&opt.dir, "dir", os.TempDir(), "where data directories are made; its medium is measured")
	flags.StringVar(&opt.output, "json", "bench.json", "file that the figures are written to")
	flags.StringVar(&opt.profile, "cpuprofile-server", "", "write a CPU profile of the server under load to this file")
	flags.StringVar(&only, "only", "", "run only the measurements whose name matches: start, memory, cold, invoke, actions, sequence, trigger, alarm, web, proxy, image, run, store")
	flags.IntVar(&opt.rounds, "rounds", 0, "rounds of load (9, quick 3)")
	flags.DurationVar(&opt.round, "round", 0, "load on one contender in one round (1s, quick 250ms)")
	if err := flags.Parse(args); err != nil {
		return opt, err
	}
	rounds, round := 9, time.Second
	if opt.quick {
		rounds, round = 3, 250*time.Millisecond
	}
	if opt.rounds <= 0 {
		opt.rounds = rounds
	}
	if opt.round <= 0 {
		opt.round = round
	}
	var err error
	if opt.only, err = regexp.Compile(only); err != nil {
		return opt, fmt.Errorf("-only: %w", err)
	}
	if opt.binary, err = filepath.Abs(opt.binary); err != nil {
		return opt, fmt.Errorf("-gowhisk: %w", err)
	}
	return opt, nil
}

// measure runs every measurement that was asked for, prints after each what
// it found, and writes the JSON file also when one of them fails.
func measure(ctx context.Context, opt options) (err error) {
	b, err := newBench(ctx, opt)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.machine.print(os.Stdout); err != nil {
		return err
	}
	for _, m := range []struct {
		name string
		run  func(context.Context) ([]row, error)
	}{
		{"start", b.start},
		{"memory", b.memory},
		{"cold", b.cold},
		{"invoke", b.invoke},
		{"actions", b.actions},
		{"sequence", b.sequence},
		{"trigger", b.trigger},
		{"alarm", b.alarm},
		{"web", b.web},
		{"proxy", b.proxy},
		{"image", b.image},
		{"run", b.runFile},
		{"store", b.store},
	} {
		if !opt.only.MatchString(m.name) {
			continue
		}
		rows, failed := m.run(ctx)
		b.rows = append(b.rows, rows...)
		if err := printRows(os.Stdout, rows); err != nil {
			return err
		}
		if failed != nil {
			return errors.Join(fmt.Errorf("%s: %w", m.name, failed), b.writeJSON())
		}
	}
	return b.writeJSON()
}
