package knative_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/backend/knative"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/invoker"
	"github.com/gowhisk/gowhisk/internal/protocol"
)

// answering is a pod whose proxy answers so.
func answering(status int, result, more string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", actionproxy.ActivationMediaType)
		fmt.Fprintf(w, `{"activationId":"a","status":%d,"start":1000,"end":1007,"logs":["l"],"result":%s%s}`, status, result, more)
	}
}

func TestActionIsAServiceOfItsOwnAndIsReachedWithItsKey(t *testing.T) {
	var seen http.Header
	var path string
	c := newCluster(t, func(w http.ResponseWriter, r *http.Request) {
		seen, path = r.Header, r.Host
		answering(200, `{"a":1}`, "")(w, r)
	})
	a := action()
	b := start(t, c, having(a))
	started := 0
	msg := message(a)
	msg.Starting = func(context.Context) error { started++; return nil }
	msg.Trace = protocol.Trace{Parent: "p", State: "s"}
	msg.Env = map[string]string{"SENT": "by the caller", "__OW_NAMESPACE": "forged"}
	r, err := b.Invoke(t.Context(), msg)
	if err != nil || string(r.Response.Result) != `{"a":1}` || r.Duration.Milliseconds() != 7 || len(r.Logs) != 1 || started != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if seen.Get("X-Whisk-Activation-Id") != string(msg.ID) || !strings.HasPrefix(seen.Get("Authorization"), "Bearer ") || path == "" {
		t.Errorf("request to %s has %v", path, seen)
	}
	if seen.Get("traceparent") != "p" || seen.Get("tracestate") != "s" {
		t.Errorf("the trace is not in %v", seen)
	}
	if got := seen.Get(actionproxy.InitEnvHeader); got != `{"SENT":"by the caller"}` {
		t.Errorf("the init would find %s", got)
	}
	services := c.all("services")
	if len(services) != 1 || len(c.all("secrets")) != 1 {
		t.Fatalf("%d services", len(services))
	}
	s := services[0]
	if !strings.HasPrefix(s.GetName(), "utils-say-hello-1-") || len(s.GetName()) > 41 || s.GetAnnotations()["dev.gowhisk/action"] != "/guest/Utils/Say Hello_1" {
		t.Errorf("%s %v", s.GetName(), s.GetAnnotations())
	}
	want := map[string]string{
		"spec.template.spec.enableServiceLinks": "false", "spec.template.spec.automountServiceAccountToken": "false",
		"spec.template.spec.containerConcurrency": "1", "spec.template.spec.timeoutSeconds": "600", "spec.template.spec.responseStartTimeoutSeconds": "600",
	}
	for at, value := range want {
		if got, _, _ := unstructured.NestedFieldNoCopy(s.Object, strings.Split(at, ".")...); fmt.Sprint(got) != value {
			t.Errorf("%s is %v, want %s", at, got, value)
		}
	}
}

func TestAnswersAreClassifiedAsOnTheLocalBackend(t *testing.T) {
	for name, row := range map[string]struct {
		pod    http.HandlerFunc
		status entity.Status
		text   string
		fault  string
	}{
		"application error": {answering(200, `{"error":"no"}`, ""), entity.ApplicationError, `{"error":"no"}`, ""},
		"no result":         {answering(200, `7`, ""), entity.DeveloperError, "did not produce a valid JSON", fault.WrongResult},
		"timeout":           {answering(502, `{"error":"x"}`, `,"timedOut":true`), entity.DeveloperError, invoker.TimeoutText(entity.DefaultLimits(), false), fault.Timeout},
		"out of memory":     {answering(502, `{"error":"command exited"}`, `,"outOfMemory":true`), entity.DeveloperError, invoker.MemoryText, fault.OutOfMemory},
		"init":              {answering(502, `{"error":"Cannot find module x"}`, `,"initTime":6,"initFailed":true`), entity.DeveloperError, "Cannot find module x", fault.MissingDependency},
		"exit":              {answering(400, `{"error":"command exited"}`, ""), entity.DeveloperError, invoker.RunExited, fault.Exited},
		"lost":              {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, entity.WhiskError, "Whether it ran is not known", fault.Provisioning},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := start(t, newCluster(t, row.pod), having(action()))
			r, err := b.Invoke(t.Context(), message(action()))
			if err != nil || r.Response.Status != row.status || !strings.Contains(string(r.Response.Result), row.text) || r.Fault != row.fault {
				t.Errorf("%s %s with %s, %v", r.Response.Status, r.Response.Result, r.Fault, err)
			}
		})
	}
}

