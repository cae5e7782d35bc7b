package apigateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// kind is that of the gateway's entries in the registry; their keys are the
// tenant and the base path.
const kind = "api"

// api is one API of a tenant as it is stored.
type api struct {
	Document document `json:"swagger"`
	basePath string
}

func key(tenant, basePath string) string { return tenant + basePath }

func (a *api) key(tenant string) string { return key(tenant, a.basePath) }

// title is the name of the API.
func (a *api) title() string {
	title, _ := text(a.Document.at("info", "title"))
	return title
}

// normal is a base path as APIs are told apart by: with a slash before it and
// none at its end.
func normal(basePath string) string { return "/" + strings.Trim(basePath, "/") }

// find returns the APIs that a base path or a name stands for, all of them
// for "", by base path.
func (g *Gateway) find(ctx context.Context, tenant, baseOrName string) ([]*api, error) {
	if strings.HasPrefix(baseOrName, "/") {
		a, err := g.read(ctx, tenant, normal(baseOrName))
		if err != nil || a == nil {
			return nil, err
		}
		return []*api{a}, nil
	}
	all, err := g.list(ctx, tenant)
	if err != nil || baseOrName == "" {
		return all, err
	}
	var named []*api
	for _, a := range all {
		if a.title() == baseOrName {
			named = append(named, a)
		}
	}
	return named, nil
}

// read returns nil if there is no such API.
func (g *Gateway) read(ctx context.Context, tenant, basePath string) (*api, error) {
	body, err := g.opt.Registry.Entry(ctx, kind, key(tenant, basePath))
	if errors.Is(err, entity.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read API %s: %w", basePath, err)
	}
	return decodeAPI(basePath, body)
}

func (g *Gateway) list(ctx context.Context, tenant string) ([]*api, error) {
	var all []*api
	err := g.opt.Registry.Entries(ctx, kind, tenant+"/", func(e store.Entry) error {
		a, err := decodeAPI(strings.TrimPrefix(e.Key, tenant), e.Body)
		if err != nil {
			g.opt.Logger.Error("API cannot be read", "key", e.Key, "error", err)
			return nil // the others can
		}
		all = append(all, a)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list APIs of %s: %w", tenant, err)
	}
	return all, nil
}

func decodeAPI(basePath string, body []byte) (*api, error) {
	var stored struct {
		Document json.RawMessage `json:"swagger"`
	}
	if err := json.Unmarshal(body, &stored); err != nil {
		return nil, entity.ErrCorrupted.Because(fmt.Errorf("decode API %s: %w", basePath, err))
	}
	doc, err := decode(stored.Document)
	if err != nil {
		return nil, entity.ErrCorrupted.Because(fmt.Errorf("decode API %s: %w", basePath, err))
	}
	members, _ := doc.(map[string]any)
	return &api{Document: members, basePath: basePath}, nil
}

// write stores the API; its routes are served from then on.
func (g *Gateway) write(ctx context.Context, tenant string, a *api) error {
	body, err := entity.Marshal(a)
	if err != nil {
		return fmt.Errorf("encode API %s: %w", a.basePath, err)
	}
	if len(body) > maxDocument {
		return refuse("The API is larger than allowed: %d > %d bytes.", len(body), maxDocument)
	}
	defer g.forget(tenant)
	if err := g.opt.Registry.PutEntries(ctx, store.Entry{Kind: kind, Key: a.key(tenant), Body: body}); err != nil {
		return fmt.Errorf("write API %s: %w", a.basePath, err)
	}
	return nil
}

func (g *Gateway) remove(ctx context.Context, tenant string, a *api) error {
	defer g.forget(tenant)
	if err := g.opt.Registry.DeleteEntries(ctx, kind, a.key(tenant)); err != nil {
		return fmt.Errorf("delete API %s: %w", a.basePath, err)
	}
	return nil
}
