package server

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"strings"

	"github.com/gowhisk/gowhisk/internal/apigateway"
	"github.com/gowhisk/gowhisk/internal/backend/builtin"
	"github.com/gowhisk/gowhisk/internal/feed/webhook"
)

// makeGateway makes the API gateway. It hands its calls to the controller as
// if they came from outside.
func (p *platform) makeGateway(log *slog.Logger) {
	_, actionHost, _ := strings.Cut(p.actionURL, "://")
	p.gateway = apigateway.New(apigateway.Options{
		Registry: p.db.Registry(),
		Web:      http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.api.ServeHTTP(w, r) }),
		URL:      p.url,
		Hosts:    []string{actionHost},
		Logger:   log,
	})
}

// functions are what the actions of kind builtin do, by the name in their
// member main.
func (p *platform) functions() map[string]builtin.Function {
	functions := p.feeds.functions()
	maps.Copy(functions, map[string]builtin.Function{
		"apimgmt/createApi": onAPIs(p.gateway.CreateAPI),
		"apimgmt/getApi":    onAPIs(p.gateway.GetAPI),
		"apimgmt/deleteApi": onAPIs(p.gateway.DeleteAPI),
	})
	return functions
}

// onAPIs makes a function of an action of the gateway.
func onAPIs(do func(context.Context, apigateway.Call) (json.RawMessage, error)) builtin.Function {
	return func(ctx context.Context, call *builtin.Call) (json.RawMessage, error) {
		return do(ctx, apigateway.Call{Identity: call.Identity, Args: call.Args, Log: call.Log})
	}
}

// handler serves everything that has a URL. Below webHost there are web actions
// only.
func (p *platform) handler(webHost string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if apigateway.Serves(r.URL.Path) && !isBelow(r.Host, webHost) {
			p.gateway.ServeHTTP(w, r)
			return
		}
		if strings.HasPrefix(r.URL.Path, webhook.Prefix) && !isBelow(r.Host, webHost) {
			p.feeds.webhooks.ServeHTTP(w, r)
			return
		}
		if strings.HasPrefix(r.URL.Path, clusterPrefix) && !isBelow(r.Host, webHost) {
			p.cluster.ServeHTTP(w, r)
			return
		}
		p.api.ServeHTTP(w, r)
	})
}

// isBelow reports whether a request's host is a name below parent, "" for
// none.
func isBelow(host, parent string) bool {
	name, _, _ := strings.Cut(host, ":")
	return parent != "" && strings.HasSuffix(strings.ToLower(strings.TrimSuffix(name, ".")), "."+strings.ToLower(parent))
}
