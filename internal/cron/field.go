package cron

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// set holds small numbers, one bit each.
type set uint64

func (s set) has(n int) bool { return s>>n&1 == 1 }

// next returns the smallest member that is not below n.
func (s set) next(n int) (int, bool) {
	rest := s >> n << n
	return bits.TrailingZeros64(uint64(rest)), rest != 0
}

// all is the set of every number that the field can have.
func (f *field) all() set { return 1<<(f.high+1) - 1<<f.low }

// field is one column of an expression.
type field struct {
	name      string
	low, high int
	names     []string // of low, low+1, …
}

var fields = [...]field{
	{name: "second", high: 59},
	{name: "minute", high: 59},
	{name: "hour", high: 23},
	{name: "day of month", low: 1, high: 31},
	{name: "month", low: 1, high: 12, names: []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
	{name: "day of week", high: 7, names: []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
}

// parse reads a list of ranges.
func (f *field) parse(text string) (all set, err error) {
	for part := range strings.SplitSeq(text, ",") {
		members, err := f.span(part)
		if err != nil {
			return 0, err
		}
		all |= members
	}
	return all, nil
}

// span reads one range with its step.
func (f *field) span(text string) (set, error) {
	span, steps, stepped := strings.Cut(text, "/")
	step := 1
	if stepped {
		n, err := number(steps)
		if err != nil || n < 1 {
			return 0, f.refuse(text)
		}
		step = n
	}
	from, to, ranged := strings.Cut(span, "-")
	low, high := f.low, f.high
	if span != "*" {
		var ok bool
		if low, ok = f.value(from); !ok {
			return 0, f.refuse(text)
		}
		switch {
		case ranged:
			if high, ok = f.value(to); !ok || high < low {
				return 0, f.refuse(text)
			}
		case !stepped:
			high = low
		}
	}
	var members set
	for n := low; n <= high; n += step {
		members |= 1 << n
	}
	return members, nil
}

// value reads a number or a name.
func (f *field) value(text string) (int, bool) {
	for i, name := range f.names {
		if strings.EqualFold(text, name) {
			return f.low + i, true
		}
	}
	n, err := number(text)
	return n, err == nil && f.low <= n && n <= f.high
}

// number reads at most three digits and nothing else.
func number(text string) (int, error) {
	if strings.HasPrefix(text, "+") || strings.HasPrefix(text, "-") || len(text) > 3 {
		return 0, strconv.ErrSyntax
	}
	return strconv.Atoi(text)
}

func (f *field) refuse(text string) error { return fmt.Errorf("%s %q is not valid", f.name, text) }
