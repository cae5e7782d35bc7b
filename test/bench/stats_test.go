package main

import (
	"testing"
	"time"
)

func TestRatioIsTheMedianOfTheRounds(t *testing.T) {
	floor := series{{rate: 100}, {rate: 50}, {rate: 200}}
	s := series{{rate: 60}, {rate: 35}, {rate: 100}}
	if got := s.rateRatio(floor); got != 0.6 {
		t.Errorf("got %v, want 0.6: the middle of 0.6, 0.7 and 0.5", got)
	}
}

func TestAddedTimeIsTheMedianOfTheRounds(t *testing.T) {
	floor := series{{p50: 10}, {p50: 20}, {p50: 1}}
	s := series{{p50: 15}, {p50: 28}, {p50: 2}}
	if got := s.added(floor); got != 5 {
		t.Errorf("got %v, want 5", got)
	}
}

func TestSampleHasQuantilesOfUnsortedTimes(t *testing.T) {
	took := make([]time.Duration, 100)
	for i := range took {
		took[i] = time.Duration(100 - i)
	}
	s := sampleOf(took, time.Second)
	if s.p50 != 51 || s.p99 != 100 || s.rate != 100 {
		t.Errorf("got p50 %d, p99 %d, rate %g; want 51, 100, 100", s.p50, s.p99, s.rate)
	}
	if got := sampleOf(nil, time.Second); got.p99 != 0 {
		t.Errorf("got p99 %d of nothing, want 0", got.p99)
	}
}

func TestGoalIsMetOnItsBound(t *testing.T) {
	for _, tt := range []struct {
		goal *goal
		want string
	}{
		{atLeast(0.6, 0.6, "× bare"), "0.6 × bare (≥ 0.6) met"},
		{atLeast(0.5, 0.6, "× bare"), "0.5 × bare (≥ 0.6) MISSED"},
		{atMost(2, 2, "ms"), "2 ms (≤ 2) met"},
		{atMost(2.5, 2, "ms"), "2.5 ms (≤ 2) MISSED"},
		{nil, ""},
	} {
		if got := tt.goal.String(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
