package controller_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoke"
)

// refusing is an API whose invoker refuses everything.
func refusing(t *testing.T, err error) *api {
	a := newAPI(t, func(a *api) {
		a.invoke = func(_ context.Context, req invoke.Request) (invoke.Outcome, error) {
			req.Done()
			return invoke.Outcome{}, err
		}
	})
	a.put(t, "hello", hello)
	return a
}

func TestEveryKindOfErrorHasItsStatus(t *testing.T) {
	statuses := map[entity.Kind]int{
		entity.Internal: 500, entity.Malformed: 400, entity.Unauthorized: 401, entity.Forbidden: 403, entity.NotFound: 404,
		entity.Conflict: 409, entity.TooLarge: 413, entity.Throttled: 429, entity.Unprocessable: 422, entity.Unavailable: 503,
	}
	for kind := entity.Internal; kind <= entity.Unavailable; kind++ {
		status, ok := statuses[kind]
		if !ok {
			t.Errorf("kind %d has no row here", kind)
			continue
		}
		cause := fmt.Errorf("while testing: %w", entity.Errorf(kind, `text <%d> "quoted"`, kind).WithCode("GW9999").Because(errors.New("secret")))
		a := refusing(t, cause)
		w := scenario{
			Method: "POST", URL: ns + "actions/hello", Headers: map[string]string{"X-Request-ID": "t"}, Status: status, NotContains: []string{"secret"},
		}.check(t, a)
		if want := fmt.Sprintf(`{"error":"text <%d> \"quoted\"","code":"t"}`, kind); w.Body.String() != want {
			t.Errorf("kind %d: %s, want %s", kind, w.Body, want)
		}
		h := w.Header()
		if h.Get("X-Gowhisk-Error") != "GW9999" || h.Get("X-Request-ID") != "t" || h.Get("Content-Type") != "application/json" {
			t.Errorf("kind %d: headers %v", kind, h)
		}
		if again := kind == entity.Throttled || kind == entity.Unavailable; (h.Get("Retry-After") == "1") != again {
			t.Errorf("kind %d: Retry-After %q", kind, h.Get("Retry-After"))
		}
		if challenged := kind == entity.Unauthorized; (h.Get("WWW-Authenticate") != "") != challenged {
			t.Errorf("kind %d: WWW-Authenticate %q", kind, h.Get("WWW-Authenticate"))
		}
		if logged := status >= 500; strings.Contains(a.log.String(), "secret") != logged {
			t.Errorf("kind %d: log %s", kind, a.log.String())
		}
	}
}

func TestUnknownErrorsAreToldAsInternalAndLoggedOnce(t *testing.T) {
	a := refusing(t, errors.New("disk gone"))
	w := scenario{
		Method: "POST", URL: ns + "actions/hello", Status: 500,
		Contains: []string{"There was an internal server error."}, NotContains: []string{"disk"},
	}.check(t, a)
	if w.Header().Get("X-Gowhisk-Error") != "GW5901" {
		t.Errorf("headers %v", w.Header())
	}
	if n := strings.Count(a.log.String(), "disk gone"); n != 1 {
		t.Errorf("logged %d times", n)
	}
}

func TestPanicOfAHandlerIsOneInternalError(t *testing.T) {
	a := newAPI(t, func(a *api) {
		a.invoke = func(context.Context, invoke.Request) (invoke.Outcome, error) { panic("boom") }
	})
	a.put(t, "hello", hello)
	scenario{
		Method: "POST", URL: ns + "actions/hello", Status: 500,
		Contains: []string{`{"error":"There was an internal server error.","code":"`}, NotContains: []string{"boom"},
	}.check(t, a)
	if n := strings.Count(a.log.String(), "handler panicked"); n != 1 || !strings.Contains(a.log.String(), "invoke.go") {
		t.Errorf("logged %d times: %s", n, a.log.String())
	}
}

func TestThrottledCallersAreToldWhenToComeAgain(t *testing.T) {
	a := newAPI(t, func(a *api) { a.limits = func(s *entitlement.Settings) { s.InvocationsPerMinute = 1 } })
	scenario{Method: "POST", URL: ns + "actions/gone", Status: 404}.check(t, a)
	w := scenario{
		Method: "POST", URL: "/api/v1/namespaces/other/actions/x", Status: 429,
		Contains: []string{"Too many requests in the last minute (count: 2, allowed: 1)."},
	}.check(t, a)
	seconds, err := time.ParseDuration(w.Header().Get("Retry-After") + "s")
	if err != nil || seconds < time.Second || seconds > time.Minute {
		t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
	}
	if w.Header().Get("X-Gowhisk-Error") != "GW1401" || w.Header().Get("X-Openwhisk-Activation-Id") != "" {
		t.Errorf("headers %v", w.Header())
	}
}

func TestSlotsOfRefusedCallsAreGivenBack(t *testing.T) {
	a := newAPI(t, func(a *api) { a.limits = func(s *entitlement.Settings) { s.ConcurrentInvocations = 1 } })
	a.put(t, "hello", hello)
	for range 3 {
		scenario{Method: "POST", URL: ns + "actions/gone", Status: 404}.check(t, a)
		scenario{Method: "POST", URL: ns + "actions/hello", Body: "[]", Status: 400}.check(t, a)
		scenario{Method: "POST", URL: ns + "actions/hello", Status: 202}.check(t, a)
	}
	a.invoke = func(context.Context, invoke.Request) (invoke.Outcome, error) {
		return invoke.Outcome{ID: someID}, nil // still in flight
	}
	scenario{Method: "POST", URL: ns + "actions/hello", Status: 202}.check(t, a)
	w := scenario{
		Method: "POST", URL: ns + "actions/hello", Status: 429,
		Contains: []string{"Too many concurrent requests in flight (count: 1, allowed: 1)."},
	}.check(t, a)
	if w.Header().Get("X-Gowhisk-Error") != "GW1402" {
		t.Errorf("headers %v", w.Header())
	}
}
