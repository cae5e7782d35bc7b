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
	g.changing.Lock()
	defer g.changing.Unlock()
	a, err := g.planned(ctx, m, doc, swagger)
	if err == nil {
		err = a.Document.check()
	}
	if err == nil {
		g.claimHosts(m, a)
		err = g.write(ctx, TenantOf(m.caller), a)
	}
	if err != nil {
		return g.failed(m, "API creation failure: ", err)
	}
	m.log.Printf("API %s of %s is served", a.basePath, m.caller)
	return m.succeed(g.shown(TenantOf(m.caller), a))
}

// failed reports a refusal to the author of the API; all else is the
// platform's failure.
func (g *Gateway) failed(m message, doing string, err error) (json.RawMessage, error) {
	if refused, ok := err.(*refusal); ok { //nolint:errorlint // made by this package, never wrapped
		return m.fail(doing + refused.text)
	}
	return nil, err
}

// planned is the API as it shall be.
func (g *Gateway) planned(ctx context.Context, m message, doc, swagger document) (*api, error) {
	tenant := TenantOf(m.caller)
	if swagger != nil {
		basePath, ok := text(swagger["basePath"])
		if !ok {
			return nil, refuse("swagger is missing the basePath field.")
		}
		return g.replacement(ctx, tenant, normal(basePath), swagger)
	}
	e, err := m.endpoint(doc)
	if err != nil {
		return nil, err
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

// replacement is the API that a swagger document becomes. It knows the server
// by the names under which the one before it did.
func (g *Gateway) replacement(ctx context.Context, tenant, basePath string, swagger document) (*api, error) {
	out := &api{Document: swagger, basePath: basePath}
	old, err := g.read(ctx, tenant, basePath)
	if err == nil && old != nil {
		out.Hosts = old.Hosts
	}
	return out, err
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
	scheme, _, _ := strings.Cut(url, "://")
	e := &endpoint{
		path: path, verb: strings.ToLower(verb), scheme: scheme, server: parts[1], responseType: "json",
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

// claimHosts remembers which servers in the document are this one, by the
// names that it has now: that by which the client reached it is one.
func (g *Gateway) claimHosts(m message, a *api) {
	own := append(slices.Clone(g.opt.Hosts), m.requestHost())
	for _, target := range a.Document.allTargets() {
		parts := webURL.FindStringSubmatch(target)
		switch {
		case parts == nil || !slices.Contains(own, parts[1]) && !slices.Contains(a.Hosts, parts[1]):
			m.log.Errorf("%s is not a web action of this server: the gateway will not call it", target)
		case !slices.Contains(a.Hosts, parts[1]):
			a.Hosts = append(a.Hosts, parts[1])
		}
	}
	slices.Sort(a.Hosts)
}

// shown is an API as clients read it. OpenWhisk 7.3.1.
func (g *Gateway) shown(tenant string, a *api) map[string]any {
	return map[string]any{
		"namespace": "Not Used", "gwApiActivated": true, "tenantId": "Not Used",
		"gwApiUrl": g.managedURL(tenant, a.basePath), "apidoc": map[string]any(a.Document),
	}
}
