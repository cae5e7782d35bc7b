package cron_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/gowhisk/gowhisk/internal/cron"
)

const layout = "2006-01-02 15:04:05 -0700"

func location(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func parse(t testing.TB, expression, zone string) *cron.Schedule {
	t.Helper()
	s, err := cron.Parse(expression, location(t, zone))
	if err != nil {
		t.Fatalf("%q: %v", expression, err)
	}
	return s
}

// after are the first times after a start, in short form.
func after(t testing.TB, s *cron.Schedule, start string, n int) []string {
	t.Helper()
	at, err := time.Parse(layout, start)
	if err != nil {
		t.Fatal(err)
	}
	var times []string
	for range n {
		at = s.Next(at)
		times = append(times, at.Format(layout))
	}
	return times
}

func TestNextTimesAreThoseThatTheExpressionNames(t *testing.T) {
	for _, c := range []struct{ expression, start, want string }{
		{"* * * * *", "2025-01-01 00:00:00 +0000", "2025-01-01 00:01:00, 2025-01-01 00:02:00"},
		{"*/30 * * * * *", "2025-01-01 00:00:01 +0000", "2025-01-01 00:00:30, 2025-01-01 00:01:00"},
		{"* * * * * *", "2025-12-31 23:59:59 +0000", "2026-01-01 00:00:00, 2026-01-01 00:00:01"},
		{"0 * * * *", "2025-01-01 00:00:00 +0000", "2025-01-01 01:00:00, 2025-01-01 02:00:00"},
		{"0 */2 * * *", "2025-01-01 21:00:00 +0000", "2025-01-01 22:00:00, 2025-01-02 00:00:00"},
		{"0 9 8 * *", "2025-01-08 09:00:00 +0000", "2025-02-08 09:00:00, 2025-03-08 09:00:00"},
		{"0 2 * * 7", "2025-01-01 00:00:00 +0000", "2025-01-05 02:00:00, 2025-01-12 02:00:00"},
		{"0 2 * * SUN", "2025-01-01 00:00:00 +0000", "2025-01-05 02:00:00, 2025-01-12 02:00:00"},
		{"30 9-17/4 * * mon-fri", "2025-01-03 13:30:00 +0000", "2025-01-03 17:30:00, 2025-01-06 09:30:00"},
		{"5/20 0 1 jan,Jul *", "2025-01-01 00:45:00 +0000", "2025-07-01 00:05:00, 2025-07-01 00:25:00"},
		{"0 0 31 * *", "2025-01-31 00:00:00 +0000", "2025-03-31 00:00:00, 2025-05-31 00:00:00"},
		{"0 0 29 2 *", "2025-01-01 00:00:00 +0000", "2028-02-29 00:00:00, 2032-02-29 00:00:00"},
		{"0 0 29 2 *", "2096-02-29 00:00:00 +0000", "2104-02-29 00:00:00, 2108-02-29 00:00:00"},
		{"0 0 13 * 5", "2025-06-01 00:00:00 +0000", "2025-06-06 00:00:00, 2025-06-13 00:00:00, 2025-06-20 00:00:00"},
		{"0 0 * * 1-7", "2025-01-04 00:00:00 +0000", "2025-01-05 00:00:00, 2025-01-06 00:00:00"},
		{"59 59 23 31 12 *", "2025-12-31 23:59:59 +0000", "2026-12-31 23:59:59"},
		{"0 0 1 1 *", "1969-06-01 00:00:00 +0000", "1970-01-01 00:00:00, 1971-01-01 00:00:00"},
		{"0 12 * * *", "1960-02-28 12:00:00 +0000", "1960-02-29 12:00:00"},
	} {
		want := strings.Split(strings.ReplaceAll(c.want, ",", " +0000,")+" +0000", ", ")
		got := after(t, parse(t, c.expression, "UTC"), c.start, len(want))
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q after %s: %q, want %q", c.expression, c.start, got, want)
		}
	}
}

