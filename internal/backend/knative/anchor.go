package knative

import (
	"context"
	"fmt"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

var configMapResource = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}

// anchorAge is how long an anchor is taken for the one that it was.
const anchorAge = 5 * time.Second

// Anchored returns a client whose objects in the namespace belong to a ConfigMap there: the cluster
// removes them when that is removed, as with the release of a chart. Then nothing is written any more.
func Anchored(client dynamic.Interface, namespace, name string) dynamic.Interface {
	return anchoredClient{client, &anchor{configMaps: client.Resource(configMapResource).Namespace(namespace), name: name, namespace: namespace}}
}

// anchor knows the identity of the ConfigMap, which is another one when it was made anew.
type anchor struct {
	configMaps      dynamic.ResourceInterface
	namespace, name string

	mu   sync.Mutex
	uid  string    // guarded by mu
	seen time.Time // guarded by mu
}

// hold returns a copy of o that belongs to the anchor.
func (a *anchor) hold(ctx context.Context, o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	uid, err := a.identity(ctx)
	if err != nil {
		return nil, err
	}
	held := o.DeepCopy()
	err = unstructured.SetNestedSlice(held.Object, []any{object{"apiVersion": "v1", "kind": "ConfigMap", "name": a.name, "uid": uid}}, "metadata", "ownerReferences")
	if err != nil {
		return nil, fmt.Errorf("let %s belong to the ConfigMap %s: %w", o.GetName(), a.name, err)
	}
	return held, nil
}

func (a *anchor) identity(ctx context.Context) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.uid != "" && time.Since(a.seen) < anchorAge {
		return a.uid, nil
	}
	found, err := a.configMaps.Get(ctx, a.name, metav1.GetOptions{})
	if err != nil {
		return "", fmt.Errorf("find the ConfigMap %s, to which all belongs: %w", a.name, err)
	}
	a.uid, a.seen = string(found.GetUID()), time.Now()
	return a.uid, nil
}

type anchoredClient struct {
	dynamic.Interface
	anchor *anchor
}

func (c anchoredClient) Resource(r schema.GroupVersionResource) dynamic.NamespaceableResourceInterface {
	return anchoredResources{c.Interface.Resource(r), c.anchor}
}

type anchoredResources struct {
	dynamic.NamespaceableResourceInterface
	anchor *anchor
}

func (r anchoredResources) Namespace(namespace string) dynamic.ResourceInterface {
	plain := r.NamespaceableResourceInterface.Namespace(namespace)
	if namespace != r.anchor.namespace {
		return plain
	}
	return anchoredResource{plain, r.anchor}
}

type anchoredResource struct {
	dynamic.ResourceInterface
	anchor *anchor
}

func (r anchoredResource) Apply(ctx context.Context, name string, o *unstructured.Unstructured, options metav1.ApplyOptions, sub ...string) (*unstructured.Unstructured, error) {
	held, err := r.anchor.hold(ctx, o)
	if err != nil {
		return nil, err
	}
	return r.ResourceInterface.Apply(ctx, name, held, options, sub...)
}

func (r anchoredResource) Create(ctx context.Context, o *unstructured.Unstructured, options metav1.CreateOptions, sub ...string) (*unstructured.Unstructured, error) {
	held, err := r.anchor.hold(ctx, o)
	if err != nil {
		return nil, err
	}
	return r.ResourceInterface.Create(ctx, held, options, sub...)
}
