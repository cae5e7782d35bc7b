package apigateway

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
)

// CreateAPI is the action createApi: it adds an endpoint to an API, or
// replaces the whole of it by a swagger document. OpenWhisk 7.3.1, 7.3.5.
func (g *Gateway) CreateAPI(ctx context.Context, call Call) (json.RawMessage, error) {
	m := read(call)
	doc, swagger, refused := m.apidoc()
	if refused != "" {
		return m.fail(refused)
	}
	a, err := g.create(ctx, m, doc, swagger)
	if err != nil {
		return g.failed(m, "API creation failure: ", err)
	}
	m.log.Printf("API %s of %s is served", a.basePath, m.caller)
	return m.succeed(g.shown(TenantOf(m.caller), a))
}

// create stores what the author asks for.
func (g *Gateway) create(ctx context.Context, m message, doc, swagger document) (*api, error) {
	var e *endpoint
	if swagger == nil {
		var err error
		if e, err = m.endpoint(doc); err != nil {
			return nil, err
		}
	}
	done, err := g.change(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	a, err := g.planned(ctx, TenantOf(m.caller), doc, swagger, e)
	if err != nil {
		return nil, err
	}
	if err := a.Document.check(); err != nil {
		return nil, err
	}
	hosts, err := g.learnHosts(ctx, m, e)
	if err != nil {
		return nil, err
	}
	m.warn(a.Document, hosts)
	return a, g.write(ctx, TenantOf(m.caller), a)
}

// failed reports a refusal to the author of the API; all else is the
// platform's failure.
func (g *Gateway) failed(m message, doing string, err error) (json.RawMessage, error) {
	if refused, ok := err.(*refusal); ok { //nolint:errorlint // made by this package, never wrapped
		return m.fail(doing + refused.text)
	}
	return nil, err
}

// planned is the API as it shall be: the swagger document, or what there is
// with the endpoint e.
func (g *Gateway) planned(ctx context.Context, tenant string, doc, swagger document, e *endpoint) (*api, error) {
	if swagger != nil {
		basePath, ok := text(swagger["basePath"])
		if !ok {
			return nil, refuse("swagger is missing the basePath field.")
		}
		return &api{Document: swagger, basePath: normal(basePath)}, nil
	}
	baseOrName, _ := text(doc["gatewayBasePath"])
	found, err := g.find(ctx, tenant, baseOrName)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		if !strings.HasPrefix(baseOrName, "/") {
			return nil, refuse("API '%s' does not exist.", baseOrName)
		}
		name, _ := text(doc["apiName"])
		found = []*api{{Document: newDocument(baseOrName, name), basePath: normal(baseOrName)}}
	}
	found[0].Document.add(e)
	return found[0], nil
}

// endpoint reads what to add. OpenWhisk 7.2.2.
func (m message) endpoint(doc document) (*endpoint, error) {
	path, okPath := text(doc["gatewayPath"])
	verb, okVerb := text(doc["gatewayMethod"])
	name, okName := text(doc.at("action", "name"))
	namespace, okNamespace := text(doc.at("action", "namespace"))
	url, okURL := text(doc.at("action", "backendUrl"))
	if !okPath || !okVerb || !okName || !okNamespace || !okURL {
		return nil, refuse("API swagger generation error: gatewayPath, gatewayMethod and the members of action must be strings.")
	}
	if namespace == "_" {
		namespace = m.caller
	}
	parts := webURL.FindStringSubmatch(url)
	if parts == nil {
		return nil, refuse("API swagger generation error: '%s' is not the URL of a web action.", url)
	}
	e := &endpoint{
		path: path, verb: strings.ToLower(verb), scheme: parts[1], server: parts[2], responseType: "json",
		parameters: doc["pathParameters"],
	}
	if kind := m.text("responsetype"); kind != "" {
		e.responseType = kind
	}
	if !slices.Contains([]string{"json", "http", "text", "html", "svg"}, e.responseType) {
		return nil, refuse("'%s' is not a response type. Valid values are: json, http, text, html, svg.", e.responseType)
	}
	if secure := doc.at("action", "secureKey"); given(secure) && secure != true {
		e.secureKey = secure
	}
	e.action = named(name, namespace)
	if e.action.name == "" || strings.ContainsAny(e.action.namespace+e.action.pkg+e.action.name, "/?#$%") {
		return nil, refuse("API swagger generation error: '%s' is not the name of an action.", name)
	}
	return e, nil
}

// named reads "name", "pkg/name" or "/ns/pkg/name".
func named(name, namespace string) action {
	parts := strings.Split(strings.TrimPrefix(name, "/"), "/")
	switch len(parts) {
	case 1:
		return action{namespace, "", parts[0]}
	case 2:
		return action{namespace, parts[0], parts[1]}
	case 3:
		return action{namespace, parts[1], parts[2]}
	}
	return action{}
}

// shown is an API as clients read it. OpenWhisk 7.3.1.
func (g *Gateway) shown(tenant string, a *api) map[string]any {
	return map[string]any{
		"namespace": "Not Used", "gwApiActivated": true, "tenantId": "Not Used",
		"gwApiUrl": g.managedURL(tenant, a.basePath), "apidoc": map[string]any(a.Document),
	}
}
