package knative_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/backend/knative"
	"github.com/gowhisk/gowhisk/internal/catalog"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
)

// cluster is as much of a Kubernetes with Knative as the backend asks for: it keeps objects, tells
// watchers, and has every Service serve at once, unless told otherwise.
type cluster struct {
	t       *testing.T
	url     string
	address string           // of Services; empty for url
	pods    http.HandlerFunc // what answers in place of every action

	mu       sync.Mutex
	objects  map[string]*unstructured.Unstructured // by resource/name; guarded by mu
	watchers map[chan metav1.WatchEvent]string     // of that resource; guarded by mu
	told     []told                                // all events; guarded by mu
	refuse   string                                // what the webhook says to a Service; guarded by mu
	broken   string                                // why Revisions fail; guarded by mu
	busy     int                                   // how many Services it cannot take now; guarded by mu
	waiting  bool                                  // Revisions get neither ready nor fail; guarded by mu
	applies  int                                   // of Services; guarded by mu
	created  time.Time                             // when all objects were made; zero for the first one's time
	cells    *hosts                                // runs the stem cells; nil if they never start
	pokes    chan chan bool                        // asks for each poke whether the Service wakes; nil: it does
}

func newCluster(t *testing.T, pods http.HandlerFunc) *cluster {
	c := &cluster{t: t, pods: pods, objects: map[string]*unstructured.Unstructured{}, watchers: map[chan metav1.WatchEvent]string{}}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	c.url = server.URL
	return c
}

func (c *cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/":
		c.pods(w, r)
		return
	case actionproxy.ReadyPath:
		c.poked(w, r)
		return
	}
	_, rest, _ := strings.Cut(r.URL.Path, "/namespaces/actions/")
	resource, name, _ := strings.Cut(rest, "/")
	switch {
	case r.Method == http.MethodGet && r.URL.Query().Get("watch") != "":
		c.watch(w, r, resource)
	case r.Method == http.MethodGet:
		c.list(w, r, resource)
	case r.Method == http.MethodPatch:
		c.apply(w, r, resource, name)
	case r.Method == http.MethodDelete:
		c.remove(w, resource, name)
	default:
		http.Error(w, r.Method, http.StatusMethodNotAllowed)
	}
}

func (c *cluster) list(w http.ResponseWriter, r *http.Request, resource string) {
	wanted, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if err != nil {
		c.t.Error(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	items := []any{}
	for key, o := range c.objects {
		if strings.HasPrefix(key, resource+"/") && (len(o.GetLabels()) == 0 || wanted.Matches(labels.Set(o.GetLabels()))) { // tests make some without
			items = append(items, o.Object)
		}
	}
	c.answer(w, 200, map[string]any{"apiVersion": "v1", "kind": "List", "metadata": map[string]any{"resourceVersion": strconv.Itoa(len(c.told))}, "items": items})
}

func (c *cluster) watch(w http.ResponseWriter, r *http.Request, resource string) {
	events := make(chan metav1.WatchEvent, 1000)
	since, err := strconv.Atoi(r.URL.Query().Get("resourceVersion"))
	c.mu.Lock()
	if err != nil || since > len(c.told) {
		since = len(c.told)
	}
	for _, missed := range c.told[since:] {
		if missed.resource == resource {
			events <- missed.event
		}
	}
	c.watchers[events] = resource
	c.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	flusher, _ := w.(http.Flusher)
	flusher.Flush()
	for {
		select {
		case event := <-events:
			if json.NewEncoder(w).Encode(event) != nil {
				return
			}
			flusher.Flush()
		case <-r.Context().Done():
			return
		}
	}
}

func (c *cluster) apply(w http.ResponseWriter, r *http.Request, resource, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var o unstructured.Unstructured
	if err := json.NewDecoder(r.Body).Decode(&o.Object); err != nil {
		c.t.Error(err)
	}
	if r.Header.Get("Content-Type") == "application/merge-patch+json" {
		c.label(resource, name, &o)
		c.answer(w, 200, o.Object)
		return
	}
	if r.Header.Get("Content-Type") != "application/apply-patch+yaml" || r.URL.Query().Get("fieldManager") != "gowhisk" {
		c.t.Errorf("%s is not applied: %s %s", name, r.Header.Get("Content-Type"), r.URL.RawQuery)
	}
	if resource == "services" && c.busy > 0 {
		c.busy--
		c.answer(w, 503, metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Reason: metav1.StatusReasonServiceUnavailable, Code: 503})
		return
	}
	if resource == "services" && c.refuse != "" {
		c.answer(w, 400, metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Reason: metav1.StatusReasonBadRequest, Code: 400, Message: c.refuse})
		return
	}
	c.put(resource, &o)
	c.answer(w, 200, o.Object)
}

