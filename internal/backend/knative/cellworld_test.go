package knative_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/backend/knative"
)

// hosts runs stem cells in place of nodes: each is a server on a port of its own.
type hosts struct {
	t      *testing.T
	answer http.HandlerFunc // what adopted cells answer
	deaf   bool             // nobody listens where the pods are said to be

	mu   sync.Mutex
	runs map[string]*host // by name of the pod; guarded by mu
	ran  []*host          // also those that are gone; guarded by mu
}

type host struct {
	name   string
	server *httptest.Server

	mu      sync.Mutex
	adopted bool     // guarded by mu
	inits   []string // bodies that brought an action; guarded by mu
	got     []string // activations; guarded by mu
	keys    map[string]bool
}

func newHosts(t *testing.T, answer http.HandlerFunc) *hosts {
	h := &hosts{t: t, answer: answer, runs: map[string]*host{}}
	t.Cleanup(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, one := range h.ran {
			one.server.CloseClientConnections()
			one.server.Close()
		}
	})
	return h
}

// run starts a pod and writes into the object what the cluster would.
func (h *hosts) run(o *unstructured.Unstructured) {
	if o.GetLabels()["dev.gowhisk/cell"] == "" {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	one := h.runs[o.GetName()]
	if one == nil {
		one = &host{name: o.GetName(), keys: map[string]bool{}}
		one.server = httptest.NewServer(h.serve(one))
		if h.deaf {
			one.server.Close()
		}
		h.runs[one.name] = one
		h.ran = append(h.ran, one)
	}
	at, port, err := net.SplitHostPort(one.server.Listener.Addr().String())
	if err != nil {
		h.t.Error(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		h.t.Error(err)
	}
	containers, _, _ := unstructured.NestedSlice(o.Object, "spec", "containers")
	containers[0].(map[string]any)["ports"] = []any{map[string]any{"containerPort": int64(number)}}
	if err := unstructured.SetNestedSlice(o.Object, containers, "spec", "containers"); err != nil {
		h.t.Error(err)
	}
	o.Object["status"] = map[string]any{"phase": "Running", "podIP": at, "conditions": []any{map[string]any{"type": "Ready", "status": "True"}}}
}

// end takes a pod away.
func (h *hosts) end(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if one := h.runs[name]; one != nil {
		delete(h.runs, name)
		one.server.CloseClientConnections()
		go one.server.Close()
	}
}

// serve is as much of a proxy as a stem cell needs.
func (h *hosts) serve(one *host) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		one.mu.Lock()
		if r.URL.Path == actionproxy.ReadyPath {
			if !one.adopted {
				w.Header().Set(actionproxy.StemCellHeader, "true")
			}
			one.mu.Unlock()
			return
		}
		brings := r.Header.Get("Content-Type") == actionproxy.InitMediaType
		if brings == one.adopted {
			one.mu.Unlock()
			w.Header().Set(actionproxy.RefusedHeader, "true")
			http.Error(w, `{"error":"initialize"}`, http.StatusForbidden)
			return
		}
		if brings {
			one.adopted = true
			one.inits = append(one.inits, string(body))
		}
		one.got = append(one.got, r.Header.Get("X-Whisk-Activation-Id"))
		one.keys[r.Header.Get("Authorization")] = true
		one.mu.Unlock()
		h.answer(w, r)
	}
}

// ids are the activations that a cell got.
func (o *host) ids() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string(nil), o.got...)
}

// used are the cells that got an activation, also those that are gone.
func (h *hosts) used() []*host {
	h.mu.Lock()
	defer h.mu.Unlock()
	var found []*host
	for _, one := range h.ran {
		if len(one.ids()) > 0 {
			found = append(found, one)
		}
	}
	return found
}

// prewarmed is what a cell's proxy answers to the first request.
func prewarmed(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", actionproxy.ActivationMediaType)
	fmt.Fprint(w, `{"activationId":"a","status":200,"start":1000,"end":1007,"initTime":3,"logs":[],"result":{"cell":true}}`)
}

