package alarms

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/feed"
)

const (
	firePatience = 30 * time.Second // of one attempt
	firstPause   = time.Second      // before the second attempt; doubles
	longestPause = 30 * time.Second
	conflicts    = 5 // attempts of a deletion
)

// fire makes one attempt and draws the conclusions.
func (p *Provider) fire(ctx context.Context, a *alarm) {
	ctx, cancel := context.WithTimeout(ctx, firePatience)
	defer cancel()
	p.mu.Lock()
	now := *a
	p.mu.Unlock()
	var verdict feed.Verdict
	if now.attempts < maxAttempts {
		verdict = p.shoot(ctx, &now)
	}
	if a.vanishes() && verdict.Code == 0 {
		if err := p.delete(ctx, a); err != nil {
			p.cfg.Logger.Error("trigger of an alarm is not deleted", "trigger", a.Trigger.String(), "error", err)
		}
	}
	p.conclude(a, verdict)
}

// shoot fires the trigger of an alarm.
func (p *Provider) shoot(ctx context.Context, a *alarm) feed.Verdict {
	payload, err := p.payload(ctx, a)
	verdict := feed.Verdict{Retry: true, Code: http.StatusInternalServerError} // of a payload that cannot be read
	if err == nil {
		_, err = p.cfg.Gun.Fire(ctx, &a.Registration, payload, nil)
		verdict = feed.Judge(err)
	}
	if err != nil {
		p.cfg.Logger.Warn("alarm did not fire", "trigger", a.Trigger.String(), "error", err)
	}
	return verdict
}

// conclude puts an alarm back into the queue after an attempt, disables or
// forgets it.
func (p *Provider) conclude(a *alarm, v feed.Verdict) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.look()
	if p.alarms[a.Trigger] != a { // replaced or removed meanwhile
		return
	}
	now := time.Now().Round(0)
	if a.attempts++; v.Retry && a.again(now) {
		p.queue.add(a)
		return
	}
	a.loaded = false
	switch {
	case v.Gone, a.vanishes() && v.Code == 0:
		p.forget(a.Trigger)
		p.dirty[a.Trigger] = nil
	case v.Disable, v.Retry && a.Spec.once():
		a.Status = feed.Disabled(now, v.Code, v.Message())
		p.dirty[a.Trigger] = a
		return
	case v.Retry && a.Spec.MaxTriggers > 0: // what came to nothing does not count
		a.Fired--
		if !a.Status.Active && a.schedule(now) {
			a.Status = feed.Active(now)
		}
		p.dirty[a.Trigger] = a
	}
	if a.Status.Active && p.alarms[a.Trigger] == a {
		a.at = time.UnixMilli(a.Next)
		p.queue.add(a)
	}
}

// again sets when a firing that failed is tried once more, and reports whether
// it is: not too often, and not when the next firing is due before.
func (a *alarm) again(now time.Time) bool {
	at := now.Add(min(firstPause<<(a.attempts-1), longestPause))
	if a.attempts >= maxAttempts || a.Next != 0 && at.UnixMilli() >= a.Next {
		return false
	}
	a.at = at
	return true
}

// delete removes the trigger of an alarm that has fired and, if asked for,
// its rules. OpenWhisk 5.5.1.
func (p *Provider) delete(ctx context.Context, a *alarm) error {
	if _, err := p.cfg.Gun.Identities.Owner(ctx, a.Owner); err != nil {
		return err
	}
	trigger, err := p.cfg.Triggers.Trigger(ctx, a.Trigger)
	if err != nil {
		return ignoreMissing(err)
	}
	if err := settle(func() error { _, err := p.cfg.Triggers.DeleteTrigger(ctx, a.Trigger); return err }); err != nil {
		return err
	}
	if a.Spec.DeleteAfterFire != deleteRules {
		return nil
	}
	var errs []error
	for _, link := range trigger.Rules {
		errs = append(errs, settle(func() error { _, err := p.cfg.Triggers.DeleteRule(ctx, link.Rule); return err }))
	}
	return errors.Join(errs...)
}

// settle repeats a deletion that somebody else's change came in between of.
// What is not there is deleted.
func settle(remove func() error) (err error) {
	for range conflicts {
		if err = remove(); entity.KindOf(err) != entity.Conflict {
			break
		}
	}
	return ignoreMissing(err)
}

func ignoreMissing(err error) error {
	if entity.KindOf(err) == entity.NotFound {
		return nil
	}
	return err
}
