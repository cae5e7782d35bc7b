// Package knative runs actions on a Kubernetes cluster with Knative Serving. Every action is a
// Service of its own, every version of it a Revision; the cluster starts and ends its pods. What the
// pods run is actionproxy, which serves one private form of request for us: arguments in, result and
// logs out.
package knative

import (
	"context"
	"crypto/x509"
	"hash/maphash"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"k8s.io/client-go/dynamic"

	"github.com/gowhisk/gowhisk/internal/catalog"
	"github.com/gowhisk/gowhisk/internal/entity"
)

// Image is what the pods of an action run. It is remembered in the cluster as JSON.
type Image struct {
	Reference string `json:"reference"` // with digest, where the registry told it
	Port      int    `json:"port"`      // 0 for 8080
	// Code is where the action's code is in the image, a file or a folder; empty if the image does
	// not have it: then it travels in a Secret.
	Code   string `json:"code,omitempty"`
	Binary bool   `json:"binary,omitempty"`
	// Numbered: the image names its user by a number that is not root's.
	Numbered bool `json:"numbered,omitempty"`
	// Kind and Main are those that the image was built for by gowhisk, if somebody names it as a container of
	// his own.
	Kind string `json:"kind,omitempty"`
	Main string `json:"main,omitempty"`
}

// Images makes the images of actions. It is called concurrently.
type Images interface {
	// Image returns the one for a version of an action. name and tag are legal parts of a reference
	// and belong to that version alone. An *entity.Error tells what is wrong with the action.
	Image(ctx context.Context, a *entity.Action, code, name, tag string) (Image, error)
}

// Catalog is what the backend asks about actions, as package catalog answers it.
type Catalog interface {
	Resolve(ctx context.Context, name entity.Name) (catalog.Resolved, error)
	Code(ctx context.Context, a *entity.Action) (string, error)
}

// Options say which cluster, and how it is used.
type Options struct {
	Client    dynamic.Interface
	Namespace string // of Kubernetes, that all Services are in
	Owner     string // tells apart several servers in one namespace
	Secret    []byte // from which the keys are derived that pods know us by
	Images    Images
	Catalog   Catalog
	// Actions are the names of all that there are; nil if nobody knows.
	Actions func(ctx context.Context) ([]entity.Name, error)
	// Runtime returns the image of a kind without an action, for stem cells; nil if there are none.
	Runtime func(ctx context.Context, kind string) (Image, error)
	// Lazy tells of namespaces whose actions get their Service with their first invocation.
	Lazy func(namespace string) bool
	// Ingress is where requests enter a cluster that this process is not in; nil if it is.
	Ingress *url.URL
	// Roots are who certifies Services that are reached over HTTPS; nil means the system's.
	Roots *x509.CertPool
	// PullSecret has the credentials of the registries for the nodes; empty for none.
	PullSecret string
	APIHost    string        // what actions see as __OW_API_HOST
	Patience   time.Duration // how long a Service may take to serve; 0 means two minutes
	Logger     *slog.Logger
}

// Backend is an invoker.Invoker.
type Backend struct {
	opt       Options
	cluster   cluster
	services  *services
	secrets   secrets
	client    *http.Client
	flights   singleflight.Group
	queue     names
	plans     plans
	stop      context.CancelFunc
	workers   sync.WaitGroup
	available <-chan struct{} // closed when the first list has come
	readiness *readiness
	cells     *cells
	bridges   *bridges
	life      context.Context //nolint:containedctx // of what runs in the background
}

// workers is how many actions are brought in line at once.
const workers = 4

// New begins to watch the cluster; it does not wait for it. Close ends it.
func New(opt Options) *Backend {
	if opt.Patience == 0 {
		opt.Patience = 2 * time.Minute
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	b := &Backend{opt: opt, services: newServices(), plans: plans{seed: maphash.MakeSeed()}, client: newClient(opt.Ingress, opt.Roots), queue: newNames()}
	b.cluster = cluster{opt.Client, opt.Namespace, opt.Owner, opt.Logger}
	ctx, cancel := context.WithCancel(context.Background())
	b.stop, b.life = cancel, ctx
	b.watch(ctx)
	b.makeBridges()
	for range workers {
		b.workers.Go(func() { b.work(ctx) })
	}
	return b
}

// Close ends what runs in the background. The Services stay.
func (b *Backend) Close() {
	b.stop()
	b.queue.ShutDown()
	b.workers.Wait()
	b.client.CloseIdleConnections()
}

// Changed tells that the action was written or deleted.
func (b *Backend) Changed(name entity.Name) { b.queue.Add(name) }
