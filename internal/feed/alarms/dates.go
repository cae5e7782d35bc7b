package alarms

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gowhisk/gowhisk/internal/feed"
)

// changeDates reads the dates between which an alarm fires.
func (s *spec) changeDates(p feed.Params, now time.Time) (bool, error) {
	started, err := s.Start.change(p, "startDate", now)
	if err != nil {
		return false, err
	}
	stopped, err := s.Stop.change(p, "stopDate", now)
	if err != nil || s.Start.zero() || s.Stop.zero() || s.Start.time().Before(s.Stop.time()) {
		return started || stopped, err
	}
	if stopped {
		return false, feed.Refuse("stopDate parameter '%s' must be greater than the startDate parameter '%s'", s.Stop.text(), s.Start.text())
	}
	return false, feed.Refuse("startDate parameter '%s' must be less than the stopDate parameter '%s'", s.Start.text(), s.Stop.text())
}

// change reads a date, which must be in the future.
func (d *date) change(p feed.Params, key string, now time.Time) (bool, error) {
	if !p.Has(key) {
		return false, nil
	}
	var given date
	if err := given.UnmarshalJSON(p[key]); err != nil {
		return false, err
	}
	if given.zero() {
		return false, feed.Refuse("%s parameter '%s' is not a valid Date", key, shown(p[key]))
	}
	if !given.time().After(now) {
		return false, feed.Refuse("%s parameter '%s' must be in the future", key, given.text())
	}
	*d = given
	return true, nil
}

// text is a date as it was given, without quotes.
func (d date) text() string { return shown(d.raw) }

func shown(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}

func milliseconds(t time.Time) []byte { return strconv.AppendInt(nil, t.UnixMilli(), 10) }

// oneOf reads a parameter that has one of a few values, in any case.
func oneOf(p feed.Params, key string, values ...string) (string, error) {
	text := strings.ToLower(strings.TrimSpace(shown(p[key])))
	if !slices.Contains(values, text) {
		return "", feed.Refuse("%s parameter must be one of [%s].", key, strings.Join(values, ", "))
	}
	return text, nil
}
