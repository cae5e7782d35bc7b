package cli

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/invoker"
	"github.com/gowhisk/gowhisk/internal/runner"
)

// outcome is the record of one run, as --json prints it.
type outcome struct {
	Success  bool            `json:"success"`
	Status   string          `json:"status"`
	Result   json.RawMessage `json:"result"`
	Kind     string          `json:"kind"`
	Start    invoker.Start   `json:"start"`
	Duration int64           `json:"duration"` // ms, with Init
	Init     int64           `json:"init"`     // ms
	Logs     []string        `json:"logs"`
	Error    *fault.Report   `json:"error,omitempty"`
}

// once runs the action and prints what came of it; ok says whether it succeeded.
func (r *runCommand) once(cmd *cobra.Command, running *runner.Runner, source runner.Source) (ok bool, err error) {
	args, err := r.params.arguments()
	if err != nil {
		return false, misuse{err}
	}
	result, err := running.Run(cmd.Context(), source, args)
	if err != nil {
		return false, err
	}
	o := outcome{
		Success: result.Response.Status == entity.Success, Status: result.Response.Status.String(), Result: result.Response.Result,
		Kind: running.Kind(), Start: result.Start, Duration: result.Duration.Milliseconds(), Init: result.Init.Milliseconds(), Logs: result.Logs,
	}
	if known, found := fault.Explain(result.Fault); found {
		report := known.Report(result.Why, r.values(source, result.Fault))
		report.Next = nil // it speaks of a server's records
		o.Error = &report
	}
	if r.asJSON {
		if o.Logs == nil {
			o.Logs = []string{}
		}
		return o.Success, json.NewEncoder(cmd.OutOrStdout()).Encode(o)
	}
	return o.Success, o.write(cmd.OutOrStdout(), cmd.ErrOrStderr())
}

// values fill the sentences of a fault.
func (r *runCommand) values(source runner.Source, code string) map[string]string {
	limit := r.timeout
	if code == fault.OutOfMemory {
		limit = r.memory
	}
	return map[string]string{"action": source.Name, "kind": r.kind, "main": cmp.Or(r.main, "main"), "limit": strconv.FormatInt(limit, 10)}
}

// write prints the logs, the reason of a failure, and the result.
func (o outcome) write(stdout, stderr io.Writer) error {
	for _, line := range o.Logs {
		fmt.Fprintln(stderr, printed(line))
	}
	if o.Error != nil {
		fmt.Fprintln(stderr, o.Error)
	} else if !o.Success {
		fmt.Fprintf(stderr, "gowhisk: %s\n", o.Status)
	}
	_, err := fmt.Fprintf(stdout, "%s\n", o.Result)
	return err
}

// printed is a line of a log without its time and stream, which are separated by blanks.
func printed(line string) string {
	_, rest, stamped := strings.Cut(line, " ")
	_, text, labelled := strings.Cut(rest, ": ")
	if !stamped || !labelled {
		return line
	}
	return text
}

// again runs the action now, after every change and at every line of standard input, until ctx ends.
func (r *runCommand) again(cmd *cobra.Command, running *runner.Runner, source runner.Source) error {
	watcher, err := runner.Watch(append([]string{r.file}, r.params.files...)...)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(cmd.Context())
	defer func() { _ = watcher.Close() }()
	defer cancel()
	lines := make(chan struct{})
	go readLines(ctx, cmd.InOrStdin(), lines)
	for {
		if err := r.attempt(cmd, running, source); err != nil {
			return ended(ctx, err)
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "-- watching %s; Enter runs it again, Ctrl-C ends\n", r.file)
		if err := next(ctx, watcher, lines); err != nil {
			return ended(ctx, err)
		}
		if changed, err := r.load(); err != nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "gowhisk: %v\n", err)
		} else {
			source = changed
		}
	}
}

// attempt is once, for somebody who will mend what is wrong with the action or its arguments.
func (r *runCommand) attempt(cmd *cobra.Command, running *runner.Runner, source runner.Source) error {
	began := time.Now()
	_, err := r.once(cmd, running, source)
	if wrong, ok := errors.AsType[misuse](err); ok {
		fmt.Fprintf(cmd.ErrOrStderr(), "gowhisk: %v\n", wrong)
		return nil
	}
	if err == nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "-- %s\n", time.Since(began).Round(time.Millisecond))
	}
	return err
}

// ended makes the end of a watch by the user no error.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// next waits for a change or a line.
func next(ctx context.Context, watcher *runner.Watcher, lines <-chan struct{}) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	changed := make(chan error, 1)
	go func() { changed <- watcher.Next(ctx) }()
	select {
	case err := <-changed:
		return err
	case <-lines:
		cancel()
		if err := <-changed; err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	}
}

func readLines(ctx context.Context, r io.Reader, lines chan<- struct{}) {
	in := bufio.NewScanner(r)
	for in.Scan() {
		select {
		case lines <- struct{}{}:
		case <-ctx.Done():
			return
		}
	}
}
