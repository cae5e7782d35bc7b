package controller

import (
	"embed"
	"net/http"
)

// documents are the description of the API and the page that shows it.
//
//go:embed apiv1.json docs
var documents embed.FS

// documentRoutes serve what the interface says of itself. OpenWhisk 1.1.8.
func (c *Controller) documentRoutes() {
	c.document("/api-docs", "apiv1.json", applicationJSON)
	c.document(apiPath+"/api-docs", "apiv1.json", applicationJSON)
	c.document(apiPath+"/docs/index.html", "docs/index.html", "text/html; charset=UTF-8")
	c.document(apiPath+"/docs/docs.js", "docs/docs.js", "text/javascript; charset=UTF-8")
	c.document(apiPath+"/docs/docs.css", "docs/docs.css", "text/css; charset=UTF-8")
	for _, path := range []string{apiPath + "/docs", apiPath + "/docs/{$}"} {
		c.handle("GET "+path, func(x *exchange) error {
			x.Header().Set("Location", "docs/index.html?url="+apiPath+"/api-docs") // relative to /api/v1/
			return x.send(http.StatusPermanentRedirect, textPlain)
		})
	}
}

func (c *Controller) document(path, file, contentType string) {
	c.handle("GET "+path, func(x *exchange) error {
		body, err := documents.ReadFile(file)
		if err != nil {
			return err
		}
		x.Header().Set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'")
		x.Header().Set("X-Content-Type-Options", "nosniff")
		return x.send(http.StatusOK, contentType, body)
	})
}
