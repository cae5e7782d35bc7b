package knative

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// cluster is the namespace of a cluster in which our objects are.
type cluster struct {
	client    dynamic.Interface
	namespace string
	owner     string
	logger    *slog.Logger
}

// ours is how we write: fields that others have set otherwise become ours.
var ours = metav1.ApplyOptions{FieldManager: manager, Force: true}

func (c cluster) resource(r schema.GroupVersionResource) dynamic.ResourceInterface {
	return c.client.Resource(r).Namespace(c.namespace)
}

// selector finds what is ours.
func (c cluster) selector() string {
	return labelManager + "=" + manager + "," + labelOwner + "=" + c.owner
}

// apply creates an object, or makes it what it should be, and returns it as it is then.
func (c cluster) apply(ctx context.Context, r schema.GroupVersionResource, o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	applied, err := c.resource(r).Apply(ctx, o.GetName(), o, ours)
	if err != nil {
		return nil, fmt.Errorf("apply the %s %s: %w", o.GetKind(), o.GetName(), judge(err))
	}
	return applied, nil
}

// delete removes an object, which may be gone already.
func (c cluster) delete(ctx context.Context, r schema.GroupVersionResource, kind, name string) error {
	err := c.resource(r).Delete(ctx, name, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete the %s %s: %w", kind, name, err)
	}
	return nil
}

// watch has see called with each of our objects of a resource, and again when it changed, and miss when
// it is gone, until ctx ends; group waits for that. It returns what is closed when all that there were
// have been seen.
func (c cluster) watch(ctx context.Context, group *sync.WaitGroup, r schema.GroupVersionResource, see, miss func(*unstructured.Unstructured)) <-chan struct{} {
	source := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.LabelSelector = c.selector()
			return c.resource(r).List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.LabelSelector = c.selector()
			return c.resource(r).Watch(ctx, o)
		},
	}
	seen := make(chan struct{})
	informer := cache.NewSharedIndexInformer(source, &unstructured.Unstructured{}, 0, cache.Indexers{})
	registration, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { told(o, see) },
		UpdateFunc: func(_, o any) { told(o, see) },
		DeleteFunc: func(o any) { told(o, miss) },
	})
	if err == nil {
		err = informer.SetTransform(slim)
	}
	if err == nil {
		err = informer.SetWatchErrorHandler(func(_ *cache.Reflector, err error) {
			c.logger.Warn("the cluster cannot be watched, which is tried again", "resource", r.Resource, "error", err)
		})
	}
	if err != nil { // only of an informer that runs already
		c.logger.Error("watch the cluster", "resource", r.Resource, "error", err)
		return seen
	}
	group.Go(func() { informer.Run(ctx.Done()) })
	group.Go(func() {
		if cache.WaitForCacheSync(ctx.Done(), registration.HasSynced) {
			close(seen)
		}
	})
	return seen
}

// slim drops what is not asked for and may be large, or is nobody's business: what Secrets hold.
func slim(o any) (any, error) {
	if u, ok := o.(*unstructured.Unstructured); ok {
		unstructured.RemoveNestedField(u.Object, "data")
		u.SetManagedFields(nil)
	}
	return o, nil
}

// told gives an object that an informer tells of to f.
func told(o any, f func(*unstructured.Unstructured)) {
	if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = gone.Obj
	}
	if u, ok := o.(*unstructured.Unstructured); ok {
		f(u)
	}
}

// names is what waits to be brought in line with the catalog.
type names = workqueue.TypedRateLimitingInterface[entity.Name]

func newNames() names {
	return workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[entity.Name](time.Second, time.Minute))
}

// work brings entities, which noun calls, in line one after the other, until the queue is shut down.
// What the cluster refuses is tried again when it is written anew.
func (c cluster) work(ctx context.Context, queue names, noun string, reconcile func(context.Context, entity.Name) error) {
	for {
		name, down := queue.Get()
		if down {
			return
		}
		err := reconcile(ctx, name)
		queue.Done(name)
		var wrong refusal
		switch {
		case err == nil:
			queue.Forget(name)
		case ctx.Err() != nil:
			return
		case errors.As(err, &wrong) || entity.KindOf(err) != entity.Internal:
			c.logger.Warn("the cluster does not take what was written", noun, name.String(), "error", err)
			queue.Forget(name)
		default:
			c.logger.Warn("the cluster could not be brought in line, which is tried again", noun, name.String(), "error", err)
			queue.AddRateLimited(name)
		}
	}
}
