package actionproxy_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
)

// told is what a pod says to its server of activations.
type told struct {
	As          string `json:"as"`
	Lost        int    `json:"lost"`
	Activations []struct {
		Transaction string                       `json:"transactionId"`
		Accepted    int64                        `json:"accepted"`
		Answer      actionproxy.ActivationAnswer `json:"answer"`
	} `json:"activations"`
}

// home is a server that pods report to.
type home struct {
	*httptest.Server
	t     *testing.T
	heard chan told
	// refused has a token for each request that was not answered well.
	refused chan struct{}

	mu     sync.Mutex
	status []int // of the next answers; guarded by mu
	asked  int   // whose credentials; guarded by mu
}

func newHome(t *testing.T, status ...int) *home {
	h := &home{t: t, heard: make(chan told, 100), refused: make(chan struct{}, 100), status: status}
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	return h
}

func (h *home) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost || r.Header.Get("Authorization") != "Bearer key" || r.Header.Get(actionproxy.PodHeader) != "hello-1" {
		h.t.Errorf("%s %s %v: %v", r.Method, r.URL, r.Header, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.status) > 0 {
		status := h.status[0]
		if h.status = h.status[1:]; status != http.StatusOK {
			http.Error(w, "not now", status)
			h.refused <- struct{}{}
			return
		}
	}
	if r.URL.Path == actionproxy.IdentityPath {
		h.asked++
		var in struct{ As, Authorization string }
		if err := json.Unmarshal(body, &in); err != nil || in.As != "pod" {
			h.t.Errorf("%s: %v", body, err)
		}
		if in.Authorization == "Basic good" {
			_, _ = io.WriteString(w, `{"namespace":"someone"}`)
		} else {
			_, _ = io.WriteString(w, `{"namespace":""}`)
		}
		return
	}
	var in told
	if err := json.Unmarshal(body, &in); err != nil || in.As != "pod" || r.URL.Path != actionproxy.ReportPath {
		h.t.Errorf("%s %s: %v", r.URL, body, err)
	}
	h.heard <- in
	w.WriteHeader(http.StatusNoContent)
}

// reporting is a service whose pod reports there.
func (h *home) reporting(code, members string) *service {
	h.t.Helper()
	to := actionproxy.NewHome(actionproxy.HomeOptions{URL: h.URL, Name: "hello-1", As: json.RawMessage(`"pod"`), Key: "key"})
	return knative(h.t, actionproxy.KnativeOptions{
		Runtime: supervised(h.t, "nodejs", false), Action: baked(h.t, code, members), Concurrency: 1, Node: true, GatewayKey: "key", Home: to,
	})
}

func (h *home) next() told {
	h.t.Helper()
	select {
	case in := <-h.heard:
		return in
	case <-time.After(30 * time.Second):
		h.t.Fatal("nothing is reported")
	}
	return told{}
}

