package alarms

import (
	"time"

	"github.com/gowhisk/gowhisk/internal/feed"
)

// alarm is one trigger that is fired by time, as it is kept. Fields are
// guarded by the provider's mu.
type alarm struct {
	feed.Registration
	Spec  spec  `json:"config"`
	Next  int64 `json:"next,omitempty"`  // ms: the first time that is not claimed, 0 for none
	Fired int   `json:"fired,omitempty"` // how often, if the alarm counts
	Large bool  `json:"large,omitempty"` // Payload has an entry of its own

	// Of this process.
	at       time.Time // when the scheduler looks again
	position int       // in the queue, or idle
	loaded   bool      // a shot is claimed and shall be fired at `at`
	attempts int       // of the claimed shot
	late     int       // firings in a row that made up for missed ones
}

// counts reports whether the state of a must be on disk before each fire.
func (a *alarm) counts() bool {
	return a.Spec.once() || a.Spec.MaxTriggers > 0 || a.Spec.Catchup != catchupNone
}

// schedule sets the next time after a moment and tells whether there is one.
func (a *alarm) schedule(after time.Time) bool {
	a.at = a.Spec.next(after)
	a.Next = 0
	if a.at.IsZero() || a.spent() {
		return false
	}
	a.Next = a.at.UnixMilli()
	return true
}

// spent reports whether a has fired as often as it may.
func (a *alarm) spent() bool { return a.Spec.MaxTriggers > 0 && a.Fired >= a.Spec.MaxTriggers }

// ended is why an alarm without a further time is inactive.
func (a *alarm) ended(now time.Time) feed.Status {
	message := "Automatically disabled after firing last scheduled cron trigger"
	switch {
	case a.Spec.once():
		message = "Automatically disabled after firing once"
	case a.spent():
		message = "Automatically disabled after reaching max triggers"
	case a.Spec.Minutes > 0:
		message = "Automatically disabled after firing last scheduled interval trigger"
	}
	return feed.Disabled(now, 0, message)
}

// vanishes reports whether the trigger goes when a has fired.
func (a *alarm) vanishes() bool {
	return a.Spec.once() && (a.Spec.DeleteAfterFire == deleteTrigger || a.Spec.DeleteAfterFire == deleteRules)
}
