package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// activation is what the API says of one.
type activation struct {
	ActivationID string `json:"activationId"`
	Response     struct {
		Status  string
		Success bool
		Result  json.RawMessage
	}
	Logs        []string
	Annotations []struct {
		Key   string
		Value json.RawMessage
	}
	Error string // of the API
}

// call sends a request to the API of the server, with a body of JSON, and returns the status of the answer.
func (o *onCluster) call(ctx context.Context, method, path string, body, into any) (int, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, method, o.server.URL+"/api/v1/namespaces/_"+path, bytes.NewReader(text))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.SetBasicAuth(cut(o.server.Key))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	if text, err = io.ReadAll(res.Body); err != nil {
		return 0, err
	}
	return res.StatusCode, json.Unmarshal(text, into)
}

// invoke waits for the result.
func (o *onCluster) invoke(action string, args any) (a activation) {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), 3*time.Minute)
	defer cancel()
	status, err := o.call(ctx, http.MethodPost, "/actions/"+action+"?blocking=true", args, &a)
	for status == http.StatusAccepted && err == nil { // the answer takes longer than the API waits
		status, err = o.call(ctx, http.MethodGet, "/activations/"+a.ActivationID, nil, &a)
		if status == http.StatusNotFound {
			status = http.StatusAccepted
		}
	}
	if err != nil {
		o.t.Fatalf("invoke %s: %v", action, err)
	}
	if a.ActivationID == "" {
		o.t.Fatalf("invoke %s: %d %s", action, status, a.Error)
	}
	return a
}

// record waits for what is kept of an activation.
func (o *onCluster) record(id string) (a activation) {
	o.t.Helper()
	o.until("no record of "+id, func() bool {
		a = activation{}
		status, err := o.call(o.t.Context(), http.MethodGet, "/activations/"+id, nil, &a)
		return err == nil && status == http.StatusOK
	})
	return a
}

// counter is outside of the cluster: actions tell it that they run.
type counter struct {
	url     string
	arrived chan string   // what has asked to be held
	release chan struct{} // closed to let them go
	mu      sync.Mutex
	runs    map[string]int // guarded by mu
}

// newCounter listens where pods reach it.
func newCounter(t *testing.T, c *cluster) *counter {
	t.Helper()
	host, _, err := net.SplitHostPort(c.registry)
	if err != nil {
		t.Fatal(err)
	}
	n := &counter{arrived: make(chan string, 100), release: make(chan struct{}), runs: map[string]int{}}
	n.url = listen(t, host, n)
	return n
}

func (n *counter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("id")
	n.mu.Lock()
	n.runs[id]++
	n.mu.Unlock()
	if r.URL.Query().Get("hold") != "" {
		n.arrived <- id
		select {
		case <-n.release:
		case <-r.Context().Done():
		}
	}
	w.WriteHeader(http.StatusOK)
}

func (n *counter) of(id string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.runs[id]
}

// counted is an action that tells a counter of each of its runs.
const counted = `async function main(a) {
  await (await fetch(a.url + '?id=' + a.n + (a.hold ? '&hold=1' : ''))).text()
  return {n: a.n, version: VERSION}
}`

// listen serves on a free port of a host until the end of the test.
func listen(t *testing.T, host string, handler http.Handler) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }() // until it is closed
	t.Cleanup(func() { _ = server.Close() })
	return "http://" + l.Addr().String()
}

// doorkeeper is a registry in front of the cluster's, which may refuse.
type doorkeeper struct {
	host   string
	refuse atomic.Pointer[func(*http.Request) bool]
}

// newDoorkeeper listens on the loopback interface, where nodes of the kit and the builder need no TLS.
func newDoorkeeper(t *testing.T, registry string) *doorkeeper {
	t.Helper()
	behind := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: registry})
	d := &doorkeeper{}
	at := listen(t, "127.0.0.1", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refuse := d.refuse.Load(); refuse != nil && (*refuse)(r) {
			panic(http.ErrAbortHandler) // it is gone
		}
		behind.ServeHTTP(w, r)
	}))
	d.host = at[len("http://"):]
	return d
}

// shut has those requests fail from now on; nil lets all pass.
func (d *doorkeeper) shut(out func(*http.Request) bool) {
	if out == nil {
		d.refuse.Store(nil)
		return
	}
	d.refuse.Store(&out)
}

// relay passes connections on, unless it is shut.
type relay struct {
	address string
	mu      sync.Mutex
	closed  bool              // guarded by mu
	conns   map[net.Conn]bool // guarded by mu
}

func newRelay(t *testing.T, to string) *relay {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{address: l.Addr().String(), conns: map[net.Conn]bool{}}
	t.Cleanup(func() { _ = l.Close(); r.shut(true) })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go r.serve(conn, to)
		}
	}()
	return r
}

func (r *relay) serve(conn net.Conn, to string) {
	defer conn.Close()
	r.mu.Lock()
	closed := r.closed
	r.conns[conn] = true
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.conns, conn)
		r.mu.Unlock()
	}()
	if closed {
		return
	}
	other, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer other.Close()
	go func() {
		_, _ = io.Copy(other, conn) // until one side has enough
		_ = other.Close()
	}()
	_, _ = io.Copy(conn, other)
}

// shut breaks all connections off, and takes no new ones.
func (r *relay) shut(closed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = closed
	if closed {
		for conn := range r.conns {
			_ = conn.Close()
		}
	}
}

// behind returns a kubeconfig with which the cluster's API is reached through a relay.
func behind(t *testing.T) (kubeconfig string, r *relay) {
	t.Helper()
	c := &cluster{}
	text, err := c.kubectl(t.Context(), "", "config", "view", "--raw", "--flatten", "-o", "json")
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		t.Fatal(err)
	}
	for _, one := range config["clusters"].([]any) {
		of := one.(map[string]any)["cluster"].(map[string]any)
		at, err := url.Parse(of["server"].(string))
		if err != nil {
			t.Fatal(err)
		}
		r = newRelay(t, at.Host)
		of["server"], of["tls-server-name"] = "https://"+r.address, at.Hostname()
	}
	edited, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, edited, 0o600); err != nil {
		t.Fatal(err)
	}
	return kubeconfig, r
}

// cut splits a key for basic authorization.
func cut(key string) (user, password string) {
	user, password, _ = strings.Cut(key, ":")
	return user, password
}
