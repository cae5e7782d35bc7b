// Package alarms is the provider of /whisk.system/alarms: it fires triggers
// by cron, at an interval, or once at a date. OpenWhisk 5.5.1, 5.5.4.
//
// Every alarm fires at most once for each of its times. What must not be
// exceeded over a crash, such as maxTriggers, is on disk before the trigger is
// fired. What the provider misses, because the server was down or the fire
// before was still being tried, follows the catch-up policy of the alarm.
package alarms

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
	_ "time/tzdata" // alarms have time zones on every host

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/feed"
	"github.com/gowhisk/gowhisk/internal/store"
)

// kind is that of the registry's entries.
const kind = "alarm"

// Triggers is what alarms do with triggers beside firing them.
type Triggers interface {
	Trigger(ctx context.Context, name entity.Name) (*entity.Trigger, error)
	DeleteTrigger(ctx context.Context, name entity.Name) (*entity.Trigger, error)
	DeleteRule(ctx context.Context, name entity.Name) (*entity.Rule, error)
}

// Config wires a Provider; all fields but Logger are required.
type Config struct {
	Registry store.Registry
	Gun      *feed.Gun
	Triggers Triggers
	Logger   *slog.Logger
}

// Provider keeps the alarms and fires them. Make it with New, start it with
// Load and Run. It is safe for concurrent use.
type Provider struct {
	cfg  Config
	wake chan struct{} // tells Run to look again; holds one

	turns feed.Turns // of the triggers, in calls

	mu     sync.Mutex
	alarms map[entity.Name]*alarm // guarded by mu
	queue  queue                  // guarded by mu: those that wait for their time
	dirty  map[entity.Name]*alarm // guarded by mu: not written yet; nil to be removed
}

// New returns a Provider without alarms.
func New(c Config) *Provider {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Provider{cfg: c, wake: make(chan struct{}, 1), alarms: map[entity.Name]*alarm{}, dirty: map[entity.Name]*alarm{}}
}

// Load reads the alarms that were kept. Those whose time came meanwhile
// follow their catch-up policy.
func (p *Provider) Load(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	return feed.Load(ctx, p.cfg.Registry, kind, func(a *alarm) {
		a.position = idle
		if err := a.Spec.compile(a.Trigger); err != nil {
			p.cfg.Logger.Error("alarm is passed over", "trigger", a.Trigger.String(), "error", err)
			return
		}
		p.alarms[a.Trigger] = a
		p.resume(a, now)
	}, func(key string, err error) {
		p.cfg.Logger.Error("alarm is not readable", "trigger", key, "error", err)
	})
}

// Count returns how many alarms there are.
func (p *Provider) Count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.alarms)
}

// put writes an alarm in place of what was there and, if it is active, puts it
// into the queue. The caller has the trigger's turn.
func (p *Provider) put(ctx context.Context, a *alarm) error {
	entries := a.outsource()
	entry, err := feed.Entry(kind, a.Trigger, a)
	if err != nil {
		return err
	}
	old := p.withdraw(a.Trigger)
	if err := p.cfg.Registry.PutEntries(ctx, append(entries, entry)...); err != nil {
		p.insert(old)
		return fmt.Errorf("keep alarm of %s: %w", a.Trigger, err)
	}
	p.insert(a)
	return nil
}

// remove deletes the alarm of a trigger. The caller has the trigger's turn.
func (p *Provider) remove(ctx context.Context, trigger entity.Name) error {
	old := p.withdraw(trigger)
	if err := p.deleteEntries(ctx, trigger); err != nil {
		p.insert(old)
		return fmt.Errorf("remove alarm of %s: %w", trigger, err)
	}
	return nil
}

// withdraw takes an alarm out of the scheduler's hands, so that nothing is
// written of it but by the caller, and returns it, nil if there is none.
func (p *Provider) withdraw(trigger entity.Name) *alarm {
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.alarms[trigger]
	p.forget(trigger)
	return a
}

// insert gives the scheduler an alarm, nil for none.
func (p *Provider) insert(a *alarm) {
	if a == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.look()
	p.alarms[a.Trigger] = a
	if a.Status.Active {
		p.queue.add(a)
	}
}

// forget drops what memory has of an alarm; a fire under way goes on, and
// changes nothing any more. It needs mu held.
func (p *Provider) forget(trigger entity.Name) {
	if a := p.alarms[trigger]; a != nil {
		p.queue.drop(a)
	}
	delete(p.alarms, trigger)
	delete(p.dirty, trigger)
}

// flush writes what the scheduler has changed, all changes in one step and all
// removals in another. It needs mu held.
func (p *Provider) flush(ctx context.Context) error {
	var entries []store.Entry
	var gone []entity.Name
	for name, a := range p.dirty {
		if a == nil {
			gone = append(gone, name)
			continue
		}
		entry, err := feed.Entry(kind, name, a)
		if err != nil {
			return err
		}
		entries = append(entries, entry)
	}
	var errs []error
	if len(entries) > 0 {
		errs = append(errs, p.cfg.Registry.PutEntries(ctx, entries...))
	}
	if len(gone) > 0 {
		errs = append(errs, p.deleteEntries(ctx, gone...))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("keep %d alarms: %w", len(p.dirty), err)
	}
	clear(p.dirty)
	return nil
}
