package controller

import (
	"net/http"
	"strings"
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
