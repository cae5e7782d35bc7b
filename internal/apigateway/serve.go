package apigateway

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
)

// prefix is that of the paths that the gateway serves; a tenant follows.
const prefix = "/api/"

// Serves reports whether a request's path is the gateway's: below /api, but
// not an interface's version such as /api/v1.
func Serves(path string) bool {
	rest, ok := strings.CutPrefix(path, prefix)
	tenant, _, _ := strings.Cut(rest, "/")
	return ok && len(tenant) == len("00000000-0000-0000-0000-000000000000") && strings.Count(tenant, "-") == 4
}

// ServeHTTP calls the web action that the API has for the path. Its own
// answers are those of OpenWhisk's gateway: status and message as JSON.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := limitBody(w, r); err != nil {
		g.opt.Logger.Debug("request is given up", "error", err)
		return
	}
	escaped := r.URL.EscapedPath()
	tenant, rest, _ := strings.Cut(strings.TrimPrefix(escaped, prefix), "/")
	way, ok := requestSegments(rest)
	if !ok {
		answer(w, http.StatusNotFound, fault.APIPath, "Not found.")
		return
	}
	tree, err := g.routes(r.Context(), tenant)
	if err != nil {
		g.opt.Logger.Error("APIs cannot be read", "tenant", tenant, "error", err)
		answer(w, http.StatusInternalServerError, fault.InternalServerError, "Oops. Something went wrong. Check your URI and try again.")
		return
	}
	route, length := tree.match(way)
	if route == nil {
		answer(w, http.StatusNotFound, fault.APIPath, "Not found.")
		return
	}
	w = route.answering(w, r)
	if route.answersPreflight(r) {
		preflight(w, r)
		return
	}
	g.call(w, r, route, rest, length)
}

// call hands the request to the operation's web action.
func (g *Gateway) call(w http.ResponseWriter, r *http.Request, route *route, rest string, length int) {
	operation := route.operations[r.Method]
	switch {
	case operation == nil:
		answer(w, http.StatusNotFound, fault.APIVerb, "Whoops. Verb not supported.")
	case operation.path == "":
		answer(w, http.StatusBadGateway, fault.APITarget, "The backend of this path is not a web action of this server.")
	default:
		g.opt.Web.ServeHTTP(w, operation.request(r, rest, length))
	}
}

// request is what the web action is asked. rest is the path below the tenant,
// of which the API's own path has length segments.
func (b *backend) request(r *http.Request, rest string, length int) *http.Request {
	path := b.path
	if b.full {
		path += "/" + strings.Trim(rest, "/")
	} else if behind := segments(rest)[length:]; len(behind) > 0 {
		path += "/" + strings.Join(behind, "/")
	}
	out := r.Clone(r.Context())
	out.URL.RawPath, out.RequestURI = path, path
	if decoded, err := url.PathUnescape(path); err == nil { // it was decoded before
		out.URL.Path = decoded
	}
	if r.URL.RawQuery != "" {
		out.RequestURI += "?" + r.URL.RawQuery
	}
	for _, header := range r.Header.Values("Connection") {
		for name := range strings.SplitSeq(header, ",") {
			out.Header.Del(strings.TrimSpace(name))
		}
	}
	maps.DeleteFunc(out.Header, func(name string, _ []string) bool { return ofConnection(name) })
	out.Header.Set("X-Forwarded-Url", forwardedURL(r))
	maps.Copy(out.Header, b.headers)
	if b.method != "" {
		out.Method = b.method
	}
	return out
}

// limitBody bounds the time that a body may take which nobody reads: the server
// reads what is left of it before it sends an answer. The handler of web
// actions sets its own bound.
func limitBody(w http.ResponseWriter, r *http.Request) error {
	if r.ContentLength == 0 {
		return nil
	}
	err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("set read deadline: %w", err)
	}
	return nil
}

const bodyTimeout = 30 * time.Second

// forwardedURL is what the client asked for.
func forwardedURL(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host + r.URL.RequestURI()
}

// answer is one of the gateway's own; code is that of the fault.
func answer(w http.ResponseWriter, status int, code, message string) {
	body := entity.AppendString([]byte(`{"status":`+strconv.Itoa(status)+`,"message":`), "Error: "+message)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-Gowhisk-Error", code)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)+2))
	w.WriteHeader(status)
	_, _ = w.Write(append(body, "}\n"...)) // a client that is gone is told nothing
}
