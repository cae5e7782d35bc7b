// Package webhook is the provider of feeds that others call: each trigger
// gets a URL of its own, which fires it when a signed request comes in.
//
// There are two types. One is for any sender and follows the Standard
// Webhooks specification: the headers webhook-id, webhook-timestamp and
// webhook-signature, an HMAC-SHA256 over id, time and body. The other is for
// GitHub and what signs as it does: X-Hub-Signature-256 over the body,
// X-GitHub-Delivery and X-GitHub-Event.
//
// A delivery fires at most once, for as long as its id is remembered; one
// that was not answered with 2xx may be sent again.
package webhook

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/feed"
	"github.com/gowhisk/gowhisk/internal/store"
)

// The kinds of entries in the registry.
const (
	kind         = "webhook"
	deliveryKind = "webhook-delivery"
)

// Config wires a Provider; all fields but Logger are required.
type Config struct {
	Registry store.Registry
	Gun      *feed.Gun
	URL      string // of this server, without a slash at its end
	Now      func() time.Time
	Logger   *slog.Logger
}

// Provider keeps webhooks and serves their URLs. It is safe for concurrent
// use.
type Provider struct {
	cfg   Config
	slots chan struct{} // one for each request that is being read

	mu        sync.RWMutex
	byTrigger map[entity.Name]*hook // guarded by mu
	byID      map[string]*hook      // guarded by mu
}

// hook is one trigger with a URL. It is replaced, not changed.
type hook struct {
	feed.Registration
	ID         string   `json:"id"`
	Type       string   `json:"type"`
	Secret     string   `json:"secret"`
	Events     []string `json:"events,omitempty"`     // GitHub's that fire; none for all
	Repository string   `json:"repository,omitempty"` // GitHub's that may fire, as owner/name; "" for all

	seen *deliveries
}

// New returns a Provider without webhooks.
func New(c Config) *Provider {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Provider{cfg: c, slots: make(chan struct{}, concurrency), byTrigger: map[entity.Name]*hook{}, byID: map[string]*hook{}}
}

// Load reads the webhooks that were kept and the deliveries they have seen.
func (p *Provider) Load(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	err := feed.Load(ctx, p.cfg.Registry, kind, func(h *hook) {
		h.seen = newDeliveries()
		p.byTrigger[h.Trigger], p.byID[h.ID] = h, h
	}, func(key string, err error) {
		p.cfg.Logger.Error("webhook is not readable", "trigger", key, "error", err)
	})
	if err != nil {
		return err
	}
	var stale []string
	err = p.cfg.Registry.Entries(ctx, deliveryKind, "", func(e store.Entry) error {
		if !p.recall(e) {
			stale = append(stale, e.Key)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("load deliveries of webhooks: %w", err)
	}
	for _, h := range p.byID {
		h.seen.sort()
	}
	if len(stale) == 0 {
		return nil
	}
	return p.cfg.Registry.DeleteEntries(ctx, deliveryKind, stale...)
}

// find returns the webhook of an id that takes requests, nil if there is
// none.
func (p *Provider) find(id string) *hook {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if h := p.byID[id]; h != nil && h.Status.Active {
		return h
	}
	return nil
}

// put writes a webhook and puts it in place of the trigger's old one. It
// needs mu held.
func (p *Provider) put(ctx context.Context, h *hook) error {
	entry, err := feed.Entry(kind, h.Trigger, h)
	if err != nil {
		return err
	}
	if err := p.cfg.Registry.PutEntries(ctx, entry); err != nil {
		return fmt.Errorf("keep webhook of %s: %w", h.Trigger, err)
	}
	if old := p.byTrigger[h.Trigger]; old != nil {
		delete(p.byID, old.ID)
	}
	p.byTrigger[h.Trigger], p.byID[h.ID] = h, h
	return nil
}

// remove deletes a webhook with what it has seen. It needs mu held.
func (p *Provider) remove(ctx context.Context, h *hook) error {
	if err := p.cfg.Registry.DeleteEntries(ctx, kind, h.Trigger.String()); err != nil {
		return fmt.Errorf("remove webhook of %s: %w", h.Trigger, err)
	}
	delete(p.byTrigger, h.Trigger)
	delete(p.byID, h.ID)
	if err := p.cfg.Registry.DeleteEntries(ctx, deliveryKind, h.seen.keys()...); err != nil {
		return fmt.Errorf("remove deliveries of the webhook of %s: %w", h.Trigger, err)
	}
	return nil
}

// retire removes or disables a webhook that cannot fire, unless it was
// replaced meanwhile.
func (p *Provider) retire(ctx context.Context, h *hook, v feed.Verdict) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byTrigger[h.Trigger] != h {
		return nil
	}
	if v.Gone {
		return p.remove(ctx, h)
	}
	disabled := *h
	disabled.Status = feed.Disabled(p.cfg.Now(), v.Code, v.Message())
	return p.put(ctx, &disabled)
}
