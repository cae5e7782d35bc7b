package knative

import (
	"context"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// WebURL is where a web action is reached without the server, empty for one that is not, or not yet.
func (b *Backend) WebURL(a *entity.Action) string {
	own := place{Action: a.Name, Namespace: a.Name.Namespace}
	s, _ := b.services.get(serviceName(b.opt.Owner, own))
	if s == nil || !(manifest{place: own, action: a}).public() || s.Metadata.Labels[visibility] != "" {
		return ""
	}
	return s.Status.URL
}

// resolved is the action as an invocation by its own namespace sees it.
func (b *Backend) resolved(a *entity.Action) *entity.Action {
	if found, err := b.opt.Catalog.Resolve(context.Background(), a.Name); err == nil {
		return found.Action
	}
	return a
}
