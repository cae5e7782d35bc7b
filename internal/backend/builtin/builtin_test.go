package builtin_test

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/backend/builtin"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/invoker"
)

// pool is the next invoker, which has its own answer to everything.
type pool struct{ full error }

func (p pool) Invoke(context.Context, *invoker.Message) (invoker.Result, error) {
	return invoker.Result{Response: entity.Response{Result: json.RawMessage(`{"by":"pool"}`)}}, nil
}

func (p pool) Ready() error { return p.full }

func message(main string) *invoker.Message {
	limits := entity.DefaultLimits()
	limits.Timeout = 50 * time.Millisecond
	limits.Logs = 1
	return &invoker.Message{
		Action: &entity.Action{
			Name: entity.Name{Namespace: "whisk.system", Package: "p", Name: "a"},
			Exec: entity.Exec{Kind: entity.KindBuiltin, Main: main}, Limits: limits,
		},
		Identity: &entity.Identity{Subject: "guest"}, ID: entity.ActivationID(strings.Repeat("a", 32)),
		Args: json.RawMessage(`{"a":1}`), Accepted: time.Now(),
	}
}

func answer(result string, err error) builtin.Function {
	return func(context.Context, *builtin.Call) (json.RawMessage, error) { return json.RawMessage(result), err }
}