// put keeps an object, and makes a Service what Knative makes of it. The caller holds mu.
func (c *cluster) put(resource string, o *unstructured.Unstructured) {
	before := c.objects[resource+"/"+o.GetName()]
	generation := int64(1)
	if before != nil {
		generation = before.GetGeneration()
		if was, now := text(before.Object["spec"]), text(o.Object["spec"]); was != now {
			generation++
		}
	}
	o.SetGeneration(generation)
	if c.created.IsZero() {
		c.created = time.Now()
	}
	o.SetCreationTimestamp(metav1.NewTime(c.created))
	if resource == "services" {
		c.applies++
		revision, _, _ := unstructured.NestedString(o.Object, "spec", "template", "metadata", "name")
		ready := "True"
		status := map[string]any{"observedGeneration": generation, "latestCreatedRevisionName": revision, "address": map[string]any{"url": cmp.Or(c.address, c.url)}}
		switch {
		case c.waiting:
			ready = "Unknown"
		case c.broken == "":
			status["latestReadyRevisionName"] = revision
		default:
			ready = "False"
		}
		status["conditions"] = []any{
			map[string]any{"type": "Ready", "status": ready, "reason": "RevisionFailed", "message": c.broken},
			map[string]any{"type": "ConfigurationsReady", "status": ready, "reason": "RevisionFailed", "message": c.broken},
		}
		o.Object["status"] = status
	}
	if strings.HasPrefix(text(o.Object["apiVersion"]), `"messaging.`) || strings.HasPrefix(text(o.Object["apiVersion"]), `"eventing.`) {
		o.Object["status"] = map[string]any{
			"observedGeneration": generation, "conditions": []any{map[string]any{"type": "Ready", "status": "True"}},
			"address": map[string]any{"url": "http://" + o.GetName() + "-kn-channel.actions.svc.cluster.local"},
		}
	}
	if resource == "pods" && c.cells != nil {
		c.cells.run(o)
	}
	c.objects[resource+"/"+o.GetName()] = o
	kind := "MODIFIED"
	if before == nil {
		kind = "ADDED"
	}
	c.tell(resource, kind, o)
}

func (c *cluster) tell(resource, kind string, o *unstructured.Unstructured) {
	o = o.DeepCopy()
	o.SetResourceVersion(strconv.Itoa(len(c.told) + 1))
	event := metav1.WatchEvent{Type: kind}
	event.Object.Raw = []byte(text(o.Object))
	c.told = append(c.told, told{resource, event})
	for w, of := range c.watchers {
		if of == resource {
			w <- event
		}
	}
}

// told is what watchers were told.
type told struct {
	resource string
	event    metav1.WatchEvent
}

func (c *cluster) remove(w http.ResponseWriter, resource, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o := c.objects[resource+"/"+name]; o != nil {
		delete(c.objects, resource+"/"+name)
		c.tell(resource, "DELETED", o)
		if resource == "pods" && c.cells != nil {
			c.cells.end(name)
		}
	}
	c.answer(w, 200, metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Success"})
}

func (c *cluster) answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprint(w, text(body))
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// all are the objects of a resource.
func (c *cluster) all(resource string) []*unstructured.Unstructured {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []*unstructured.Unstructured
	for key, o := range c.objects {
		if strings.HasPrefix(key, resource+"/") {
			found = append(found, o.DeepCopy())
		}
	}
	return found
}

// images gives every action the same one, without its code.
type images struct{}

func (images) Image(context.Context, *entity.Action, string, string, string) (knative.Image, error) {
	return knative.Image{Reference: "registry.example/node@sha256:0", Numbered: true}, nil
}

// names is a catalog of a few actions.
type names struct {
	mu   sync.Mutex
	have map[entity.Name]*entity.Action // guarded by mu
}

func having(actions ...*entity.Action) *names {
	n := &names{have: map[entity.Name]*entity.Action{}}
	for _, a := range actions {
		n.put(a)
	}
	return n
}

func (n *names) Resolve(_ context.Context, name entity.Name) (catalog.Resolved, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if a := n.have[name]; a != nil {
		return catalog.Resolved{Action: a}, nil
	}
	return catalog.Resolved{}, entity.ErrNotFound
}

func (n *names) Code(context.Context, *entity.Action) (string, error) { return "code", nil }

func (n *names) put(a *entity.Action) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.have[a.Name] = a
}

func (n *names) remove(name entity.Name) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.have, name)
}

func action() *entity.Action {
	a := &entity.Action{
		Name: entity.Name{Namespace: "guest", Package: "Utils", Name: "Say Hello_1"}, Revision: 1, Limits: entity.DefaultLimits(),
		Exec: entity.Exec{Kind: "nodejs:20", CodeID: "c1"}, Version: entity.Version{Major: 0, Minor: 0, Patch: 1},
	}
	return a
}

func message(a *entity.Action) *invoker.Message {
	return &invoker.Message{
		Action: a, Identity: &entity.Identity{Subject: "guest", Namespace: entity.Namespace{Name: "guest", UUID: "u", Key: "k"}},
		ID: entity.ActivationID(strings.Repeat("a", 32)), Transaction: "tid", Args: json.RawMessage(`{"name":"x"}`), Accepted: time.Now(),
		Code: func(context.Context) (string, error) { return "code", nil },
	}
}

func start(t *testing.T, c *cluster, n *names) *knative.Backend {
	t.Helper()
	return startKnowing(t, c, n, nil)
}

func startKnowing(t *testing.T, c *cluster, n *names, actions func(context.Context) ([]entity.Name, error)) *knative.Backend {
	t.Helper()
	return startWith(t, c, n, func(o *knative.Options) { o.Actions = actions })
}

// startWith changes the options; a cluster whose Services have an address of their own has no ingress.
func startWith(t *testing.T, c *cluster, n *names, change func(*knative.Options)) *knative.Backend {
	t.Helper()
	client, err := dynamic.NewForConfig(&rest.Config{Host: c.url, QPS: 1000, Burst: 1000})
	if err != nil {
		t.Fatal(err)
	}
	entry, err := url.Parse(c.url)
	if err != nil {
		t.Fatal(err)
	}
	if c.address != "" {
		entry = nil
	}
	opt := knative.Options{
		Client: client, Namespace: "actions", Owner: "test", Secret: []byte("s"), Catalog: n, Ingress: entry, APIHost: "http://api",
		Images: images{}, Patience: 5 * time.Second,
	}
	change(&opt)
	b := knative.New(opt)
	t.Cleanup(b.Close)
	return b
}

// eventually waits until ok, which is asked after every change.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatal(what)
		}
	}
}
