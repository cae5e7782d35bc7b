// Package apigateway publishes web actions under paths of the user's choice:
// it keeps swagger documents, answers the actions of /whisk.system/apimgmt
// with which `wsk api` writes and reads them, and routes
// /api/<tenant>/<base path>/<path> to the web actions that they name. It is
// OpenWhisk's API gateway without a process, a network hop or a database of
// its own. OpenWhisk 7.
package apigateway

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/gowhisk/gowhisk/internal/store"
)

// maxTenants bounds whose routes are remembered.
const maxTenants = 1000

// Options wires a Gateway; all fields but Logger are required.
type Options struct {
	Registry store.Registry
	Web      http.Handler // serves /api/v1/web
	URL      string       // of the server, without a slash at the end
	Hosts    []string     // other names of the server, as in a URL, with the port
	Logger   *slog.Logger
}

// Gateway keeps and serves APIs. It is safe for concurrent use and owns the
// entries of its kind in the registry.
type Gateway struct {
	opt Options

	changing chan struct{} // holds one token while an API is read, changed and written

	mu      sync.RWMutex
	tenants map[string]*node // guarded by mu: routes by tenant
	changes uint64           // guarded by mu: counts what was forgotten
}

// New returns the gateway over the APIs in the registry.
func New(o Options) *Gateway {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	_, host, _ := strings.Cut(o.URL, "://")
	o.Hosts = append(slices.Clone(o.Hosts), host)
	return &Gateway{opt: o, changing: make(chan struct{}, 1), tenants: map[string]*node{}}
}

// TenantOf returns the name under which the APIs of a namespace are served. It
// looks like the identifiers of other gateways, tells nothing of the
// namespace's key, and never changes.
func TenantOf(namespace string) string {
	sum := sha256.Sum256([]byte("api/" + namespace))
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// managedURL is where an API is served.
func (g *Gateway) managedURL(tenant, basePath string) string {
	return g.opt.URL + "/api/" + tenant + strings.TrimSuffix(basePath, "/")
}

// change lets nobody else change an API until done is called. It waits no
// longer than ctx.
func (g *Gateway) change(ctx context.Context) (done func(), err error) {
	select {
	case g.changing <- struct{}{}:
		return func() { <-g.changing }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait to change an API: %w", ctx.Err())
	}
}
