package alarms

import (
	"context"
	"encoding/json"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/feed"
)

// Feed answers a call of one of the three feed actions. CREATE replaces what
// there is; the other events are for an alarm of any type, whichever of the
// actions is called, as with OpenWhisk's alarms.
func (p *Provider) Feed(ctx context.Context, c *feed.Call) (any, error) {
	defer p.turns.Take(c.Trigger)()
	now := time.Now().Round(0) // without the monotonic clock: dates are of the wall
	if c.Event == feed.Create {
		return p.create(ctx, c, now)
	}
	old, ok := p.find(c.Trigger)
	if !ok {
		return nil, feed.Missing(c.Trigger)
	}
	switch c.Event {
	case feed.Read:
		payload, err := p.payload(ctx, &old)
		if err != nil {
			return nil, err
		}
		return old.shown(payload), nil
	case feed.Update:
		return p.update(ctx, c, &old, now)
	case feed.Delete:
		return feed.Success(), p.remove(ctx, c.Trigger)
	case feed.Pause:
		return p.replace(ctx, c, &old, feed.Paused(now), now)
	default:
		return p.replace(ctx, c, &old, feed.Active(now), now)
	}
}

// find returns a copy of the alarm of a trigger.
func (p *Provider) find(trigger entity.Name) (alarm, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.alarms[trigger]; a != nil {
		return *a, true
	}
	return alarm{}, false
}

// look makes Run look at the queue again.
func (p *Provider) look() {
	select {
	case p.wake <- struct{}{}:
	default: // it was told already
	}
}

// payloadParam is the parameter with what the trigger is fired with.
const payloadParam = "trigger_payload"

func (p *Provider) create(ctx context.Context, c *feed.Call, now time.Time) (any, error) {
	s, err := create(c, now)
	if err != nil {
		return nil, err
	}
	a := &alarm{Registration: feed.NewRegistration(c, now), Spec: s, position: idle}
	if a.Payload, err = c.Params.Payload(payloadParam); err != nil {
		return nil, err
	}
	return p.start(ctx, a, now)
}

// update changes the parameters that are given; the alarm is active then, and
// counts anew.
func (p *Provider) update(ctx context.Context, c *feed.Call, old *alarm, now time.Time) (any, error) {
	s := old.Spec
	changed, err := s.change(c, s.alarmType(), now)
	if err != nil {
		return nil, err
	}
	payload, err := c.Params.Payload(payloadParam)
	if err != nil {
		return nil, err
	}
	if !changed && payload == nil {
		return nil, feed.Refuse("no updatable parameters were specified")
	}
	next := &alarm{Registration: feed.NewRegistration(c, now), Spec: s, position: idle}
	if next.Payload = payload; payload == nil {
		next.Payload, next.Large = old.Payload, old.Large
	}
	return p.start(ctx, next, now)
}

// replace gives an alarm another status and keeps its count.
func (p *Provider) replace(ctx context.Context, c *feed.Call, old *alarm, status feed.Status, now time.Time) (any, error) {
	next := &alarm{Registration: old.Registration, Spec: old.Spec, Fired: old.Fired, Large: old.Large, position: idle}
	next.Owner, next.Status = c.Owner.Namespace.UUID, status
	return p.start(ctx, next, now)
}

// start writes an alarm that is active or not.
func (p *Provider) start(ctx context.Context, a *alarm, now time.Time) (any, error) {
	further := a.schedule(now)
	if a.Status.Active && !further {
		return nil, feed.Refuse("the next scheduled trigger fire is after the stop date")
	}
	if err := p.put(ctx, a); err != nil {
		return nil, err
	}
	return feed.Success(), nil
}

func (s *spec) alarmType() string {
	switch {
	case s.once():
		return TypeOnce
	case s.Minutes > 0:
		return TypeInterval
	}
	return TypeCron
}

// shown is what READ answers.
func (a *alarm) shown(payload json.RawMessage) any {
	config := map[string]any{
		"name": a.Trigger.Name, "namespace": a.Trigger.Namespace, "payload": json.RawMessage(`{}`), "catchup": a.Spec.Catchup,
	}
	set := func(key string, value any, there bool) {
		if there {
			config[key] = value
		}
	}
	set("payload", payload, payload != nil)
	set("date", a.Spec.Date, a.Spec.once())
	set("deleteAfterFire", a.Spec.DeleteAfterFire, a.Spec.once())
	set("startDate", a.Spec.Start, !a.Spec.Start.zero())
	set("stopDate", a.Spec.Stop, !a.Spec.Stop.zero())
	set("minutes", a.Spec.Minutes, a.Spec.Minutes > 0)
	set("cron", a.Spec.Cron, a.Spec.Cron != "")
	set("timezone", a.Spec.Timezone, a.Spec.Timezone != "")
	set("strict", false, a.Spec.Loose)
	set("maxTriggers", a.Spec.MaxTriggers, a.Spec.MaxTriggers > 0)
	answer := map[string]any{"config": config, "status": a.Status.Shown()}
	if a.Status.Active && !a.at.IsZero() {
		answer["next"] = a.at.UnixMilli()
	}
	return answer
}
