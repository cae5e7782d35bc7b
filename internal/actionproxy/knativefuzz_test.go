package actionproxy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
)

// mirror is a Runtime that answers with the value of a run, and keeps the body.
type mirror struct {
	t    *testing.T
	body []byte
}

func (m *mirror) Start(context.Context) error { return nil }

func (m *mirror) Init(context.Context, *actionproxy.Action) (actionproxy.Answer, error) {
	return actionproxy.Answer{Status: http.StatusOK, Body: []byte(`{"ok":true}`)}, nil
}

func (m *mirror) Run(_ context.Context, _ string, body []byte) (actionproxy.Answer, actionproxy.Logs, error) {
	m.body = body
	var run struct{ Value json.RawMessage }
	if err := json.Unmarshal(body, &run); err != nil || bytes.ContainsAny(body, "\r\n") {
		m.t.Errorf("the body of the run is %q: %v", body, err)
	}
	return actionproxy.Answer{Status: http.StatusOK, Body: run.Value, Length: len(run.Value)}, actionproxy.Logs{}, nil
}

func (m *mirror) InitLogs() actionproxy.Logs { return actionproxy.Logs{} }
func (m *mirror) Reset()                     {}
func (m *mirror) Err() error                 { return nil }
func (m *mirror) Close() error               { return nil }

func FuzzRequestsOfKnative(f *testing.F) {
	f.Add("POST", "/", "application/json", "", `{"activation":{"activation_id":"a\nb"},"value":{"name":1}}`, false)
	f.Add("POST", "/", "application/json", "", `{"init":{},"value":[1]}`, true)
	f.Add("POST", "/", "application/json", "1.0", `{"a":{"b":1}}`, false)
	f.Add("POST", "/", "text/plain", "1.0", "text", true)
	f.Add("POST", "/", "application/cloudevents+json", "", `{"specversion":"1.0","id":"1","type":"t","source":"s","data":[1]}`, false)
	f.Add("GET", "/p/hello.json/a%20b?x=%zz&fixed=1", "", "", "", true)
	f.Add("PUT", "/api/v1/web/guest/p/hello.http?a=b", "application/x-www-form-urlencoded", "", "a=1&b=%C3", true)
	f.Add("POST", "/?a=1", "application/x-www-form-urlencoded", "", "a=2", false)
	f.Fuzz(func(t *testing.T, method, path, contentType, version, body string, web bool) {
		r, err := http.NewRequest(method, "http://host"+path, strings.NewReader(body))
		if err != nil || !strings.HasPrefix(path, "/") {
			t.Skip()
		}
		a := &actionproxy.Action{Namespace: "guest", Package: "p", Name: "hello", Parameters: actionproxy.KeyValues{{Key: "fixed", Value: []byte("7")}},
			Annotations: actionproxy.KeyValues{{Key: "final", Value: []byte("true")}}}
		if web {
			a.Annotations = append(a.Annotations, actionproxy.KeyValue{Key: "web-export", Value: []byte("true")})
		}
		for name, value := range map[string]string{"Content-Type": contentType, "Ce-Specversion": version, "Ce-Id": version, "Ce-Type": version, "Ce-Source": version} {
			if value != "" {
				r.Header[name] = []string{value}
			}
		}
		rt := &mirror{t: t}
		k := actionproxy.NewKnative(actionproxy.KnativeOptions{Runtime: rt, Action: a, Log: slog.New(slog.DiscardHandler)})
		w := httptest.NewRecorder()
		k.ServeHTTP(w, r)
		if err := k.Close(); err != nil {
			t.Error(err)
		}
		if w.Code < 200 || w.Code > 599 {
			t.Errorf("status %d", w.Code)
		}
		if strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") && !json.Valid(w.Body.Bytes()) {
			t.Errorf("answered %q", w.Body)
		}
		var run struct{ Value map[string]json.RawMessage }
		if json.Unmarshal(rt.body, &run) == nil && run.Value != nil && string(run.Value["fixed"]) != "7" {
			t.Errorf("%s %s %q: the action got %s", method, path, body, rt.body)
		}
	})
}