func get(t *testing.T, url string, header map[string]string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

const onTheWeb = `"annotations":[{"key":"web-export","value":true}]`

func TestActivationsThatThePlatformDidNotAskForAreReportedOnce(t *testing.T) {
	h := newHome(t, 503, 500, 200)
	s := h.reporting("function main(a) { console.log('hi'); return a.fail ? {error: 'no'} : {body: a.n} }", onTheWeb)
	for _, query := range []string{"?n=1", "?fail=1"} {
		res, body := get(t, s.http.URL+"/hello.json"+query, map[string]string{"X-Request-Id": "tid" + query})
		in := h.next()
		if len(in.Activations) != 1 {
			t.Fatalf("%+v", in)
		}
		one := in.Activations[0]
		if one.Answer.ActivationID != res.Header.Get("X-Openwhisk-Activation-Id") || len(one.Answer.ActivationID) != 32 || one.Transaction != "tid"+query {
			t.Errorf("reported %+v of %v", one, res.Header)
		}
		if one.Answer.Start < one.Accepted || one.Answer.End < one.Answer.Start || len(one.Answer.Logs) != 1 || !strings.HasSuffix(one.Answer.Logs[0], "stdout: hi") {
			t.Errorf("reported %+v", one)
		}
		if (one.Answer.InitTime > 0) != (query == "?n=1") && one.Answer.InitTime != 0 || strings.Contains(string(one.Answer.Result), "error") != (query == "?fail=1") {
			t.Errorf("reported %s %d of %s", one.Answer.Result, one.Answer.InitTime, body)
		}
	}
	if _, _ = get(t, s.http.URL+"/hello.json", map[string]string{"Authorization": "Bearer key"}); len(h.heard) > 0 {
		t.Error("the platform is told what it asked for")
	}
}

func TestWhatTheServerRefusesIsNotReportedAgain(t *testing.T) {
	h := newHome(t, 401, 200)
	s := h.reporting("function main(a) { return {n: a.n} }", onTheWeb)
	get(t, s.http.URL+"/hello.json?n=1", nil)
	select {
	case <-h.refused:
	case <-time.After(30 * time.Second):
		t.Fatal("nothing is reported")
	}
	get(t, s.http.URL+"/hello.json?n=2", nil)
	if in := h.next(); len(in.Activations) != 1 || !strings.Contains(string(in.Activations[0].Answer.Result), `"2"`) {
		t.Errorf("%+v", in)
	}
}

func TestReportsForWhichThereIsNoRoomAreCounted(t *testing.T) {
	h := newHome(t)
	s := h.reporting("function main(a) { return {n: a.n, x: 'x'.repeat(1e6)} }", onTheWeb)
	const calls = 12
	h.mu.Lock() // the server does not answer
	for range calls {
		get(t, s.http.URL+"/hello.json", nil)
	}
	h.mu.Unlock()
	lost, heard := 0, map[string]bool{}
	for lost+len(heard) < calls {
		in := h.next()
		lost += in.Lost
		for _, one := range in.Activations {
			heard[one.Answer.ActivationID] = true
		}
	}
	if lost == 0 || lost > calls/2 {
		t.Errorf("%d are lost, %d are not", lost, len(heard))
	}
}

func TestAPodThatEndsReportsWhatItHasLeft(t *testing.T) {
	h := newHome(t, 503, 503)
	s := h.reporting("function main(a) { return {} }", onTheWeb)
	get(t, s.http.URL+"/hello.json", nil)
	s.http.Close()
	if err := s.k.Close(); err != nil {
		t.Fatal(err)
	}
	if in := h.next(); len(in.Activations) != 1 {
		t.Errorf("%+v", in)
	}
}

func TestTheServerSaysWhoseCredentialsAre(t *testing.T) {
	h := newHome(t)
	s := h.reporting("function main(a) { return {user: a.__ow_user || null} }", `"annotations":[{"key":"web-export","value":true},{"key":"require-whisk-auth","value":true}]`)
	for range 2 {
		for credentials, want := range map[string]string{"": "401", "Basic bad": "401", "Basic good": "200 someone"} {
			res, body := get(t, s.http.URL+"/hello.json", map[string]string{"Authorization": credentials})
			if got := res.Status[:3]; got != want[:3] || got == "200" && !strings.Contains(body, want[4:]) {
				t.Errorf("%q: got %s %s, want %s", credentials, res.Status, body, want)
			}
		}
	}
	if h.asked != 3 { // the good ones are remembered
		t.Errorf("the server was asked %d times", h.asked)
	}
	for heard := 0; heard < 2; { // nothing more is on its way
		heard += len(h.next().Activations)
	}
	h.mu.Lock()
	h.status = []int{500}
	h.mu.Unlock()
	if res, _ := get(t, s.http.URL+"/hello.json", map[string]string{"Authorization": "Basic new"}); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("without the server: %s", res.Status)
	}
}

func TestAFileThatNamesNoServerIsRefused(t *testing.T) {
	if _, err := actionproxy.ReadHome(filepath.Join(t.TempDir(), "absent")); err == nil {
		t.Error("an absent file is read")
	}
}
