package apigateway

import (
	"context"
	"encoding/json"
	"strings"
)

// GetAPI is the action getApi: the APIs that a base path or a name stands
// for, those that have a path or an operation, or all. OpenWhisk 7.3.2.
func (g *Gateway) GetAPI(ctx context.Context, call Call) (json.RawMessage, error) {
	m := read(call)
	if m.caller == "" {
		return m.fail("Invalid authentication.")
	}
	tenant := TenantOf(m.caller)
	found, err := g.find(ctx, tenant, m.text("basepath"))
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, a := range m.page(m.filter(found)) {
		out = append(out, map[string]any{"id": "Not Used", "key": "Not Used", "value": g.shown(tenant, a)})
	}
	m.log.Printf("%d APIs of %s", len(out), m.caller)
	return m.succeed(map[string]any{"apis": out})
}

// filter keeps the APIs that have the path and the operation asked for.
func (m message) filter(all []*api) []*api {
	path, verb := m.text("relpath"), strings.ToLower(m.text("operation"))
	if path == "" && verb == "" {
		return all
	}
	var kept []*api
	for _, a := range all {
		if a.Document.has(path, verb) {
			kept = append(kept, a)
		}
	}
	return kept
}

// has reports whether the document has the path, or any if that is "", with
// the operation, or any.
func (d document) has(path, verb string) bool {
	for name, item := range d.object("paths") {
		members, _ := item.(map[string]any)
		if path != "" && name != path {
			continue
		}
		if verb == "" || members[verb] != nil {
			return true
		}
	}
	return false
}

// page applies limit and skip. OpenWhisk's getApi reads neither; a limit of
// 0, which wskdeploy sends, is none, as in the other lists.
func (m message) page(all []*api) []*api {
	skip, _ := m.number("skip")
	all = all[min(max(skip, 0), len(all)):]
	if limit, limited := m.number("limit"); limited && limit > 0 {
		return all[:min(limit, len(all))]
	}
	return all
}

// DeleteAPI is the action deleteApi: it removes an API, one of its paths or
// one operation. OpenWhisk 7.3.3.
func (g *Gateway) DeleteAPI(ctx context.Context, call Call) (json.RawMessage, error) {
	m := read(call)
	baseOrName, path, verb := m.text("basepath"), m.text("relpath"), strings.ToLower(m.text("operation"))
	switch {
	case m.caller == "":
		return m.fail("Invalid authentication.")
	case baseOrName == "":
		return m.fail("basepath is required.")
	case path == "" && verb != "":
		return m.fail("When specifying an operation, the path is required.")
	}
	done, err := g.change(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	if err := g.delete(ctx, TenantOf(m.caller), baseOrName, path, verb); err != nil {
		return g.failed(m, "API deletion failure: ", err)
	}
	return m.succeed(map[string]any{})
}

func (g *Gateway) delete(ctx context.Context, tenant, baseOrName, path, verb string) error {
	found, err := g.find(ctx, tenant, baseOrName)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return refuse("API '%s' does not exist.", baseOrName)
	}
	a := found[0]
	if path == "" {
		return g.remove(ctx, tenant, a)
	}
	if err := a.Document.drop(path, verb); err != nil {
		return err
	}
	if len(a.Document.object("paths")) == 0 {
		return g.remove(ctx, tenant, a)
	}
	return g.write(ctx, tenant, a)
}
