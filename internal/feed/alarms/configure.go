package alarms

import (
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/feed"
)

// TypeParam is the fixed parameter that tells the three feed actions apart:
// TypeCron, TypeInterval or TypeOnce.
const TypeParam = "alarm"

// The types of alarms.
const (
	TypeCron     = "cron"
	TypeInterval = "interval"
	TypeOnce     = "once"
)

const (
	startDelay = 30 * time.Second    // of an interval without a start date
	maxMinutes = 100 * 366 * 24 * 60 // of an interval
)

// create makes the spec that CREATE asks for. Texts are those of OpenWhisk's
// alarms.
func create(c *feed.Call, now time.Time) (s spec, err error) {
	s.Catchup = catchupNone
	p := c.Params
	switch p.Text(TypeParam) {
	case TypeOnce:
		if !p.Has("date") {
			return s, feed.Refuse("alarms once trigger feed is missing the date parameter")
		}
		s.DeleteAfterFire = deleteNothing
	case TypeInterval:
		if !p.Has("minutes") {
			return s, feed.Refuse("interval trigger feed is missing the minutes parameter")
		}
	default:
		if !p.Has("cron") {
			return s, feed.Refuse("alarms trigger feed is missing the cron parameter")
		}
	}
	if _, err := s.change(c, p.Text(TypeParam), now); err != nil {
		return s, err
	}
	if s.Minutes > 0 && s.Start.zero() {
		if err := s.Start.UnmarshalJSON(milliseconds(now.Add(startDelay))); err != nil {
			return s, err
		}
		if !s.Stop.zero() && !s.Stop.time().After(s.Start.time()) {
			return s, feed.Refuse("stopDate parameter '%s' must be greater than the startDate parameter '%s'", s.Stop.text(), s.Start.text())
		}
	}
	if s.next(now).IsZero() {
		return s, feed.Refuse("the first scheduled trigger fire is not until after the stop date")
	}
	return s, nil
}

// change takes over the parameters that alarms of the type have, and reports
// whether there was one.
func (s *spec) change(c *feed.Call, alarmType string, now time.Time) (changed bool, err error) {
	steps := []func(feed.Params, time.Time) (bool, error){s.changeCatchup}
	switch alarmType {
	case TypeOnce:
		steps = append(steps, s.changeOnce)
	case TypeInterval:
		steps = append(steps, s.changeMinutes, s.changeDates, s.changeMax)
	default:
		steps = append(steps, s.changeCron, s.changeDates, s.changeMax)
	}
	for _, step := range steps {
		did, err := step(c.Params, now)
		if err != nil {
			return false, err
		}
		changed = changed || did
	}
	return changed, s.compileFor(c.Trigger)
}

func (s *spec) compileFor(trigger entity.Name) error {
	if _, err := time.LoadLocation(s.Timezone); err != nil || s.Timezone == "Local" {
		return feed.Refuse("Invalid timezone.")
	}
	if err := s.compile(trigger); err != nil {
		return feed.Refuse("cron pattern '%s' is not valid", s.Cron)
	}
	return nil
}

func (s *spec) changeOnce(p feed.Params, now time.Time) (bool, error) {
	changed, err := s.Date.change(p, "date", now)
	if err != nil || !p.Has("deleteAfterFire") {
		return changed, err
	}
	s.DeleteAfterFire, err = oneOf(p, "deleteAfterFire", deleteNothing, deleteTrigger, deleteRules)
	return true, err
}

func (s *spec) changeMinutes(p feed.Params, _ time.Time) (bool, error) {
	if !p.Has("minutes") {
		return false, nil
	}
	minutes, ok := p.Integer("minutes")
	switch {
	case !ok:
		return false, feed.Refuse("the minutes parameter must be an integer")
	case minutes <= 0:
		return false, feed.Refuse("the minutes parameter must be an integer greater than zero")
	case minutes > maxMinutes:
		return false, feed.Refuse("the minutes parameter must not be greater than %d", maxMinutes)
	}
	s.Minutes = minutes
	return true, nil
}

func (s *spec) changeCron(p feed.Params, _ time.Time) (changed bool, err error) {
	if p.Has("cron") {
		s.Cron, changed = p.Text("cron"), true
		if s.Cron == "" {
			return false, feed.Refuse("cron pattern '%s' is not valid", p["cron"])
		}
	}
	if p.Has("timezone") {
		s.Timezone, changed = p.Text("timezone"), true
	}
	if _, given := p["strict"]; given {
		strict, err := oneOf(p, "strict", "true", "false")
		if err != nil {
			return false, err
		}
		s.Loose, changed = strict == "false", true
	}
	return changed, nil
}

func (s *spec) changeMax(p feed.Params, _ time.Time) (bool, error) {
	if !p.Has("maxTriggers") {
		return false, nil
	}
	if p.Text("maxTriggers") == "-1" { // without bound
		s.MaxTriggers = 0
		return true, nil
	}
	if p.Has("stopDate") && s.Minutes > 0 {
		return false, feed.Refuse("maxTriggers is not supported for the interval trigger feed")
	}
	if p.Has("stopDate") {
		return false, feed.Refuse("maxTriggers is not allowed when the stopDate parameter is specified")
	}
	n, ok := p.Integer("maxTriggers")
	if !ok || n < 1 || n > 1<<30 {
		return false, feed.Refuse("the maxTriggers parameter must be an integer greater than zero")
	}
	s.MaxTriggers = int(n)
	return true, nil
}

func (s *spec) changeCatchup(p feed.Params, _ time.Time) (bool, error) {
	if !p.Has("catchup") {
		return false, nil
	}
	policy, err := oneOf(p, "catchup", catchupNone, catchupOnce, catchupAll)
	if err == nil {
		s.Catchup = policy
	}
	return true, err
}