func TestRequestIsSentAgainOnlyIfItDidNotReachTheAction(t *testing.T) {
	for name, row := range map[string]struct {
		status int
		body   string
		sent   int32
		header string
	}{
		"pod of another version":    {status: 401, body: `{"error":"x"}`, sent: 2},
		"no route yet":              {status: 404, sent: 2},
		"revision gone":             {status: 404, body: `Error getting active endpoint: revision.serving.knative.dev "a" not found`, sent: 2},
		"no pod known":              {status: 500, sent: 2},
		"no pod in time":            {status: 503, body: "context deadline exceeded", sent: 2},
		"nobody there":              {status: 503, body: "no healthy upstream", sent: 2},
		"cannot connect":            {status: 502, body: "dial tcp 10.0.0.1:8012: connect: connection refused", sent: 2},
		"proxy takes no more":       {status: 503, body: `{"error":"x"}`, header: actionproxy.RefusedHeader, sent: 2},
		"stem cell of another":      {status: 403, body: `{"error":"x"}`, header: actionproxy.RefusedHeader, sent: 2},
		"proxy does not read it":    {status: 400, body: `{"error":"x"}`, header: actionproxy.RefusedHeader, sent: 1},
		"unavailable, nobody knows": {status: 503, body: `{"error":"x"}`, sent: 1},
		"broken, nobody knows":      {status: 500, body: "x", sent: 1},
		"silence":                   {status: 502, sent: 1},
		"reset":                     {status: 503, body: "upstream connect error or disconnect/reset before headers. reset reason: connection termination", sent: 1},
		"lost behind Knative":       {status: 502, body: "EOF", sent: 1},
		"gave up":                   {status: 504, body: "activator request timeout", sent: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent atomic.Int32
			c := newCluster(t, func(w http.ResponseWriter, r *http.Request) {
				if sent.Add(1) == 1 {
					if row.header != "" {
						w.Header().Set(row.header, "true")
					}
					w.WriteHeader(row.status)
					fmt.Fprint(w, row.body)
					return
				}
				answering(200, `{}`, "")(w, r)
			})
			r, err := start(t, c, having(action())).Invoke(t.Context(), message(action()))
			if sent.Load() != row.sent || (err == nil && r.Response.Status == entity.Success) != (row.sent == 2) || (err != nil) != (row.status == 400) {
				t.Errorf("sent %d times: %s %s, %v", sent.Load(), r.Response.Status, r.Response.Result, err)
			}
		})
	}
}

func TestWhatTheClusterRefusesIsTheActionsFailure(t *testing.T) {
	c := newCluster(t, answering(200, `{}`, ""))
	c.refuse = `admission webhook "validation.webhook.serving.knative.dev" denied the request: invalid value: -1`
	r, err := start(t, c, having(action())).Invoke(t.Context(), message(action()))
	if err != nil || r.Response.Status != entity.DeveloperError || !strings.Contains(string(r.Response.Result), "invalid value: -1") {
		t.Errorf("%s %s, %v", r.Response.Status, r.Response.Result, err)
	}
}

