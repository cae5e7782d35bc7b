package containerpool_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
	"github.com/gowhisk/gowhisk/internal/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSecondActivationOfAnActionIsWarm(t *testing.T) {
	f := &factory{}
	p := open(t, f, containerpool.Options{})
	first, second := invoke(t, p, call{}), invoke(t, p, call{})
	if first.Start != invoker.Cold || second.Start != invoker.Warm {
		t.Errorf("starts are %s and %s, want cold and warm", first.Start, second.Start)
	}
	if second.Init != 0 {
		t.Errorf("a warm start reports an init of %s", second.Init)
	}
	if n := len(f.containers()); n != 1 {
		t.Errorf("%d containers were made, want 1", n)
	}
}

func TestWarmContainersAreNeverSharedWiderThanOneRevisionOfOneActionOfOneNamespace(t *testing.T) {
	for name, other := range map[string]call{
		"another namespace": {namespace: "other"},
		"another action":    {action: "other"},
		"another revision":  {revision: 2},
	} {
		t.Run(name, func(t *testing.T) {
			f := &factory{}
			p := open(t, f, containerpool.Options{})
			invoke(t, p, call{})
			if r := invoke(t, p, other); r.Start != invoker.Cold {
				t.Errorf("start is %s, want cold", r.Start)
			}
		})
	}
}

func TestContainerUsedLastIsTakenFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &factory{run: holding(time.Second)}
		p := open(t, f, containerpool.Options{})
		go invoke(t, p, call{})
		time.Sleep(500 * time.Millisecond)
		go invoke(t, p, call{})
		time.Sleep(2 * time.Second)
		invoke(t, p, call{})
		if _, runs := f.containers()[1].end(); runs != 2 {
			t.Errorf("the container used last had %d runs, want 2", runs)
		}
	})
}

func TestContainerOutlivesApplicationErrorsAndNoOthers(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer containerpool.Answer
		status entity.Status
		stays  bool
	}{
		{"success", answer(200, `{}`), entity.Success, true},
		{"array", answer(200, `[1]`), entity.Success, true},
		{"application error", answer(200, `{"error":1}`), entity.ApplicationError, true},
		{"no result", answer(200, `7`), entity.DeveloperError, false},
		{"status of failure", answer(502, `{"error":"x"}`), entity.DeveloperError, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := &factory{run: func(context.Context, *sandbox, *protocol.RunRequest) (containerpool.Answer, error) {
				return row.answer, nil
			}}
			p := open(t, f, containerpool.Options{})
			if r := invoke(t, p, call{}); r.Response.Status != row.status {
				t.Errorf("status is %s, want %s", r.Response.Status, row.status)
			}
			if stays := p.Stats().Idle == 1; stays != row.stays {
				t.Errorf("container stays: %v, want %v", stays, row.stays)
			}
		})
	}
}

func TestRunRequestAndEnvironmentSayWhoRunsWhat(t *testing.T) {
	var env map[string]string
	var sent protocol.RunRequest
	f := &factory{
		init: func(_ context.Context, _ *sandbox, a containerpool.Assignment) (containerpool.Answer, error) {
			env = a.Env
			if a.Code != "the code" {
				t.Errorf("code is %q", a.Code)
			}
			return ok()
		},
		run: func(_ context.Context, _ *sandbox, req *protocol.RunRequest) (containerpool.Answer, error) {
			sent = *req
			return ok()
		},
	}
	p := open(t, f, containerpool.Options{APIHost: "http://host:3233"})
	c := call{
		env:  map[string]string{"SECRET": "s", "__OW_NAMESPACE": "forged", "__OW_API_KEY": "forged"},
		code: func(context.Context) (string, error) { return "the code", nil },
	}
	msg := c.message()
	msg.Action.Annotations = nil // an old action: it is given the key
	if _, err := p.Invoke(t.Context(), msg); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"SECRET": "s", "__OW_NAMESPACE": "ns", "__OW_ACTION_NAME": "/provider/pkg/hello", "__OW_ACTION_VERSION": "0.0.1",
		"__OW_ACTIVATION_ID": string(msg.ID), "__OW_TRANSACTION_ID": "tid", "__OW_API_HOST": "http://host:3233",
		"__OW_API_KEY": "uuid-ns:key",
	} {
		if env[key] != want {
			t.Errorf("%s is %q, want %q", key, env[key], want)
		}
	}
	if env["__OW_DEADLINE"] == "" || sent.Deadline.IsZero() {
		t.Errorf("deadlines are %q and %s", env["__OW_DEADLINE"], sent.Deadline)
	}
	if sent.Namespace != "ns" || sent.ActionName != "/provider/pkg/hello" || sent.APIKey != "uuid-ns:key" || sent.ActivationID != string(msg.ID) {
		t.Errorf("run request is %+v", sent)
	}
}

func TestKeyIsWithheldFromAnActionThatDidNotAskForIt(t *testing.T) {
	f := &factory{init: func(_ context.Context, _ *sandbox, a containerpool.Assignment) (containerpool.Answer, error) {
		if key, there := a.Env["__OW_API_KEY"]; there {
			t.Errorf("the environment holds the key %q", key)
		}
		return ok()
	}}
	invoke(t, open(t, f, containerpool.Options{}), call{env: map[string]string{"__OW_API_KEY": "forged"}})
}

func TestActivationThatCannotBeMarkedAsStartedIsNotRunAndItsContainerStays(t *testing.T) {
	f := &factory{}
	p := open(t, f, containerpool.Options{})
	refusal := errors.New("disk full")
	refuse := func(context.Context) error { return refusal }
	invoke(t, p, call{})
	for _, c := range []call{{starting: refuse}, {action: "cold", starting: refuse}} {
		if _, err := p.Invoke(t.Context(), c.message()); !errors.Is(err, refusal) {
			t.Errorf("error is %v, want the refusal", err)
		}
	}
	if _, runs := f.containers()[0].end(); runs != 1 {
		t.Errorf("%d runs, want 1", runs)
	}
	if r := invoke(t, p, call{}); r.Start != invoker.Warm {
		t.Errorf("start is %s, want warm", r.Start)
	}
}

func TestCodeThatCannotBeLoadedIsAnErrorAndCostsTheContainerOnly(t *testing.T) {
	f := &factory{}
	p := open(t, f, containerpool.Options{})
	broken := errors.New("store is gone")
	_, err := p.Invoke(t.Context(), call{code: func(context.Context) (string, error) { return "", broken }}.message())
	if !errors.Is(err, broken) {
		t.Errorf("error is %v, want the store's", err)
	}
	if r := invoke(t, p, call{}); r.Start != invoker.Cold {
		t.Errorf("start is %s, want cold", r.Start)
	}
}
