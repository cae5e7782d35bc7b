package webhook

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/feed"
	"github.com/gowhisk/gowhisk/internal/store"
)

// Prefix is that of the paths of all webhooks.
const Prefix = "/webhooks/"

const (
	concurrency = 64               // requests that are read at a time
	maxBody     = 1 << 20          // bytes, as of any event
	readTime    = 10 * time.Second // for the whole body
	retryAfter  = "10"             // seconds
)

// ServeHTTP answers requests below Prefix: 202 with the id of the activation
// for a delivery that fired, 204 for one that need not come again (no rule is
// active, it has come before, or it is not wanted), and 4xx or 5xx for all
// others.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := p.find(strings.TrimPrefix(r.URL.Path, Prefix))
	if h == nil {
		refuse(w, http.StatusNotFound, "There is no webhook here.")
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		refuse(w, http.StatusMethodNotAllowed, "A webhook takes POST only.")
		return
	}
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	default:
		busy(w, http.StatusServiceUnavailable)
		return
	}
	body, status := read(w, r)
	if status != 0 {
		refuse(w, status, http.StatusText(status))
		return
	}
	id, ok := h.verify(r.Header, body, p.cfg.Now())
	if !ok {
		refuse(w, http.StatusUnauthorized, "The signature is missing, wrong or too old.")
		return
	}
	payload := h.payload(r.Header, body)
	if payload == nil {
		refuse(w, http.StatusBadRequest, "The body is not what GitHub sends.")
		return
	}
	if !h.wanted(r.Header, payload) {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	p.deliver(w, r, h, id, payload)
}

// deliver fires for a delivery that is genuine.
func (p *Provider) deliver(w http.ResponseWriter, r *http.Request, h *hook, id string, payload []byte) {
	key, now := h.deliveryKey(id), p.cfg.Now()
	if !h.seen.claim(key) {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if h.Type == TypeStandard && h.seen.crowded(now) {
		h.seen.release(key)
		busy(w, http.StatusTooManyRequests)
		return
	}
	ctx := context.WithoutCancel(r.Context()) // a sender that leaves changes nothing
	activation, err := p.cfg.Gun.Fire(ctx, &h.Registration, payload, headers(r.Header))
	if err != nil {
		h.seen.release(key)
		p.failed(ctx, w, h, err)
		return
	}
	p.remember(ctx, h, key, now)
	if activation == "" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	reply(w, http.StatusAccepted, map[string]any{"activationId": activation})
}

// remember keeps a delivery that has fired. If it cannot be written it is
// remembered as long as the server runs.
func (p *Provider) remember(ctx context.Context, h *hook, key string, now time.Time) {
	err := p.cfg.Registry.PutEntries(ctx, []store.Entry{deliveryEntry(key, now)}...)
	if forgotten := h.seen.fired(key, now); len(forgotten) > 0 {
		err = errors.Join(err, p.cfg.Registry.DeleteEntries(ctx, deliveryKind, forgotten...))
	}
	if err != nil {
		p.cfg.Logger.Error("delivery of a webhook is not written down", "trigger", h.Trigger.String(), "error", err)
	}
}

// failed answers for a fire that failed; the sender may try again if that can
// help.
func (p *Provider) failed(ctx context.Context, w http.ResponseWriter, h *hook, err error) {
	p.cfg.Logger.Warn("webhook did not fire", "trigger", h.Trigger.String(), "error", err)
	v := feed.Judge(err)
	if v.Retry {
		status := http.StatusServiceUnavailable
		if v.Code == http.StatusTooManyRequests {
			status = v.Code
		}
		busy(w, status)
		return
	}
	if v.Code == http.StatusRequestEntityTooLarge || v.Code == http.StatusBadRequest { // this event, not the webhook
		refuse(w, v.Code, http.StatusText(v.Code))
		return
	}
	if err := p.retire(ctx, h, v); err != nil {
		p.cfg.Logger.Error("webhook is not retired", "trigger", h.Trigger.String(), "error", err)
	}
	refuse(w, http.StatusNotFound, "There is no webhook here.")
}

// read takes the body in, or returns the status that says why not.
func read(w http.ResponseWriter, r *http.Request) (body []byte, status int) {
	connection := http.NewResponseController(w)
	if err := connection.SetReadDeadline(time.Now().Add(readTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, http.StatusServiceUnavailable
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, http.StatusRequestEntityTooLarge
	}
	if err != nil {
		return nil, http.StatusRequestTimeout
	}
	if err := connection.SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, http.StatusServiceUnavailable
	}
	return body, 0
}

func busy(w http.ResponseWriter, status int) {
	w.Header().Set("Retry-After", retryAfter)
	refuse(w, status, "The delivery was not accepted. Send it again later.")
}

func refuse(w http.ResponseWriter, status int, text string) {
	reply(w, status, map[string]any{"error": text})
}

// reply writes JSON; a client that left needs none.
func reply(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if out, err := entity.Marshal(body); err == nil {
		_, _ = w.Write(out)
	}
}
