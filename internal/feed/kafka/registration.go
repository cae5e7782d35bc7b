package kafka

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/feed"
)

// create registers a trigger. What was registered for a trigger of that name
// before is replaced.
func (p *Provider) create(ctx context.Context, c *feed.Call) (any, error) {
	source, err := sourceOf(Source{}, c.Params)
	if err != nil {
		return nil, err
	}
	r := registered{Registration: feed.NewRegistration(c, time.Now()), Source: source, Group: "gowhisk-" + rand.Text()}
	if old := p.find(c.Trigger); old != nil {
		if _, err := p.remove(ctx, old); err != nil {
			return nil, err
		}
	}
	return p.begin(ctx, r)
}

// update changes what is listened to; parameters that are not given stay.
func (p *Provider) update(ctx context.Context, l *listening, c *feed.Call) (any, error) {
	source, err := sourceOf(l.Source, c.Params)
	if err != nil {
		return nil, err
	}
	l.end()
	r := l.registered
	r.Source, r.Owner, r.Status = source, c.Owner.Namespace.UUID, feed.Active(time.Now())
	answer, err := p.begin(ctx, r)
	if err != nil && l.Status.Active {
		p.listen(l) // to what it was
	}
	return answer, err
}

// begin makes sure that the source can be read, keeps the registration and
// listens.
func (p *Provider) begin(ctx context.Context, r registered) (any, error) {
	l := &listening{registered: r}
	if err := p.consumer(l).Prepare(ctx); err != nil {
		return nil, feed.Refuse("%v", err)
	}
	if err := p.keep(ctx, &r); err != nil {
		return nil, err
	}
	p.put(l)
	p.listen(l)
	return feed.Success(), nil
}

// set pauses or resumes. Messages of a pause are fired after it, as far as the
// topic still has them.
func (p *Provider) set(ctx context.Context, l *listening, s feed.Status) (any, error) {
	changed := l.registered
	changed.Status = s
	if err := p.keep(ctx, &changed); err != nil {
		return nil, err
	}
	l.end()
	l.registered = changed
	if s.Active {
		p.listen(l)
	}
	return feed.Success(), nil
}

func (p *Provider) remove(ctx context.Context, l *listening) (any, error) {
	l.end()
	if err := p.Registry.DeleteEntries(ctx, kind, l.Trigger.String()); err != nil {
		return nil, fmt.Errorf("remove the registration of %s: %w", l.Trigger, err)
	}
	p.mu.Lock()
	delete(p.triggers, l.Trigger)
	p.mu.Unlock()
	consumer := p.consumer(l)
	p.launch(func() { // the cluster may be gone for good
		if err := consumer.Forget(p.life); err != nil {
			consumer.Log.Warn("offsets of a Kafka feed stay in the cluster", "error", err)
		}
	})
	return feed.Success(), nil
}

func (p *Provider) keep(ctx context.Context, r *registered) error {
	entry, err := feed.Entry(kind, r.Trigger, r)
	if err != nil {
		return err
	}
	if err := p.Registry.PutEntries(ctx, entry); err != nil {
		return fmt.Errorf("keep the registration of %s: %w", r.Trigger, err)
	}
	return nil
}

// sourceOf reads parameters over those of base.
func sourceOf(base Source, params feed.Params) (Source, error) {
	whole := map[string]json.RawMessage{}
	for _, part := range []any{base, params} {
		body, err := entity.Marshal(part)
		if err == nil {
			err = json.Unmarshal(body, &whole)
		}
		if err != nil {
			return base, fmt.Errorf("join the parameters of a Kafka feed: %w", err)
		}
	}
	body, err := entity.Marshal(whole)
	if err != nil {
		return base, fmt.Errorf("join the parameters of a Kafka feed: %w", err)
	}
	source, err := ParseSource(body)
	if err != nil {
		return base, &feed.Refusal{Status: http.StatusBadRequest, Text: err.Error()}
	}
	return source, nil
}
