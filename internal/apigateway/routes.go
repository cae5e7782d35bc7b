package apigateway

import "context"

// routes returns the tree of a tenant's paths.
func (g *Gateway) routes(ctx context.Context, tenant string) (*node, error) {
	g.mu.RLock()
	tree, changes := g.tenants[tenant], g.changes
	g.mu.RUnlock()
	if tree != nil {
		return tree, nil
	}
	all, err := g.list(ctx, tenant)
	if err != nil || len(all) == 0 {
		return &node{}, err
	}
	hosts, err := g.hosts(ctx, tenant)
	if err != nil {
		return nil, err
	}
	tree = compile(all, hosts)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.changes == changes { // else what was read may be old already
		if len(g.tenants) >= maxTenants {
			clear(g.tenants)
		}
		g.tenants[tenant] = tree
	}
	return tree, nil
}

func (g *Gateway) forget(tenant string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.tenants, tenant)
	g.changes++
}
