package webhook

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/gowhisk/gowhisk/internal/feed"
)

// TypeParam is the fixed parameter that tells the feed actions apart.
const TypeParam = "webhook"

const minSecret = 16 // characters of a secret that the user brings

// Feed answers a call of one of the feed actions. CREATE gives the trigger a
// new URL, whatever it had.
func (p *Provider) Feed(ctx context.Context, c *feed.Call) (any, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.byTrigger[c.Trigger]
	if c.Event == feed.Create {
		return p.create(ctx, c, old)
	}
	if old == nil {
		return nil, feed.Missing(c.Trigger)
	}
	next := *old
	next.Owner = c.Owner.Namespace.UUID
	switch c.Event {
	case feed.Read:
		return p.shown(old), nil
	case feed.Update:
		return p.update(ctx, c, &next)
	case feed.Delete:
		return feed.Success(), p.remove(ctx, old)
	case feed.Pause:
		next.Status = feed.Paused(p.cfg.Now())
	default:
		next.Status = feed.Active(p.cfg.Now())
	}
	return feed.Success(), p.put(ctx, &next)
}

func (p *Provider) create(ctx context.Context, c *feed.Call, old *hook) (any, error) {
	h := &hook{
		Registration: feed.NewRegistration(c, p.cfg.Now()), ID: strings.ToLower(rand.Text()),
		Type: c.Params.Text(TypeParam), seen: newDeliveries(),
	}
	if h.Type == TypeGitHub && !c.Params.Has("events") {
		return nil, feed.Refuse("github webhook feed is missing the events parameter")
	}
	if _, err := h.change(c.Params); err != nil {
		return nil, err
	}
	made := h.Secret == ""
	if made {
		h.Secret = newSecret(h.Type)
	}
	if old != nil {
		if err := p.remove(ctx, old); err != nil {
			return nil, err
		}
	}
	if err := p.put(ctx, h); err != nil {
		return nil, err
	}
	return p.told(h, made), nil
}

// update changes what is given; rotateSecret makes a new secret.
func (p *Provider) update(ctx context.Context, c *feed.Call, next *hook) (any, error) {
	changed, err := next.change(c.Params)
	if err != nil {
		return nil, err
	}
	rotate := c.Params.Has("rotateSecret")
	if !changed && !rotate {
		return nil, feed.Refuse("no updatable parameters were specified")
	}
	if rotate {
		next.Secret = newSecret(next.Type)
	}
	next.Status = feed.Active(p.cfg.Now())
	if err := p.put(ctx, next); err != nil {
		return nil, err
	}
	return p.told(next, rotate), nil
}

// change takes over the parameters that a webhook has, and reports whether
// there was one.
func (h *hook) change(p feed.Params) (changed bool, err error) {
	if p.Has("secret") {
		if h.Secret, changed = p.Text("secret"), true; len(h.Secret) < minSecret {
			return false, feed.Refuse("the secret parameter must have at least %d characters", minSecret)
		}
		if encoded, ok := strings.CutPrefix(h.Secret, secretPrefix); ok && h.Type == TypeStandard {
			if raw, err := base64.StdEncoding.DecodeString(encoded); err != nil || len(raw) < minSecret {
				return false, feed.Refuse("the secret parameter must have base64 of at least %d bytes after %s", minSecret, secretPrefix)
			}
		}
	}
	if h.Type != TypeGitHub {
		return changed, nil
	}
	if p.Has("events") {
		if h.Events, changed = events(p.Text("events")), true; h.Events == nil {
			return false, feed.Refuse("the events parameter must be a comma-separated list of GitHub's events, or *")
		}
	}
	if p.Has("repository") {
		h.Repository, changed = p.Text("repository"), true
		if user := p.Text("username"); user != "" && !strings.Contains(h.Repository, "/") {
			h.Repository = user + "/" + h.Repository
		}
		if strings.Count(h.Repository, "/") != 1 {
			return false, feed.Refuse("the repository parameter must be OWNER/NAME, or NAME beside the username parameter")
		}
	}
	return changed, nil
}

// events reads a list of GitHub's events: nil for one that is not legal,
// empty for all.
func events(text string) []string {
	if strings.TrimSpace(text) == "*" {
		return []string{}
	}
	var all []string
	for name := range strings.SplitSeq(text, ",") {
		name = strings.ReplaceAll(strings.TrimSpace(name), "-", "_")
		if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") != "" {
			return nil
		}
		all = append(all, name)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// newSecret is random.
func newSecret(hookType string) string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never errs
	if hookType == TypeGitHub {
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	return secretPrefix + base64.StdEncoding.EncodeToString(raw)
}

func (p *Provider) url(h *hook) string { return p.cfg.URL + Prefix + h.ID }

// told is what CREATE and UPDATE answer: what the sender needs to know. A
// secret is told once, when it was made here.
func (p *Provider) told(h *hook, secret bool) any {
	answer := map[string]any{"status": "success", "url": p.url(h)}
	if secret {
		answer["secret"] = h.Secret
	}
	answer["next"] = "Give the URL and the secret to the sender, which signs as the Standard Webhooks specification says."
	if h.Type == TypeGitHub {
		answer["next"] = "Add the URL and the secret as a webhook of the repository at GitHub, with content type application/json. " +
			"This server does not call GitHub: accessToken is neither used nor kept."
	}
	return answer
}

// shown is what READ answers; the secret is not part of it.
func (p *Provider) shown(h *hook) any {
	config := map[string]any{"name": h.Trigger.Name, "namespace": h.Trigger.Namespace, "url": p.url(h), "type": h.Type}
	if h.Type == TypeGitHub {
		config["events"] = "*"
		if len(h.Events) > 0 {
			config["events"] = strings.Join(h.Events, ",")
		}
	}
	if h.Repository != "" {
		config["repository"] = h.Repository
	}
	return map[string]any{"config": config, "status": h.Status.Shown()}
}