func TestRevisionThatFailsIsThePlatformsFailureAndNothingIsSent(t *testing.T) {
	c := newCluster(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	c.broken = "Unable to fetch image"
	msg := message(action())
	_, err := start(t, c, having(action())).Invoke(t.Context(), msg)
	shown, ok := errors.AsType[*entity.Error](err)
	if !ok || shown.Code != fault.Provisioning || !strings.Contains(shown.Err.Error(), "Unable to fetch image") {
		t.Errorf("%v", err)
	}
}

func TestRevisionWhoseFailureEndsByItselfIsWaitedFor(t *testing.T) {
	for what, said := range map[string]string{
		"no room yet":                     `Revision "a" failed with message: 0/1 nodes are available: 1 Insufficient cpu.`,
		"the deleted one had no scale":    `Revision "a" failed with message: Initial scale was never achieved.`,
		"the deleted one has left things": `Revision "a" failed with message: There is an existing Deployment "a-deployment" that we do not own.`,
	} {
		t.Run(what, func(t *testing.T) {
			c := newCluster(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
			c.broken = said
			b := startWith(t, c, having(action()), func(o *knative.Options) { o.Patience = 500 * time.Millisecond })
			_, err := b.Invoke(t.Context(), message(action()))
			shown, ok := errors.AsType[*entity.Error](err)
			if !ok || !strings.Contains(shown.Err.Error(), "it was not ready in time") || !strings.Contains(shown.Err.Error(), said) {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestRevisionThatDidNotScaleInTimeIsNotWaitedFor(t *testing.T) {
	c := newCluster(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	c.broken, c.created = `Revision "a" failed with message: Initial scale was never achieved.`, time.Now().Add(-10*time.Minute)
	_, err := start(t, c, having(action())).Invoke(t.Context(), message(action()))
	if shown, ok := errors.AsType[*entity.Error](err); !ok || !strings.Contains(shown.Err.Error(), "the cluster cannot run it") {
		t.Errorf("%v", err)
	}
}

func TestClusterThatDoesNotAnswerIsAskedAgain(t *testing.T) {
	c := newCluster(t, answering(200, `{"a":1}`, ""))
	c.busy = 2
	r, err := start(t, c, having(action())).Invoke(t.Context(), message(action()))
	if err != nil || r.Response.Status != entity.Success || c.busy != 0 {
		t.Errorf("%s %s, %v", r.Response.Status, r.Response.Result, err)
	}
}

func TestCodeThatIsTooBigForASecretIsRefusedWithTheLimit(t *testing.T) {
	a := action()
	a.Parameters = a.Parameters.Set("big", `"`+strings.Repeat("x", 1<<20)+`"`)
	r, err := start(t, newCluster(t, answering(200, `{}`, "")), having(a)).Invoke(t.Context(), message(a))
	if err != nil || r.Fault != fault.CodeTooBig || !strings.Contains(string(r.Response.Result), "at most 1048576") {
		t.Errorf("%s with %s, %v", r.Response.Result, r.Fault, err)
	}
}

func TestServicesFollowTheCatalog(t *testing.T) {
	c := newCluster(t, answering(200, `{}`, ""))
	n := having()
	b := start(t, c, n)
	a := action()
	n.put(a)
	b.Changed(a.Name)
	eventually(t, "no Service came", func() bool { return len(c.all("services")) == 1 })
	first := c.all("services")[0]

	next := *a
	next.Revision, next.Version.Patch = 2, 2
	n.put(&next)
	b.Changed(a.Name)
	eventually(t, "the new version is not there alone", func() bool {
		secrets := c.all("secrets")
		return len(secrets) == 1 && secrets[0].GetLabels()["dev.gowhisk/version"] == "0.0.2"
	})
	if now := c.all("services"); len(now) != 1 || now[0].GetName() != first.GetName() || now[0].GetGeneration() != 2 {
		t.Errorf("Services are %v", now)
	}

	n.remove(a.Name)
	b.Changed(a.Name)
	eventually(t, "something stays", func() bool { return len(c.all("services"))+len(c.all("secrets")) == 0 })
}

func TestWhatIsDeletedOrEditedByHandComesBack(t *testing.T) {
	c := newCluster(t, answering(200, `{}`, ""))
	n := having()
	b := start(t, c, n)
	a := action()
	n.put(a)
	b.Changed(a.Name)
	eventually(t, "no Service came", func() bool { return len(c.all("services")) == 1 })
	ours := c.all("services")[0]

	c.mu.Lock()
	edited := ours.DeepCopy()
	if err := unstructured.SetNestedField(edited.Object, int64(7), "spec", "template", "spec", "timeoutSeconds"); err != nil {
		t.Fatal(err)
	}
	c.put("services", edited)
	c.mu.Unlock()
	eventually(t, "the edit stays", func() bool {
		now := c.all("services")[0]
		seconds, _, _ := unstructured.NestedFieldNoCopy(now.Object, "spec", "template", "spec", "timeoutSeconds")
		return fmt.Sprint(seconds) == "600"
	})

	c.remove(discard{}, "services", ours.GetName())
	eventually(t, "the Service does not come back", func() bool { return len(c.all("services")) == 1 })

	secret := c.all("secrets")[0].GetName()
	c.remove(discard{}, "secrets", secret)
	eventually(t, "the Secret does not come back", func() bool { return len(c.all("secrets")) == 1 })
	if now := c.all("secrets")[0].GetName(); now != secret {
		t.Errorf("another Secret came back: %s, not %s", now, secret)
	}
}

func TestWhatWasDeletedWhileNoServerRanComesBackAtTheStart(t *testing.T) {
	c := newCluster(t, answering(200, `{}`, ""))
	startKnowing(t, c, having(action()), func(context.Context) ([]entity.Name, error) {
		return []entity.Name{action().Name, {Namespace: "guest", Name: "gone"}}, nil
	})
	eventually(t, "no Service came", func() bool { return len(c.all("services")) == 1 && len(c.all("secrets")) == 1 })
}

func TestContainerThatEndsAgainAndAgainIsToldSoon(t *testing.T) {
	for name, row := range map[string]struct {
		kind, reason string
		text, fault  string // of the activation; an error without
	}{
		"image of the user":    {entity.KindBlackbox, "Error", "does not start: its container ends with exit status 3", fault.InitExited},
		"image of the cluster": {"nodejs:20", "Error", "", ""},
		"too little memory":    {"nodejs:20", "OOMKilled", invoker.MemoryText, fault.OutOfMemory},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
			c.waiting = true
			ended := map[string]any{"terminated": map[string]any{"reason": row.reason, "exitCode": int64(3)}}
			c.mu.Lock()
			c.put("pods", &unstructured.Unstructured{Object: map[string]any{
				"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "p"},
				"status": map[string]any{"containerStatuses": []any{map[string]any{
					"name": "action", "restartCount": int64(2), "lastState": ended,
					"state": map[string]any{"waiting": map[string]any{"reason": "CrashLoopBackOff"}},
				}}},
			}})
			c.mu.Unlock()
			a := action()
			a.Exec.Kind = row.kind
			r, err := start(t, c, having(a)).Invoke(t.Context(), message(a))
			if row.text == "" {
				if shown, ok := errors.AsType[*entity.Error](err); !ok || !strings.Contains(shown.Err.Error(), "exit status 3") {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil || r.Response.Status != entity.DeveloperError || !strings.Contains(string(r.Response.Result), row.text) || r.Fault != row.fault {
				t.Errorf("%s %s with %s, %v", r.Response.Status, r.Response.Result, r.Fault, err)
			}
		})
	}
}

// discard is where nobody reads.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}
