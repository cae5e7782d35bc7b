package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/gowhisk/gowhisk/internal/backend/knative"
	"github.com/gowhisk/gowhisk/internal/catalog"
	"github.com/gowhisk/gowhisk/internal/cloudevent"
	"github.com/gowhisk/gowhisk/internal/config"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/trigger"
	"github.com/gowhisk/gowhisk/internal/webaction"
)

// makeChannels has triggers carried by the cluster.
func (p *platform) makeChannels(c config.Config, o knative.ChannelOptions, names *catalog.Catalog) error {
	if entry := c.Knative.EventsIngress; entry != "" {
		var err error
		if o.Ingress, err = url.Parse(entry); err != nil {
			return err
		}
	}
	o.Catalog, o.URL = names, p.actionURL
	o.Triggers = func(ctx context.Context) ([]entity.Name, error) {
		return allNames(ctx, p.db.Entities(), entity.Triggers)
	}
	o.Form = c.Knative.Events
	p.channels = knative.NewChannels(o)
	if o.Form == knative.FormNone {
		return nil
	}
	p.cluster.HandleFunc("POST "+knative.EventsPath+"{namespace}/{rule}/{key}", p.takeEvent)
	p.metrics.Gauge("event_deliveries", "Deliveries of events for rules that were taken.", func() float64 {
		taken, _ := p.firer.Deliveries()
		return float64(taken)
	})
	p.metrics.Gauge("event_deliveries_missed", "Activations of rules that ran since no delivery came.", func() float64 {
		_, missed := p.firer.Deliveries()
		return float64(missed)
	})
	return nil
}

// delivery is how events reach the actions of rules, nil if they are run at once.
func (p *platform) delivery(c config.Config, log *slog.Logger) *trigger.Delivery {
	if p.channels == nil || c.Knative.Events == knative.FormNone {
		return nil
	}
	return &trigger.Delivery{
		Transport: p.channels, Identities: p.auth, Registry: p.db.Registry(), Patience: time.Duration(c.Knative.EventsWait), Logger: log,
	}
}

// takeEvent takes a delivery for a rule. The answer tells the cluster what to do: 202 without a body is
// success, 429 and 5xx are tried again, all others are not.
func (p *platform) takeEvent(w http.ResponseWriter, r *http.Request) {
	rule := entity.Name{Namespace: r.PathValue("namespace"), Name: r.PathValue("rule")}
	if !p.channels.Permits(rule, r.PathValue("key")) {
		http.Error(w, "This is not the key of the rule.", http.StatusForbidden)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, entity.MaxPayloadSize))
	if _, tooBig := errors.AsType[*http.MaxBytesError](err); tooBig {
		http.Error(w, "The event is too big.", http.StatusRequestEntityTooLarge)
		return
	}
	if err != nil {
		http.Error(w, "The event did not come whole.", http.StatusInternalServerError)
		return
	}
	e, err := cloudevent.Read(cloudevent.ModeOf(r.Header), r.Header, body)
	if err != nil {
		http.Error(w, "The event is malformed: "+err.Error(), http.StatusBadRequest)
		return
	}
	if err := p.firer.Deliver(r.Context(), rule, e, webaction.TransactionID(r.Header)); err != nil {
		status, text := refusalOf(err)
		http.Error(w, text, status)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// refusalOf tells the cluster why an event was not taken. It would try again after 404.
func refusalOf(err error) (status int, text string) {
	e, ok := errors.AsType[*entity.Error](err)
	switch {
	case !ok:
		return http.StatusInternalServerError, "There was an internal server error."
	case e.Kind == entity.NotFound || e.Kind == entity.Conflict:
		return http.StatusGone, e.Message
	}
	return e.Kind.Status(), e.Message
}
