package alarms

import (
	"context"
	"sync"
	"time"

	"github.com/gowhisk/gowhisk/internal/feed"
)

const (
	longestSleep = 30 * time.Second // so that a wall clock that was set is noticed
	diskPause    = time.Second      // before another try to write
	grace        = 10 * time.Second // a firing that is no later is on time
	maxLate      = 100              // firings that catchup "all" makes up for in a row
	maxAttempts  = 10               // of one firing
	crew         = 64               // fires at a time
)

// Run fires alarms until ctx ends. When it returns no fire is under way.
func (p *Provider) Run(ctx context.Context) {
	var firing sync.WaitGroup
	slots := make(chan struct{}, crew)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			firing.Wait()
			p.last(context.WithoutCancel(ctx))
			return
		case <-timer.C:
		case <-p.wake:
		}
		shots, sleep := p.round(ctx, time.Now().Round(0))
		timer.Reset(sleep)
		for _, a := range shots {
			firing.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				p.fire(context.WithoutCancel(ctx), a)
			})
		}
	}
}

// last writes what changed while the last fires ended.
func (p *Provider) last(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.flush(ctx); err != nil {
		p.cfg.Logger.Error("changes of alarms are lost", "error", err)
	}
}

// round claims the alarms whose time has come: it returns those to fire and
// how long nothing else is to do. Claims are on disk before it returns.
func (p *Provider) round(ctx context.Context, now time.Time) (shots []*alarm, sleep time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for a := p.queue.due(now); a != nil; a = p.queue.due(now) {
		if a.loaded || p.claim(a, now) {
			shots = append(shots, a)
		}
	}
	if err := p.flush(context.WithoutCancel(ctx)); err != nil {
		p.cfg.Logger.Error("alarms wait: their state cannot be written", "error", err)
		for _, a := range shots {
			a.at = now.Add(diskPause)
			p.queue.add(a)
		}
		return nil, diskPause
	}
	if first := p.queue.first(); first != nil {
		return shots, max(min(first.at.Sub(now), longestSleep), 0)
	}
	return shots, longestSleep
}

// claim moves an alarm on to its time after next and reports whether it shall
// be fired for the one that has come. An alarm that was missed follows its
// policy. It needs mu held.
func (p *Provider) claim(a *alarm, now time.Time) bool {
	due := a.at
	late := now.Sub(due) > grace
	if !late {
		a.late = 0
	}
	from := due
	if late {
		if !a.excused() {
			p.missed(a, now)
			return false
		}
		if a.late++; a.Spec.Catchup == catchupOnce || a.late >= maxLate {
			from = now
		}
	}
	if a.counts() {
		a.Fired++
	}
	a.loaded, a.attempts = true, 0
	if !a.schedule(from) && !a.vanishes() {
		a.Status = a.ended(now)
	}
	if a.counts() || !a.Status.Active {
		p.dirty[a.Trigger] = a
	}
	return true
}

// excused reports whether a late alarm fires all the same.
func (a *alarm) excused() bool {
	return a.Spec.Catchup == catchupOnce || a.Spec.Catchup == catchupAll && a.late < maxLate
}

// missed moves an alarm on to the future without firing it. It needs mu held.
func (p *Provider) missed(a *alarm, now time.Time) {
	p.cfg.Logger.Warn("alarm was missed", "trigger", a.Trigger.String(), "due", a.at.UTC().Format(time.RFC3339), "catchup", a.Spec.Catchup)
	a.late = 0
	if a.schedule(now) {
		p.queue.add(a)
		return
	}
	a.Status = feed.Disabled(now, 0, "Automatically disabled after missing its last time")
	p.dirty[a.Trigger] = a
}

// resume puts an alarm that was loaded where it belongs. It needs mu held.
func (p *Provider) resume(a *alarm, now time.Time) {
	now = now.Round(0)
	switch {
	case a.Status.Active && a.vanishes() && a.Fired > 0: // it fired, and the server stopped before the trigger was deleted
		a.at, a.loaded, a.attempts = now, true, maxAttempts
	case !a.Status.Active:
		return
	case a.Next == 0:
		a.Status = a.ended(now)
		p.dirty[a.Trigger] = a
		return
	case a.Spec.Catchup == catchupNone && !a.Spec.once():
		if !a.schedule(now) {
			a.Status = feed.Disabled(now, 0, "Automatically disabled after missing its last time")
			p.dirty[a.Trigger] = a
			return
		}
	default:
		a.at = time.UnixMilli(a.Next)
	}
	p.queue.add(a)
}
