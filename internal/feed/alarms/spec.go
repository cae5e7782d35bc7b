package alarms

import (
	"encoding/json"
	"hash/fnv"
	"time"

	"github.com/gowhisk/gowhisk/internal/cron"
	"github.com/gowhisk/gowhisk/internal/entity"
)

// The values of catchup: what becomes of times that were missed.
const (
	catchupNone = "none" // nothing, as with OpenWhisk (5.5.4)
	catchupOnce = "once" // one fire for all of them
	catchupAll  = "all"  // one for each, up to maxLate
)

// The values of deleteAfterFire.
const (
	deleteNothing = "false"
	deleteTrigger = "true"
	deleteRules   = "rules"
)

// spec says when an alarm fires; one of Cron, Minutes and Date is set.
type spec struct {
	Cron            string `json:"cron,omitempty"`
	Timezone        string `json:"timezone,omitempty"`
	Loose           bool   `json:"loose,omitempty"` // strict is false: some seconds after the full minute
	Minutes         int64  `json:"minutes,omitempty"`
	Date            date   `json:"date,omitzero"`
	DeleteAfterFire string `json:"deleteAfterFire,omitempty"`
	Start           date   `json:"startDate,omitzero"`
	Stop            date   `json:"stopDate,omitzero"`
	MaxTriggers     int    `json:"maxTriggers,omitempty"` // 0 for no bound
	Catchup         string `json:"catchup"`

	schedule *cron.Schedule // of Cron
	delay    time.Duration  // after each time of schedule
}

// once reports whether there is but one time.
func (s *spec) once() bool { return !s.Date.zero() }

// compile readies s for next.
func (s *spec) compile(trigger entity.Name) (err error) {
	if s.Cron == "" {
		return nil
	}
	zone, err := time.LoadLocation(s.Timezone)
	if err != nil {
		return err
	}
	s.schedule, err = cron.Parse(s.Cron, zone)
	s.delay = 0
	if err == nil && s.Loose && !s.schedule.Seconds() {
		s.delay = delay(trigger)
	}
	return err
}

// delay spreads the alarms of a minute over it; that of a trigger stays.
func delay(trigger entity.Name) time.Duration {
	h := fnv.New32a()
	h.Write([]byte(trigger.String()))
	return time.Duration(h.Sum32()%60) * time.Second
}

// next returns the first time after a moment, zero if there is none.
func (s *spec) next(after time.Time) time.Time {
	at := s.unbounded(after)
	if at.IsZero() || !s.Stop.zero() && at.After(s.Stop.time()) {
		return time.Time{}
	}
	return at
}

// unbounded is next without the stop date.
func (s *spec) unbounded(after time.Time) time.Time {
	switch start := s.Start.time(); {
	case s.once():
		if s.Date.time().After(after) {
			return s.Date.time()
		}
		return time.Time{}
	case s.Minutes > 0:
		if start.After(after) {
			return start
		}
		step := s.Minutes * time.Minute.Milliseconds()
		passed := (after.UnixMilli() - start.UnixMilli()) / step
		return time.UnixMilli(start.UnixMilli() + (passed+1)*step)
	default:
		if start.After(after) { // a time that is the start itself counts
			after = start.Add(-time.Second)
			if start.Nanosecond() != 0 {
				after = start
			}
		}
		at := s.schedule.Next(after.Add(-s.delay))
		if at.IsZero() {
			return at
		}
		return at.Add(s.delay)
	}
}

// date is a moment with the form in which it was given: milliseconds since
// 1970, or ISO 8601 as a string. The zero date is none.
type date struct {
	raw json.RawMessage
	ms  int64
}

func (d date) zero() bool { return d.raw == nil }

// IsZero is for the encoder's omitzero.
func (d date) IsZero() bool { return d.zero() }

func (d date) time() time.Time {
	if d.zero() {
		return time.Time{}
	}
	return time.UnixMilli(d.ms)
}

// MarshalJSON renders the form in which d was given.
func (d date) MarshalJSON() ([]byte, error) {
	if d.zero() {
		return []byte("null"), nil
	}
	return d.raw, nil
}

// UnmarshalJSON reads both forms; what is neither leaves d zero.
func (d *date) UnmarshalJSON(raw []byte) error {
	*d = date{}
	var ms float64
	if json.Unmarshal(raw, &ms) == nil && ms == float64(int64(ms)) && 0 < ms && ms <= maxDate {
		*d = date{raw: entity.Compact(raw), ms: int64(ms)}
		return nil
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return nil
	}
	for _, form := range isoForms() {
		if t, err := time.Parse(form, text); err == nil && t.UnixMilli() <= maxDate {
			*d = date{raw: entity.Compact(raw), ms: t.UnixMilli()}
			return nil
		}
	}
	return nil
}

// maxDate is the end of the year 9999, in ms.
const maxDate = 253402300799999

// isoForms are those of ECMAScript; without a zone it is UTC. Fractions of a
// second are read where there is a second.
func isoForms() []string {
	return []string{
		time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04",
		"2006-01-02", "2006-01", "2006",
	}
}
