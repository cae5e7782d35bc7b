package apigateway

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// backend is the web action behind an operation.
type backend struct {
	path    string      // of the action below the server, escaped; "" if it is none of this server's
	full    bool        // the request's whole path follows, not only what is behind the API's
	method  string      // "" for that of the request
	headers http.Header // set over those of the request
}

// backends are those of one API.
type backends struct {
	byOperation map[string]*backend
	all         *backend // of operations that have none of their own, nil if there is none
	hosts       []string // names of this server
}

// webURL is the URL of a web action: scheme, server, namespace, package,
// action with extension, and what follows. wskdeploy and the Serverless
// Framework's plugin put https:// before an API host that has its own scheme.
var webURL = regexp.MustCompile(`^(?:https://)?(https?)://([^/?#]+)/api/v1/web/([^/?#]+)/([^/?#]+)/([^/?#$]+)(/[^?#$]*)?(\$\(request\.path\))?$`)

// backendsOf reads where the operations of a document lead.
func backendsOf(d document, hosts []string) *backends {
	out := &backends{byOperation: map[string]*backend{}, hosts: hosts}
	common := http.Header{}
	for _, step := range list(d.configuration().at("assembly", "execute")) {
		setHeaders(common, step)
		if target, ok := text(step.at("invoke", "target-url")); ok {
			out.all = out.backend(target, step.at("invoke", "verb"), common)
		}
	}
	for _, c := range d.cases() {
		headers := common.Clone()
		var found *backend
		for _, step := range list(c["execute"]) {
			setHeaders(headers, step)
			if target, ok := text(step.at("invoke", "target-url")); ok {
				found = out.backend(target, step.at("invoke", "verb"), headers)
			}
		}
		operations, _ := c["operations"].([]any)
		for _, operation := range operations {
			if id, ok := text(operation); ok && found != nil {
				out.byOperation[id] = found
			}
		}
	}
	return out
}

// of returns the backend of an operation; one that no case names is led to the
// action that it carries itself.
func (b *backends) of(operation any) *backend {
	members, _ := operation.(map[string]any)
	id, _ := text(members["operationId"])
	if found := b.byOperation[id]; found != nil {
		return found
	}
	if b.all != nil {
		return b.all
	}
	target, _ := text(document(members).at("x-openwhisk", "url"))
	return b.backend(target, nil, http.Header{})
}

// backend reads a target. One that is no web action of this server is never
// called: the gateway opens no connections.
func (b *backends) backend(target string, verb any, headers http.Header) *backend {
	out := &backend{headers: headers}
	if v, ok := text(verb); ok && isVerb(v) {
		out.method = strings.ToUpper(v)
	}
	parts := webURL.FindStringSubmatch(target)
	if parts == nil || !slices.Contains(b.hosts, parts[2]) {
		return out
	}
	path := "/api/v1/web"
	for _, segment := range append(parts[3:6:6], segments(parts[6])...) {
		decoded, err := url.PathUnescape(segment)
		if err != nil || decoded == "." || decoded == ".." {
			return out
		}
		path += "/" + url.PathEscape(decoded)
	}
	out.path, out.full = path, parts[7] != ""
	return out
}

// What may stand in a header.
var (
	headerName  = regexp.MustCompile("^[-!#$%&'*+.^_`|~0-9A-Za-z]+$")
	headerValue = regexp.MustCompile(`^[\t\x20-\x7e\x80-\x{10ffff}]*$`)
)

// setHeaders adds the headers that a step sets. OpenWhisk 7.3.4.
func setHeaders(headers http.Header, step document) {
	for _, set := range list(step.at("set-variable", "actions")) {
		variable, _ := text(set["set"])
		name, ok := strings.CutPrefix(variable, "message.headers.")
		value, isText := text(set["value"])
		if number, isNumber := set["value"].(json.Number); isNumber {
			value, isText = number.String(), true
		}
		if ok && isText && headerName.MatchString(name) && headerValue.MatchString(value) && !ofConnection(name) {
			headers.Set(name, value)
		}
	}
}

// ofConnection reports whether a header is about the connection or its peer,
// and so not to be passed on or set.
func ofConnection(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization",
		"Te", "Trailer", "Transfer-Encoding", "Upgrade", "Host", "Content-Length":
		return true
	}
	return false
}
