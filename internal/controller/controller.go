// Package controller is OpenWhisk's REST interface: it decodes requests,
// asks the packages below, and renders what they answer. It decides nothing.
// Every collection has its own file, errors become responses in error.go
// alone, and the path of an invocation reads top to bottom in invoke.go.
package controller

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/gowhisk/gowhisk/internal/catalog"
	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoke"
	"github.com/gowhisk/gowhisk/internal/manifest"
	"github.com/gowhisk/gowhisk/internal/store"
	"github.com/gowhisk/gowhisk/internal/webaction"
)

// Authenticator tells who sent an Authorization header. Errors: kind
// Unauthorized.
type Authenticator interface {
	Identify(ctx context.Context, authorization string) (*entity.Identity, error)

	// OfNamespace returns who the web actions of a namespace run as. Errors:
	// entity.ErrNotFound.
	OfNamespace(ctx context.Context, name string) (*entity.Identity, error)
}

// Invoker accepts activations; invoke.Service is one. The end of ctx, which is
// also a client that hangs up, ends the wait, never the activation.
type Invoker interface {
	Invoke(ctx context.Context, req invoke.Request) (invoke.Outcome, error)
}

// Activations is what the controller reads of store.Activations.
type Activations interface {
	Get(ctx context.Context, namespace string, id entity.ActivationID) (*entity.Activation, error)
	List(ctx context.Context, q store.ActivationQuery) ([]*entity.Activation, error)
	Count(ctx context.Context, q store.ActivationQuery) (int, error)
}

// Health tells how the invokers are: by name "invoker0/0", one of "up",
// "down", "unhealthy", "unresponsive". OpenWhisk 1.1.10.
type Health interface {
	Invokers(ctx context.Context) map[string]string
}

// Observer is told of every answered request. route is the pattern that
// matched, "" if none did, so its values are few.
type Observer interface {
	Request(route, method string, status int, took time.Duration)
}

// Build is what GET /api/v1 says of the program.
type Build struct {
	Date   string
	Number string
}

// Config holds what a controller needs. Health, Metrics and Observer may be
// nil; everything else is required.
type Config struct {
	Auth        Authenticator
	Entitlement *entitlement.Entitlement
	Catalog     *catalog.Catalog
	Manifest    func(context.Context) (*manifest.Manifest, error) // may wait until it is known
	Invoker     Invoker
	Firer       Firer
	Activations Activations
	Health      Health
	Metrics     http.Handler // served at /metrics
	Observer    Observer
	Logger      *slog.Logger
	Now         func() time.Time
	Build       Build
	WebHost     string // NAMESPACE.WebHost serves the web actions of a namespace; empty for none
	// Placement returns annotations that a reader of the action sees beside its own; may be nil.
	Placement func(*entity.Action) entity.Parameters
}

// Controller serves the REST interface; make one with New.
type Controller struct {
	cfg         Config
	mux         *http.ServeMux
	apiCORS     http.Header // of every answer below /api/v1
	serviceCORS http.Header // of every other answer
	uploads     *places     // of large bodies
	reads       *places     // of stored code
}

// New returns the handler of the REST interface. The server around it should
// allow at least 16 KiB of request headers, so that an overlong URL gets the
// answer of this interface.
func New(cfg Config) (*Controller, error) {
	c := &Controller{
		cfg: cfg, mux: http.NewServeMux(), uploads: newPlaces(maxLargeBodies), reads: newPlaces(maxCodeReads),
		apiCORS: cors("GET, DELETE, POST, PUT, HEAD"), serviceCORS: cors("OPTIONS, GET, POST"),
	}
	c.routes()
	return c, nil
}

// ServeHTTP answers one request, whatever its handler does.
func (c *Controller) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{ResponseWriter: w, c: c, r: r, tid: webaction.TransactionID(r.Header), began: c.cfg.Now()}
	defer x.finish()
	if err := c.serve(x); err != nil {
		x.fail(err)
	}
}

// serve authenticates and routes.
func (c *Controller) serve(x *exchange) (err error) {
	x.Header()["X-Request-Id"] = []string{x.tid}
	path := c.path(x.r)
	api := below(path, apiPath)
	if api {
		maps.Copy(x.Header(), c.apiCORS)
	} else {
		maps.Copy(x.Header(), c.serviceCORS)
	}
	if len(x.r.RequestURI) > maxURL {
		return errURLTooLong
	}
	if err := x.limitBody(); err != nil {
		return err
	}
	if rest, ok := strings.CutPrefix(path, webPath); ok {
		return c.web(x, rest)
	}
	if x.r.Method == http.MethodOptions {
		return x.send(http.StatusOK, textPlain, []byte("OK"))
	}
	if api && !public(path) {
		if x.id, err = c.cfg.Auth.Identify(x.r.Context(), x.r.Header.Get("Authorization")); err != nil {
			return err
		}
	}
	if !routable(x.r.Method, path) && !x.resolveDots() {
		return errNoRoute
	}
	x.inMux = true
	c.mux.ServeHTTP(x, x.r)
	return nil
}