// poked answers a request that wakes a Service, when the test lets it.
func (c *cluster) poked(w http.ResponseWriter, r *http.Request) {
	if c.pokes != nil {
		answer := make(chan bool)
		select {
		case c.pokes <- answer:
		case <-r.Context().Done():
			return
		}
		if !<-answer {
			http.Error(w, "no healthy upstream", http.StatusServiceUnavailable)
			return
		}
	}
	for _, s := range c.all("services") {
		revision, _, _ := unstructured.NestedString(s.Object, "spec", "template", "metadata", "name")
		c.scale(revision, true)
	}
	fmt.Fprint(w, `{"ok":true}`)
}

// scale gives a Revision its pod, or takes it.
func (c *cluster) scale(revision string, up bool) {
	name := revision + "-deployment-0"
	if !up {
		c.remove(discard{}, "pods", name)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	o := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Pod", "spec": map[string]any{},
		"metadata": map[string]any{"name": name, "labels": map[string]any{
			"serving.knative.dev/revision": revision, "app.kubernetes.io/managed-by": "gowhisk", "dev.gowhisk/owner": "test",
		}},
		"status": map[string]any{"phase": "Running", "podIP": "127.0.0.1", "conditions": []any{map[string]any{"type": "Ready", "status": "True"}}},
	}}
	c.put("pods", o)
}

// label is a merge patch of labels. The caller holds mu.
func (c *cluster) label(resource, name string, patch *unstructured.Unstructured) {
	o := c.objects[resource+"/"+name]
	if o == nil {
		return
	}
	o = o.DeepCopy()
	labels := o.GetLabels()
	for key, value := range patch.GetLabels() {
		labels[key] = value
	}
	o.SetLabels(labels)
	c.objects[resource+"/"+name] = o
	c.tell(resource, "MODIFIED", o)
}

// made counts the cells that there ever were.
func (h *hosts) made() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.ran)
}

// stems are the pods that the cluster has of stem cells, by what they are labelled.
func (c *cluster) stems() map[string]int {
	found := map[string]int{}
	for _, o := range c.all("pods") {
		if label := o.GetLabels()["dev.gowhisk/cell"]; label != "" {
			found[label]++
		}
	}
	return found
}

// bridging is a backend with stem cells for the action of the tests, of which n wait.
func bridging(t *testing.T, c *cluster, n int, options ...func(*knative.Options)) *knative.Backend {
	t.Helper()
	b := withCells(t, c, n, options...)
	eventually(t, "no stem cell waits", func() bool {
		how, why := b.Placement(action())
		return how == "bridge" && strings.Contains(why, fmt.Sprintf("one of %d", n))
	})
	return b
}

func withCells(t *testing.T, c *cluster, n int, options ...func(*knative.Options)) *knative.Backend {
	t.Helper()
	client, err := dynamic.NewForConfig(&rest.Config{Host: c.url, QPS: 1000, Burst: 1000})
	if err != nil {
		t.Fatal(err)
	}
	o := knative.Options{
		Client: client, Namespace: "actions", Owner: "test", Secret: []byte("s"), Catalog: having(action()), APIHost: "http://api",
		Images: images{}, Patience: 5 * time.Second,
		Runtime: func(context.Context, string) (knative.Image, error) {
			return knative.Image{Reference: "registry.example/node@sha256:0"}, nil
		},
	}
	for _, option := range options {
		option(&o)
	}
	b := knative.New(o)
	t.Cleanup(b.Close)
	b.KeepStemCells(map[knative.StemCell]int{{Kind: "nodejs:20", Memory: 256}: n})
	return b
}

// initOf reads what a cell was told of its action.
func initOf(t *testing.T, body string) (a actionproxy.Action, value string) {
	t.Helper()
	var sent struct {
		Init  actionproxy.Action
		Value json.RawMessage
	}
	if err := json.Unmarshal([]byte(body), &sent); err != nil {
		t.Fatal(err)
	}
	return sent.Init, string(sent.Value)
}