func TestOutcomesOfFunctionsAreClassifiedAsThoseOfContainers(t *testing.T) {
	functions := map[string]builtin.Function{
		"object":    answer(`{"b":2}`, nil),
		"nothing":   func(context.Context, *builtin.Call) (json.RawMessage, error) { return nil, nil },
		"failing":   func(context.Context, *builtin.Call) (json.RawMessage, error) { return builtin.Fail("no %s", "x"), nil },
		"number":    answer(`7`, nil),
		"big":       answer(`{"a":"`+strings.Repeat("x", 1<<20)+`"}`, nil),
		"broken":    answer("", errors.New("secret")),
		"public":    answer("", entity.Errorf(entity.Unavailable, "Disk is full.").WithCode(fault.DiskFull)),
		"panicking": func(context.Context, *builtin.Call) (json.RawMessage, error) { panic("secret") },
		"slow": func(ctx context.Context, _ *builtin.Call) (json.RawMessage, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
	}
	const internal = `{"error":"There was an internal server error."}`
	for main, want := range map[string]struct {
		status entity.Status
		result string // its beginning
		fault  string
	}{
		"object":    {entity.Success, `{"b":2}`, ""},
		"nothing":   {entity.Success, `{}`, ""},
		"failing":   {entity.ApplicationError, `{"error":"no x"}`, ""},
		"number":    {entity.DeveloperError, `{"error":"The action did not produce a valid JSON or JSON Array response: 7"}`, fault.WrongResult},
		"big":       {entity.ApplicationError, `{"error":"The action produced a response that exceeded the allowed length: 1048584 > 1048576 bytes.`, fault.ResultTooBig},
		"broken":    {entity.WhiskError, internal, fault.InternalServerError},
		"public":    {entity.WhiskError, `{"error":"Disk is full."}`, fault.DiskFull},
		"panicking": {entity.WhiskError, internal, fault.InternalServerError},
		"unknown":   {entity.WhiskError, internal, fault.InternalServerError},
		"slow":      {entity.DeveloperError, `{"error":"The action exceeded its time limits of 50 milliseconds."}`, fault.Timeout},
	} {
		t.Run(main, func(t *testing.T) {
			r, err := builtin.New(pool{}, functions, nil).Invoke(t.Context(), message(main))
			if err != nil || r.Response.Status != want.status || r.Fault != want.fault || !strings.HasPrefix(string(r.Response.Result), want.result) {
				t.Errorf("%s %.200s with fault %q, %v, want %s %s with %q", r.Response.Status, r.Response.Result, r.Fault, err, want.status, want.result, want.fault)
			}
			if r.TimedOut != (main == "slow") || r.Ended.Before(r.Began) || r.Duration != r.Ended.Sub(r.Began) || r.Wait < 0 || r.Init != 0 {
				t.Errorf("timed out %v, %s to %s, %s, wait %s, init %s", r.TimedOut, r.Began, r.Ended, r.Duration, r.Wait, r.Init)
			}
		})
	}
}

func TestOtherKindsGoToTheNextInvoker(t *testing.T) {
	msg := message("x")
	msg.Action.Exec.Kind = "nodejs:20"
	r, err := builtin.New(pool{}, nil, nil).Invoke(t.Context(), msg)
	if err != nil || string(r.Response.Result) != `{"by":"pool"}` {
		t.Errorf("%s, %v", r.Response.Result, err)
	}
}

func TestGateOfTheNextInvokerIsAsked(t *testing.T) {
	full := entity.Errorf(entity.Unavailable, "full")
	if err := builtin.New(pool{full}, nil, nil).Ready(); !errors.Is(err, full) {
		t.Errorf("ready: %v", err)
	}
}

func TestFunctionSeesItsCall(t *testing.T) {
	var seen builtin.Call
	functions := map[string]builtin.Function{"see": func(_ context.Context, c *builtin.Call) (json.RawMessage, error) {
		seen = *c
		return nil, nil
	}}
	msg := message("see")
	started := false
	msg.Starting = func(context.Context) error { started = true; return nil }
	if _, err := builtin.New(pool{}, functions, nil).Invoke(t.Context(), msg); err != nil {
		t.Fatal(err)
	}
	if !started || seen.Action != msg.Action || seen.Identity != msg.Identity || seen.ID != msg.ID || string(seen.Args) != `{"a":1}` {
		t.Errorf("started %v, call %+v", started, seen)
	}
	msg.Starting = func(context.Context) error { return errors.New("disk") }
	seen = builtin.Call{}
	if _, err := builtin.New(pool{}, functions, nil).Invoke(t.Context(), msg); err == nil || seen.Action != nil {
		t.Errorf("it ran though it could not be marked as started: %v", err)
	}
}

func TestAbandonedActivationIsAnErrorOfThePlatform(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	functions := map[string]builtin.Function{"wait": func(ctx context.Context, _ *builtin.Call) (json.RawMessage, error) {
		cancel()
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	msg := message("wait")
	msg.Action.Limits.Timeout = time.Minute
	if _, err := builtin.New(pool{}, functions, nil).Invoke(ctx, msg); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

func TestLogLinesHaveOpenWhisksForm(t *testing.T) {
	functions := map[string]builtin.Function{"log": func(_ context.Context, c *builtin.Call) (json.RawMessage, error) {
		c.Log.Printf("one\ntwo %d\n", 2)
		c.Log.Errorf("three")
		return nil, nil
	}}
	r, err := builtin.New(pool{}, functions, nil).Invoke(t.Context(), message("log"))
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`^(\S{30} stdout: one)\n(\S{30} stdout: two 2)\n(\S{30} stderr: three)$`)
	if got := strings.Join(r.Logs, "\n"); !want.MatchString(got) {
		t.Errorf("logs are\n%s", got)
	}
}

func TestLogsAreCutAtTheirLimit(t *testing.T) {
	functions := map[string]builtin.Function{"log": func(_ context.Context, c *builtin.Call) (json.RawMessage, error) {
		for range 3 {
			c.Log.Printf("%s", strings.Repeat("x", 500<<10))
		}
		return nil, nil
	}}
	r, err := builtin.New(pool{}, functions, nil).Invoke(t.Context(), message("log"))
	if err != nil || len(r.Logs) != 3 || r.Fault != fault.LogsTruncated ||
		!strings.HasSuffix(r.Logs[2], " stderr: Logs were truncated because the total bytes size exceeds the limit of 1048576 bytes.") {
		t.Errorf("%d lines, fault %q, %v", len(r.Logs), r.Fault, err)
	}
	silent := message("log")
	silent.Action.Limits.Logs = 0
	if r, err := builtin.New(pool{}, functions, nil).Invoke(t.Context(), silent); err != nil || r.Logs != nil || r.Fault != "" {
		t.Errorf("%d lines though none are kept, fault %q, %v", len(r.Logs), r.Fault, err)
	}
}
