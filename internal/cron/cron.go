// Package cron reads cron expressions and finds the times that they name. The
// language is that of OpenWhisk's alarms: what crontab(5) says, with an
// optional field of seconds in front.
//
//	[second] minute hour day-of-month month day-of-week
//
// A field is "*", a number, a range "a-b", each with an optional step "/n",
// or a list of these. "a/n" means from a on. Months and days of the week may
// be named by their first three letters; both 0 and 7 are Sunday. Without
// seconds the time is the full minute. If both day fields are restricted, a
// day matches that satisfies either.
//
// Where a zone changes its offset, a schedule whose hour is "*" goes by the
// clock's ticks: what is skipped is skipped, what comes twice fires twice. A
// schedule with certain hours fires once a day: what falls into the skipped
// time fires at its end, what comes twice fires at the first.
package cron

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// maxLength bounds an expression, in bytes.
const maxLength = 256

// horizon bounds the search for the next time: 29 February may be eight years
// away, and as a certain day of a month in a list no further.
const horizon = 9 * 366 // days

// Schedule is a parsed expression in a time zone. It is immutable.
type Schedule struct {
	second, minute, hour, day, month, weekday set

	location *time.Location
	seconds  bool // the expression has six fields
}

// Parse reads an expression; location nil means UTC. An expression that names
// no time at all, such as 30 February, is an error.
func Parse(expression string, location *time.Location) (*Schedule, error) {
	if location == nil {
		location = time.UTC
	}
	if len(expression) > maxLength {
		return nil, fmt.Errorf("expression is longer than %d bytes", maxLength)
	}
	texts := strings.Fields(expression)
	s := &Schedule{location: location, seconds: len(texts) == len(fields)}
	if !s.seconds {
		texts = append([]string{"0"}, texts...)
	}
	if len(texts) != len(fields) {
		return nil, fmt.Errorf("expression has %d fields, want 5 or 6", len(strings.Fields(expression)))
	}
	into := [len(fields)]*set{&s.second, &s.minute, &s.hour, &s.day, &s.month, &s.weekday}
	for i, f := range fields {
		var err error
		if *into[i], err = f.parse(texts[i]); err != nil {
			return nil, err
		}
	}
	if s.weekday.has(7) {
		s.weekday = s.weekday&^(1<<7) | 1<<0
	}
	if _, ok := s.wall(0, horizon); !ok {
		return nil, errors.New("no day has this date")
	}
	return s, nil
}

// Seconds reports whether the expression has a field of seconds.
func (s *Schedule) Seconds() bool { return s.seconds }

// Location is the time zone.
func (s *Schedule) Location() *time.Location { return s.location }
