package controller

import (
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/gowhisk/gowhisk/internal/entity"
)

const (
	apiPath = "/api/v1"
	nsPath  = apiPath + "/namespaces/{ns}/"
	maxURL  = 8 << 10 // OpenWhisk 1.2.1
)

// routes lists the whole interface, a line for each file of handlers.
func (c *Controller) routes() {
	c.serviceRoutes()
	c.operatorRoutes()
	c.documentRoutes()
	c.namespaceRoutes()
	c.limitRoutes()
	c.actionRoutes()
	c.packageRoutes()
	c.triggerRoutes()
	c.ruleRoutes()
	c.activationRoutes()
}

// handle registers a handler. Whatever calls the mux hands it an exchange.
func (c *Controller) handle(pattern string, h func(*exchange) error) {
	c.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		x, ok := w.(*exchange)
		if !ok {
			panic("controller: the mux was not handed an exchange")
		}
		x.routed = true
		if err := h(x); err != nil {
			x.fail(err)
		}
	})
}

// collection registers the list of a collection, with and without a slash at
// the end. OpenWhisk 1.6.12.
func (c *Controller) collection(of entity.Collection, list func(*exchange) error) {
	c.handle("GET "+nsPath+string(of), list)
	c.handle("GET "+nsPath+string(of)+"/{$}", list)
}

// below reports whether path is root or lies below it.
func below(path, root string) bool {
	rest, ok := strings.CutPrefix(path, root)
	return ok && (rest == "" || rest[0] == '/')
}

// public reports whether a path below /api/v1 needs no credentials; every
// other one does, whether or not it exists. OpenWhisk 1.3.4, 1.4.7.
func public(path string) bool {
	switch strings.TrimSuffix(strings.TrimPrefix(path, apiPath), "/") {
	case "", "/docs", "/api-docs", "/docs/index.html", "/docs/docs.js", "/docs/docs.css":
		return true
	}
	return false
}

// routable reports whether the mux may see the path: it would redirect empty
// and dot segments. Only a list may end in a slash; a write that does lacks
// the name of its entity. OpenWhisk 1.6.12, 1.8.5.
func routable(method, path string) bool {
	if path == "" || path[0] != '/' {
		return false
	}
	reads := method == http.MethodGet || method == http.MethodHead
	if len(path) > 1 && path[len(path)-1] == '/' && !reads {
		return false
	}
	for rest := path[1:]; rest != ""; {
		segment, after, _ := strings.Cut(rest, "/")
		if segment == "" || segment == "." || segment == ".." {
			return false
		}
		rest = after
	}
	return true
}

// resolveDots takes the dot segments out of a path below the namespaces, as
// the nginx before OpenWhisk's controller does: wskdeploy exports by way of
// …/_/actions/../../NAMESPACE/actions/FEED. It reports whether there is a
// route then; what leaves the namespaces has none.
func (x *exchange) resolveDots() bool {
	const root = apiPath + "/namespaces/"
	given := x.r.URL.EscapedPath()
	clean := path.Clean(given)
	if !strings.HasPrefix(given, root) || !strings.HasPrefix(clean, root) || !strings.Contains(given, "/../") || strings.Contains(given, "//") {
		return false
	}
	decoded, err := url.PathUnescape(clean)
	if err != nil || !routable(x.r.Method, clean) {
		return false
	}
	to := *x.r.URL
	to.Path, to.RawPath = decoded, clean
	x.r = x.r.WithContext(x.r.Context())
	x.r.URL = &to
	return true
}
