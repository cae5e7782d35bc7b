package containerpool_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/invoker"
	"github.com/gowhisk/gowhisk/internal/protocol"
)

// hang waits for the end of ctx, as a container does for its deadline.
func hang(ctx context.Context) (containerpool.Answer, error) {
	<-ctx.Done()
	return containerpool.Answer{}, ctx.Err()
}

func dies(f containerpool.Failure) func(context.Context) (containerpool.Answer, error) {
	return func(context.Context) (containerpool.Answer, error) { return containerpool.Answer{}, &f }
}

func TestFailuresOfAnActionHaveOpenWhisksTexts(t *testing.T) {
	answers := func(status int, body string) func(context.Context) (containerpool.Answer, error) {
		return func(context.Context) (containerpool.Answer, error) { return answer(status, body), nil }
	}
	for _, row := range []struct {
		name      string
		init, run func(context.Context) (containerpool.Answer, error)
		want      string // the result
		code      string
		timedOut  bool
	}{
		{
			name: "hang in init", init: hang, timedOut: true, code: fault.InitTimeout,
			want: `{"error":"The action exceeded its time limits of 3000 milliseconds during initialization."}`,
		},
		{
			name: "hang in run", run: hang, timedOut: true, code: fault.Timeout,
			want: `{"error":"The action exceeded its time limits of 3000 milliseconds."}`,
		},
		{
			name: "exit in init", init: dies(containerpool.Failure{Cause: containerpool.Exited}), code: fault.InitExited,
			want: `{"error":"The action did not initialize and exited unexpectedly."}`,
		},
		{
			name: "exit in run", run: dies(containerpool.Failure{Cause: containerpool.Exited}), code: fault.Exited,
			want: `{"error":"The action did not produce a valid response and exited unexpectedly."}`,
		},
		{
			name: "memory in init", init: dies(containerpool.Failure{Cause: containerpool.OutOfMemory}), code: fault.OutOfMemory,
			want: `{"error":"The action exhausted its memory and was aborted."}`,
		},
		{
			name: "memory in run", run: dies(containerpool.Failure{Cause: containerpool.OutOfMemory}), code: fault.OutOfMemory,
			want: `{"error":"The action exhausted its memory and was aborted."}`,
		},
		{
			name: "refused code", code: fault.ArchiveRefused,
			init: dies(containerpool.Failure{Cause: containerpool.Refused, Message: "The archive leads outside.", Code: fault.ArchiveRefused}),
			want: `{"error":"The archive leads outside."}`,
		},
		{
			name: "init answers an error", init: answers(502, `{"error":"no main"}`), code: fault.InitFailed,
			want: `{"error":"no main"}`,
		},
		{
			name: "init answers text", init: answers(502, `boom`), code: fault.InitFailed,
			want: `{"error":"The action failed during initialization: boom"}`,
		},
		{
			name: "no result", run: answers(200, `"text"`), code: fault.WrongResult,
			want: `{"error":"The action did not produce a valid JSON or JSON Array response: \"text\""}`,
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &factory{}
				if row.init != nil {
					f.init = func(ctx context.Context, _ *sandbox, _ containerpool.Assignment) (containerpool.Answer, error) {
						return row.init(ctx)
					}
				}
				if row.run != nil {
					f.run = func(ctx context.Context, _ *sandbox, _ *protocol.RunRequest) (containerpool.Answer, error) {
						return row.run(ctx)
					}
				}
				p := open(t, f, containerpool.Options{})
				r := invoke(t, p, call{timeout: 3 * time.Second})
				if string(r.Response.Result) != row.want || r.Response.Status != entity.DeveloperError {
					t.Errorf("response is %s %s, want %s", r.Response.Status, r.Response.Result, row.want)
				}
				if r.Fault != row.code || r.TimedOut != row.timedOut {
					t.Errorf("fault %s, timed out %v, want %s, %v", r.Fault, r.TimedOut, row.code, row.timedOut)
				}
				if row.timedOut && r.Duration != 3*time.Second {
					t.Errorf("duration is %s, want the limit", r.Duration)
				}
				last := r.Logs[len(r.Logs)-1]
				if !strings.HasSuffix(last, " stderr: The action did not initialize or run as expected. Log data might be missing.") {
					t.Errorf("last log line is %q", last)
				}
				synctest.Wait()
				if f.alive() != 0 {
					t.Error("the container lives on")
				}
			})
		})
	}
}

func TestARunThatAnEndedContainerHasNotReadGoesToAnother(t *testing.T) {
	gone := &containerpool.Failure{Cause: containerpool.Exited, Unread: true, Detail: "exit code 0"}
	runs := 0
	f := &factory{run: func(context.Context, *sandbox, *protocol.RunRequest) (containerpool.Answer, error) {
		if runs++; runs == 2 {
			return containerpool.Answer{}, gone
		}
		return answer(200, `{"run":true}`), nil
	}}
	p := open(t, f, containerpool.Options{})
	for _, start := range []invoker.Start{invoker.Cold, invoker.Cold, invoker.Warm} {
		if r := invoke(t, p, call{}); r.Response.Status != entity.Success || r.Start != start {
			t.Errorf("got %s %s from a %v start, want a %v one", r.Response.Status, r.Response.Result, r.Start, start)
		}
	}
	if n := len(f.containers()); n != 2 {
		t.Errorf("%d containers were made", n)
	}
}

func TestAFreshContainerThatEndsUnreadIsTheActionsDoing(t *testing.T) {
	f := &factory{run: func(context.Context, *sandbox, *protocol.RunRequest) (containerpool.Answer, error) {
		return containerpool.Answer{}, &containerpool.Failure{Cause: containerpool.Exited, Unread: true}
	}}
	if r := invoke(t, open(t, f, containerpool.Options{}), call{}); r.Fault != fault.Exited {
		t.Errorf("fault %s, want %s", r.Fault, fault.Exited)
	}
	if n := len(f.containers()); n != 1 {
		t.Errorf("%d containers were made", n)
	}
}

