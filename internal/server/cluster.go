package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/entity"
)

// clusterPrefix begins the paths that are for the cluster which actions run in, and for no client. What
// is there asks for keys of its own.
const clusterPrefix = "/cluster/"

// mostToldAtOnce bounds what a pod may send at once: one activation at least.
const mostToldAtOnce = 2 * actionproxy.MaxAnswer

// servePods lets pods report what they ran, and ask whose credentials they have been given.
func (p *platform) servePods(log *slog.Logger) {
	if p.knative == nil {
		return
	}
	told := func(do func(ctx context.Context, key string, body []byte) (any, error)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if !p.knative.Knows(r.Header.Get(actionproxy.PodHeader), r.Header.Get("Authorization")) {
				http.Error(w, "refused", http.StatusUnauthorized)
				return
			}
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostToldAtOnce))
			if err != nil {
				http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
				return
			}
			answer, err := do(r.Context(), r.Header.Get("Authorization"), body)
			if err != nil {
				log.Warn("a pod is refused", "path", r.URL.Path, "from", r.RemoteAddr, "error", err)
				http.Error(w, "refused", entity.KindOf(err).Status())
				return
			}
			w.Header().Set("Content-Type", "application/json")
			if err := json.NewEncoder(w).Encode(answer); err != nil {
				log.Debug("answer a pod", "error", err)
			}
		}
	}
	p.cluster.HandleFunc("POST "+actionproxy.ReportPath, told(p.reported(log)))
	p.cluster.HandleFunc("POST "+actionproxy.IdentityPath, told(p.asked))
}

// reported records what a pod ran without us.
func (p *platform) reported(log *slog.Logger) func(context.Context, string, []byte) (any, error) {
	return func(ctx context.Context, key string, body []byte) (any, error) {
		ran, lost, err := p.knative.Reported(key, body)
		if err != nil {
			return nil, err
		}
		if lost > 0 {
			log.Error("a pod had no room for records of activations, which are lost", "count", lost)
		}
		for _, one := range ran {
			id, err := p.auth.OfNamespace(ctx, one.Namespace)
			if errors.Is(err, entity.ErrNotFound) {
				log.Warn("an activation of a namespace that is gone leaves no record", "activation", one.Message.ID, "namespace", one.Namespace)
				continue
			}
			if err != nil {
				return nil, err
			}
			one.Message.Identity = id
			if err := p.service.Reported(context.WithoutCancel(ctx), &one.Message, &one.Result); err != nil {
				return nil, err
			}
		}
		return map[string]int{"recorded": len(ran)}, nil
	}
}

// asked says whose credentials a pod was given: "" for nobody's.
func (p *platform) asked(ctx context.Context, key string, body []byte) (any, error) {
	credentials, err := p.knative.Asked(key, body)
	if err != nil {
		return nil, err
	}
	user, err := p.auth.Identify(ctx, credentials)
	if err != nil && entity.KindOf(err) != entity.Unauthorized {
		return nil, err
	}
	namespace := ""
	if err == nil {
		namespace = user.Namespace.Name
	}
	return map[string]string{"namespace": namespace}, nil
}
