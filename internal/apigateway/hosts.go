package apigateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// hostsKind is that of the registry's entries with the names under which a
// tenant has reached this server; their key is the tenant. Documents carry such
// names, and stay good when the server gets another one.
const hostsKind = "api-hosts"

// maxHosts bounds them; the oldest go first.
const maxHosts = 32

// hosts returns the names of this server as a tenant knows it.
func (g *Gateway) hosts(ctx context.Context, tenant string) ([]string, error) {
	known := slices.Clone(g.opt.Hosts)
	body, err := g.opt.Registry.Entry(ctx, hostsKind, tenant)
	if errors.Is(err, entity.ErrNotFound) {
		return known, nil
	}
	var more []string
	if err == nil {
		err = json.Unmarshal(body, &more)
	}
	if err != nil {
		return nil, fmt.Errorf("read names of the server: %w", err)
	}
	return append(known, more...), nil
}

// learnHosts remembers by what names the author of an API reached the server:
// that of the request, and that of the action's URL in e, nil for none. It
// returns all that are known.
func (g *Gateway) learnHosts(ctx context.Context, m message, e *endpoint) ([]string, error) {
	tenant := TenantOf(m.caller)
	known, err := g.hosts(ctx, tenant)
	if err != nil {
		return nil, err
	}
	names := m.requestHosts()
	if e != nil {
		names = append(names, e.server)
	}
	before := len(known)
	for _, name := range names {
		if len(name) <= maxHost && !slices.Contains(known, name) {
			known = append(known, name)
		}
	}
	if len(known) == before {
		return known, nil
	}
	learned := known[len(g.opt.Hosts):]
	body, err := entity.Marshal(learned[max(0, len(learned)-maxHosts):])
	if err != nil {
		return nil, fmt.Errorf("encode names of the server: %w", err)
	}
	if err := g.opt.Registry.PutEntries(ctx, store.Entry{Kind: hostsKind, Key: tenant, Body: body}); err != nil {
		return nil, fmt.Errorf("write names of the server: %w", err)
	}
	g.forget(tenant)
	return known, nil
}

const maxHost = 255 + len(":65535")

// warn tells the author which ways lead nowhere: the gateway opens no
// connections.
func (m message) warn(d document, hosts []string) {
	for _, target := range d.allTargets() {
		if parts := webURL.FindStringSubmatch(target); parts == nil || !slices.Contains(hosts, parts[2]) {
			m.log.Errorf("%s is not a web action of this server: the gateway will not call it", target)
		}
	}
}