func TestInitAndRunHaveTheWholeTimeLimitEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{run: holding(2 * time.Second)}
		f.init = func(ctx context.Context, _ *sandbox, _ containerpool.Assignment) (containerpool.Answer, error) {
			return holding(2*time.Second)(ctx, nil, nil)
		}
		r := invoke(t, open(t, f, containerpool.Options{}), call{timeout: 3 * time.Second})
		if r.Response.Status != entity.Success || r.Init != 2*time.Second || r.Duration != 4*time.Second {
			t.Errorf("%s with init %s of %s, want success with 2 s of 4 s", r.Response.Status, r.Init, r.Duration)
		}
	})
}

func TestActionThatTheBackendRefusesToStartFailsByItsOwnFault(t *testing.T) {
	f := &factory{create: func(context.Context, containerpool.Spec) error {
		return &containerpool.Failure{Cause: containerpool.Refused, Message: "Failed to pull container image 'me/image'."}
	}}
	r := invoke(t, open(t, f, containerpool.Options{}), call{image: "me/image"})
	if want := `{"error":"Failed to pull container image 'me/image'."}`; string(r.Response.Result) != want || r.Response.Status != entity.DeveloperError {
		t.Errorf("response is %s %s", r.Response.Status, r.Response.Result)
	}
}

func TestErrorOfTheBackendThatACallerCanActOnIsKept(t *testing.T) {
	missing := entity.Errorf(entity.Internal, "python is not installed").WithCode(fault.KindMissing)
	f := &factory{create: func(context.Context, containerpool.Spec) error { return missing }}
	_, err := open(t, f, containerpool.Options{}).Invoke(t.Context(), call{}.message())
	if !errors.Is(err, missing) {
		t.Errorf("error is %v, want the backend's", err)
	}
}

func TestActivationWhoseCallerGaveUpIsAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{run: holding(time.Minute)}
		p := open(t, f, containerpool.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r, err := p.Invoke(ctx, call{}.message())
		if err == nil {
			t.Errorf("result is %s: the action was blamed", r.Response.Result)
		}
		synctest.Wait()
		if f.alive() != 0 {
			t.Error("the container lives on")
		}
	})
}

func TestLogsAreCutRemarkedAndLeftOutAsOpenWhiskDoes(t *testing.T) {
	const (
		truncated = "Logs were truncated because the total bytes size exceeds the limit of 10485760 bytes."
		issue     = "There was an issue while collecting your logs. Data might be missing."
		failed    = "The action did not initialize or run as expected. Log data might be missing."
	)
	for _, row := range []struct {
		name  string
		logs  containerpool.Logs
		limit int64
		body  string
		want  []string // the remarks
		stays bool
		fault string
	}{
		{name: "complete", stays: true},
		{name: "truncated", logs: containerpool.Logs{Truncated: true}, want: []string{truncated}, fault: fault.LogsTruncated},
		{name: "broken", logs: containerpool.Logs{Broken: true}, want: []string{issue}},
		{name: "broken after a failure", logs: containerpool.Logs{Broken: true}, body: "7", want: []string{failed}, fault: fault.WrongResult},
		{name: "truncated and failed", logs: containerpool.Logs{Truncated: true}, body: "7", want: []string{truncated, failed}, fault: fault.WrongResult},
		{name: "application error", body: `{"error":1}`, stays: true},
		{name: "limit 0", limit: -1, logs: containerpool.Logs{}, stays: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.logs.Lines = []string{"2016-02-11T16:46:56.842065025Z stdout: hello"}
			f := &factory{logs: func(*sandbox) containerpool.Logs { return row.logs }}
			f.run = func(context.Context, *sandbox, *protocol.RunRequest) (containerpool.Answer, error) {
				return answer(200, or(row.body, `{}`)), nil
			}
			p := open(t, f, containerpool.Options{})
			r := invoke(t, p, call{logs: row.limit})
			if row.limit < 0 {
				if len(r.Logs) != 0 {
					t.Errorf("logs are %q with a limit of 0", r.Logs)
				}
				return
			}
			if len(r.Logs) != 1+len(row.want) || r.Logs[0] != row.logs.Lines[0] {
				t.Fatalf("logs are %q", r.Logs)
			}
			for i, text := range row.want {
				if line := r.Logs[i+1]; len(line) < 30 || line[29] != 'Z' || line[30:] != " stderr: "+text {
					t.Errorf("remark is %q, want %q", line, text)
				}
			}
			if stays := p.Stats().Idle == 1; stays != row.stays || r.Fault != row.fault {
				t.Errorf("stays %v with fault %q, want %v, %q", stays, r.Fault, row.stays, row.fault)
			}
		})
	}
}

func TestStartsAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := observer{}
		opt := withCells(1, 1)
		opt.Observer = o
		p := open(t, &factory{}, opt)
		synctest.Wait()
		invoke(t, p, call{action: "a", kind: "python:3"})
		invoke(t, p, call{})
		time.Sleep(time.Second) // time for the next cell
		synctest.Wait()
		if o[string(invoker.Cold)] != 1 || o[string(invoker.Prewarmed)] != 2 {
			t.Errorf("reported %v, want 1 cold and 2 prewarmed", o)
		}
	})
}

// observer counts; the pool calls it under its lock.
type observer map[string]int

func (o observer) ContainerStarted(_, start string, _ time.Duration) { o[start]++ }
func (o observer) ContainerDestroyed(string, string)                 { o["destroyed"]++ }