func TestSchedulesFollowTheChangesOfTheirZone(t *testing.T) {
	for _, c := range []struct {
		about, zone, expression, start string
		want                           []string
	}{
		{
			"what the clock skips fires at the end of the gap, once",
			"Europe/Berlin", "30 2 * * *", "2025-03-29 12:00:00 +0100",
			[]string{"2025-03-30 03:00:00 +0200", "2025-03-31 02:30:00 +0200"},
		},
		{
			"several skipped times are one",
			"Europe/Berlin", "*/20 2 * * *", "2025-03-29 12:00:00 +0100",
			[]string{"2025-03-30 03:00:00 +0200", "2025-03-31 02:00:00 +0200"},
		},
		{
			"the end of the gap is no second time",
			"Europe/Berlin", "0 2,3 * * *", "2025-03-29 12:00:00 +0100",
			[]string{"2025-03-30 03:00:00 +0200", "2025-03-31 02:00:00 +0200"},
		},
		{
			"every hour skips with the clock",
			"Europe/Berlin", "30 * * * *", "2025-03-30 00:30:00 +0100",
			[]string{"2025-03-30 01:30:00 +0100", "2025-03-30 03:30:00 +0200"},
		},
		{
			"what comes twice fires at the first",
			"Europe/Berlin", "30 2 * * *", "2025-10-25 12:00:00 +0200",
			[]string{"2025-10-26 02:30:00 +0200", "2025-10-27 02:30:00 +0100"},
		},
		{
			"also for somebody who asks between the two",
			"Europe/Berlin", "30 2 * * *", "2025-10-26 02:10:00 +0100",
			[]string{"2025-10-27 02:30:00 +0100"},
		},
		{
			"every hour ticks on while the clock repeats",
			"Europe/Berlin", "30 * * * *", "2025-10-26 01:30:00 +0200",
			[]string{"2025-10-26 02:30:00 +0200", "2025-10-26 02:30:00 +0100", "2025-10-26 03:30:00 +0100"},
		},
		{
			"a gap at midnight",
			"America/Santiago", "0 0 * * *", "2025-09-06 12:00:00 -0400",
			[]string{"2025-09-07 01:00:00 -0300", "2025-09-08 00:00:00 -0300"},
		},
		{
			"half an hour",
			"Australia/Lord_Howe", "15 2 * * *", "2025-10-04 12:00:00 +1030",
			[]string{"2025-10-05 02:30:00 +1100", "2025-10-06 02:15:00 +1100"},
		},
		{
			"a whole day that a zone left out",
			"Pacific/Apia", "0 12 * * *", "2011-12-29 12:00:00 -1000",
			[]string{"2011-12-31 00:00:00 +1400", "2011-12-31 12:00:00 +1400"},
		},
		{
			"a zone without changes",
			"Asia/Kolkata", "0 9 * * 1-5", "2025-03-28 12:00:00 +0000",
			[]string{"2025-03-31 09:00:00 +0530"},
		},
	} {
		if got := after(t, parse(t, c.expression, c.zone), c.start, len(c.want)); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %q in %s after %s: %q, want %q", c.about, c.expression, c.zone, c.start, got, c.want)
		}
	}
}

func TestExpressionsThatNameNothingAreRefused(t *testing.T) {
	for _, expression := range []string{
		"", "*", "***", "1763600000000", "* * * *", "* * * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *",
		"* * * 0 *", "* * * 13 *", "* * * * 8", "a * * * *", "* * * january *", "*/0 * * * *", "*/-1 * * * *", "5-1 * * * *",
		"1- * * * *", "-1 * * * *", "+1 * * * *", ", * * * *", "1,,2 * * * *", "1/2/3 * * * *", "**  * * * *", "*-5 * * * *",
		"1-* * * * *", "* * 30 2 *", "* * 31 4,6,9,11 *", "@daily", "* * L * *", "9999999999 * * * *", strings.Repeat("1,", 200) + "1 * * * *",
	} {
		if _, err := cron.Parse(expression, nil); err == nil {
			t.Errorf("%q is accepted", expression)
		}
	}
}

func TestScheduleTellsWhetherItHasSeconds(t *testing.T) {
	five, six := parse(t, " *  * * *\t* ", "UTC"), parse(t, "0 * * * * *", "UTC")
	if five.Seconds() || !six.Seconds() || five.Location() != time.UTC {
		t.Errorf("five %v, six %v", five.Seconds(), six.Seconds())
	}
}

// FuzzParse checks what holds for every expression: no panic, and times that
// ascend.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"* * * * *", "*/5 1-3,7 * jan sun", "0 0 29 2 *", "1/9 * * * * *", "30 2 * * *", "0 0 13 * 5"} {
		f.Add(seed, int64(1743292800), uint8(1))
	}
	zones := []*time.Location{time.UTC, location(f, "Europe/Berlin"), location(f, "Australia/Lord_Howe"), location(f, "Pacific/Apia")}
	f.Fuzz(func(t *testing.T, expression string, unix int64, zone uint8) {
		s, err := cron.Parse(expression, zones[int(zone)%len(zones)])
		if err != nil {
			return
		}
		at := time.Unix(unix%(1<<33), 0)
		for range 5 {
			next := s.Next(at)
			if !next.After(at) {
				t.Fatalf("%q: %s comes after %s", expression, next, at)
			}
			if between := at.Add(next.Sub(at) / 2); between.After(at) && !s.Next(between).Equal(next) {
				t.Fatalf("%q: %s comes after %s but %s after %s", expression, next, at, s.Next(between), between)
			}
			at = next
		}
	})
}

func BenchmarkNext(b *testing.B) {
	s := parse(b, "30 9 * * 1-5", "Europe/Berlin")
	at := time.Date(2025, 3, 28, 12, 0, 0, 0, time.UTC)
	b.ReportAllocs()
	for b.Loop() {
		s.Next(at)
	}
}
