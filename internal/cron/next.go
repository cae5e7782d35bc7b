package cron

import "time"

const day = 24 * 60 * 60 // seconds

// Next returns the first time after t that the schedule names, a full second
// in its location. It is zero if there is none within nine years.
func (s *Schedule) Next(t time.Time) time.Time {
	last := t.AddDate(0, 0, horizon)
	for at := time.Unix(t.Unix()+1, 0).In(s.location); at.Before(last); {
		next, resume := s.within(at)
		if !next.IsZero() {
			return next
		}
		at = resume
	}
	return time.Time{}
}

// within searches from at on as long as the offset of the zone stays. It
// returns the time it found or, if that is zero, where to go on.
func (s *Schedule) within(at time.Time) (next, resume time.Time) {
	_, offset := at.Zone()
	from := at.Unix() + int64(offset)
	start, end := at.ZoneBounds()
	if !end.IsZero() && !end.After(at) { // package time takes every year for 365 days, far in the future
		end = at.Add(time.Hour)
	}
	if !s.everyHour() && !start.IsZero() { // what came before the clock was put back does not come again
		from = max(from, start.Unix()+int64(offsetAt(start.Add(-time.Second))))
	}
	wall, ok := s.wall(from, horizon)
	if !ok {
		return time.Time{}, at.AddDate(0, 0, horizon)
	}
	if end.IsZero() || wall-int64(offset) < end.Unix() {
		return time.Unix(wall-int64(offset), 0).In(s.location), time.Time{}
	}
	if !s.everyHour() && wall < end.Unix()+int64(offsetAt(end)) { // the clock skips it
		return end, time.Time{}
	}
	return time.Time{}, end
}

func offsetAt(t time.Time) int {
	_, offset := t.Zone()
	return offset
}

func (s *Schedule) everyHour() bool { return s.hour == fields[2].all() }

// wall returns the first reading of the clock at or after from that matches.
// Readings are seconds since the epoch in a zone without offset. It looks at
// most that many days ahead.
func (s *Schedule) wall(from int64, days int) (int64, bool) {
	first := floor(from)
	for d := first; d <= first+int64(days)*day; d += day {
		year, month, date := time.Unix(d, 0).UTC().Date()
		if !s.month.has(int(month)) {
			d = time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC).Unix() - day
			continue
		}
		if !s.matches(date, time.Unix(d, 0).UTC().Weekday()) {
			continue
		}
		if second, ok := s.secondOfDay(int(max(from, d) - d)); ok {
			return d + int64(second), true
		}
	}
	return 0, false
}

// floor returns the beginning of the day.
func floor(t int64) int64 { return t - (t%day+day)%day }

// matches follows crontab(5): of two restricted fields either is enough.
func (s *Schedule) matches(date int, weekday time.Weekday) bool {
	byDate, byWeekday := s.day.has(date), s.weekday.has(int(weekday))
	if s.day != fields[3].all() && s.weekday != everyWeekday {
		return byDate || byWeekday
	}
	return byDate && byWeekday
}

const everyWeekday set = 1<<7 - 1

// secondOfDay returns the first matching second of a day at or after from.
func (s *Schedule) secondOfDay(from int) (int, bool) {
	for h, ok := s.hour.next(from / 3600); ok; h, ok = s.hour.next(h + 1) {
		rest := max(from-h*3600, 0)
		for m, ok := s.minute.next(rest / 60); ok; m, ok = s.minute.next(m + 1) {
			if sec, ok := s.second.next(max(rest-m*60, 0)); ok {
				return h*3600 + m*60 + sec, true
			}
		}
	}
	return 0, false
}
