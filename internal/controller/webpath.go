package controller

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/webaction"
)

// path is the escaped path of the request. Below NAMESPACE.WebHost there are
// only the web actions of that namespace; its root is its front page. OpenWhisk
// 1.1.13, 4.8.8.
func (c *Controller) path(r *http.Request) string {
	path := r.URL.EscapedPath()
	namespace, ok := c.vanity(r.Host)
	if !ok {
		return path
	}
	if path == "" || path == "/" {
		path = "/public/index.html"
	}
	return webPath + namespace + path
}

// vanity returns the namespace that a host belongs to.
func (c *Controller) vanity(host string) (namespace string, ok bool) {
	if c.cfg.WebHost == "" {
		return "", false
	}
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	host = strings.TrimSuffix(host, ".")
	cut := len(host) - len(c.cfg.WebHost) - 1
	if cut <= 0 || host[cut] != '.' || !strings.EqualFold(host[cut+1:], c.cfg.WebHost) {
		return "", false
	}
	namespace = host[:cut]
	return namespace, !strings.ContainsFunc(namespace, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
	})
}

// webTarget is what the path of a web action names.
type webTarget struct {
	name      entity.Name
	extension webaction.Extension
	path      string // behind the action, escaped: "" or "/…"
}

// parseWebTarget reports false for a path that names no action. OpenWhisk
// 4.1.1–4.1.5.
func parseWebTarget(rest string) (t webTarget, complete bool) {
	parts := strings.SplitN(rest, "/", 4)
	if len(parts) < 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return t, false
	}
	segment, extension := webaction.SplitExtension(unescapePath(parts[2]))
	t.name = entity.Name{Namespace: unescapePath(parts[0]), Package: unescapePath(parts[1]), Name: segment}
	t.extension = extension
	if t.name.Package == "default" {
		t.name.Package = ""
	}
	if len(parts) == 4 {
		t.path = "/" + parts[3]
	}
	return t, true
}

// unescapePath leaves what is no valid escape as it is; no name holds a '%'.
func unescapePath(segment string) string {
	if out, err := url.PathUnescape(segment); err == nil {
		return out
	}
	return segment
}
