// Package webaction is the part of web actions that needs no platform: what
// of an HTTP request becomes the arguments of an action, and how its result
// becomes an HTTP response. It keeps nothing and knows neither namespaces nor
// activations, so that the controller and the proxy inside an image share it.
package webaction

// The annotations of an action that say how it is served. All but the last are
// booleans. OpenWhisk 2.4.3.
const (
	AnnotationExport        = "web-export"         // reachable at all
	AnnotationRaw           = "raw-http"           // see Arguments
	AnnotationCustomOptions = "web-custom-options" // answers OPTIONS itself
	AnnotationAuth          = "require-whisk-auth" // see Authorized
)
