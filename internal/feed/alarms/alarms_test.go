package alarms_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/feed"
	"github.com/gowhisk/gowhisk/internal/feed/alarms"
)

// inTime runs a test in simulated time, which begins at midnight of
// 2000-01-01 UTC.
func inTime(t *testing.T, test func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) { test(t, newWorld()) })
}

// pass lets time pass and everything come to rest.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestCronAlarmFiresAtItsTimesWithItsPayload(t *testing.T) {
	inTime(t, func(t *testing.T, w *world) {
		p := w.start(t)
		defer p.stop()
		p.must(t, feed.Create, alarms.TypeCron, "a", `{"cron":"*/30 * * * * *","trigger_payload":{"n":1}}`)
		pass(65 * time.Second)
		same(t, "", w.fired(), `a 00:00:30 {"n":1}`, `a 00:01:00 {"n":1}`)
		p.must(t, feed.Update, alarms.TypeCron, "a", `{"cron":"0 1 * * *","timezone":"Europe/Berlin","trigger_payload":"text"}`)
		pass(24 * time.Hour)
		same(t, "updated", w.fired(), `a 00:00:00 {"payload":"text"}`)
		p.must(t, feed.Delete, alarms.TypeCron, "a", `{}`)
		pass(48 * time.Hour)
		same(t, "deleted", w.fired())
		if p.Count() != 0 || len(w.entries) != 0 {
			t.Errorf("%d alarms, %d entries are left", p.Count(), len(w.entries))
		}
	})
}

// Large payloads lie beside their alarms: they take no memory and are not
// written with every change of the state.
func TestLargePayloadsAreKeptApart(t *testing.T) {
	inTime(t, func(t *testing.T, w *world) {
		large := `{"a":"` + strings.Repeat("x", 100_000) + `"}`
		p := w.start(t)
		p.must(t, feed.Create, alarms.TypeCron, "a", `{"cron":"* * * * *","maxTriggers":9,"trigger_payload":`+large+`}`)
		pass(time.Minute)
		p.stop()
		p = w.start(t)
		defer p.stop()
		p.must(t, feed.Update, alarms.TypeCron, "a", `{"maxTriggers":2}`)
		p.must(t, feed.Pause, alarms.TypeCron, "a", `{}`)
		p.must(t, feed.Unpause, alarms.TypeCron, "a", `{}`)
		pass(time.Minute)
		same(t, "", w.fired(), "a 00:01:00 "+large, "a 00:02:00 "+large)
		if out := p.must(t, feed.Read, alarms.TypeCron, "a", `{}`); !strings.Contains(out, large) || len(w.entries["guest/a"]) > 1000 {
			t.Errorf("the entry has %d bytes, read says %.100s", len(w.entries["guest/a"]), out)
		}
		p.must(t, feed.Update, alarms.TypeCron, "a", `{"trigger_payload":{"b":1}}`)
		pass(time.Minute)
		same(t, "small", w.fired(), `a 00:03:00 {"b":1}`)
		p.must(t, feed.Delete, alarms.TypeCron, "a", `{}`)
		if len(w.entries) != 0 {
			t.Errorf("%d entries are left", len(w.entries))
		}
	})
}

func TestIntervalFiresFromItsStartToItsStop(t *testing.T) {
	inTime(t, func(t *testing.T, w *world) {
		p := w.start(t)
		defer p.stop()
		p.must(t, feed.Create, alarms.TypeInterval, "soon", `{"minutes":2}`)
		p.must(t, feed.Create, alarms.TypeInterval, "bounded", `{"minutes":1,"startDate":"2000-01-01T00:10:00.000Z","stopDate":"2000-01-01T00:12:30Z"}`)
		pass(3 * time.Minute)
		same(t, "", w.fired(), "soon 00:00:30 ", "soon 00:02:30 ")
		p.must(t, feed.Delete, alarms.TypeInterval, "soon", `{}`)
		pass(time.Hour)
		same(t, "bounded", w.fired(), "bounded 00:10:00 ", "bounded 00:11:00 ", "bounded 00:12:00 ")
		if out := p.must(t, feed.Read, alarms.TypeCron, "bounded", `{}`); !strings.Contains(out, "Automatically disabled after firing last scheduled interval trigger") {
			t.Errorf("read says %s", out)
		}
	})
}

func TestOnceFiresOnceAndDeletesWhatItShall(t *testing.T) {
	for deletion, want := range map[string]string{"": "", `"false"`: "", "true": "t", `"rules"`: "t,rule r1,rule r2"} {
		inTime(t, func(t *testing.T, w *world) {
			w.rules = []entity.Link{{Rule: entity.Name{Namespace: "guest", Name: "r1"}}, {Rule: entity.Name{Namespace: "guest", Name: "r2"}}}
			p := w.start(t)
			defer p.stop()
			params := `{"date":946684860000}`
			if deletion != "" {
				params = `{"date":946684860000,"deleteAfterFire":` + deletion + `}`
			}
			p.must(t, feed.Create, alarms.TypeOnce, "t", params)
			pass(time.Hour)
			same(t, deletion, w.fired(), "t 00:01:00 ")
			if got := strings.Join(w.deleted, ","); got != want {
				t.Errorf("deleteAfterFire %s: deleted %q, want %q", deletion, got, want)
			}
			if want != "" {
				if p.Count() != 0 || len(w.entries) != 0 {
					t.Errorf("%d alarms, %d entries are left", p.Count(), len(w.entries))
				}
				return
			}
			if out := p.must(t, feed.Read, alarms.TypeOnce, "t", `{}`); !strings.Contains(out, `"message":"Automatically disabled after firing once"`) {
				t.Errorf("read says %s", out)
			}
		})
	}
}

func TestMaxTriggersIsNotExceeded(t *testing.T) {
	inTime(t, func(t *testing.T, w *world) {
		p := w.start(t)
		p.must(t, feed.Create, alarms.TypeCron, "a", `{"cron":"* * * * *","maxTriggers":3}`)
		pass(2*time.Minute + time.Second)
		p.stop() // as good as a kill: nothing but what is in the entries comes back
		p = w.start(t)
		defer p.stop()
		pass(time.Hour)
		same(t, "", w.fired(), "a 00:01:00 ", "a 00:02:00 ", "a 00:03:00 ")
		if out := p.must(t, feed.Read, alarms.TypeCron, "a", `{}`); !strings.Contains(out, "Automatically disabled after reaching max triggers") {
			t.Errorf("read says %s", out)
		}
	})
}

// What is to be fired is on disk before: a provider that dies in the middle
// of a fire does not fire again.
func TestClaimsAreWrittenBeforeTheFire(t *testing.T) {
	inTime(t, func(t *testing.T, w *world) {
		p := w.start(t)
		p.must(t, feed.Create, alarms.TypeOnce, "a", `{"date":"2000-01-01T00:01:00Z"}`)
		p.must(t, feed.Create, alarms.TypeCron, "b", `{"cron":"* * * * *","maxTriggers":1}`)
		crash := func(string) error { // the moment of the crash: copy the disk
			crashed := newWorld()
			for key, body := range w.entries {
				crashed.entries[key] = body
			}
			again := crashed.start(t)
			again.stop()
			if got := crashed.fired(); got != "" {
				t.Errorf("fired again: %s", got)
			}
			return nil
		}
		w.set(func() { w.answer = crash })
		pass(time.Minute)
		if got := w.fired(); strings.Count(got, "\n") != 1 {
			t.Errorf("fired %q", got)
		}
		p.stop()
	})
}

func TestFullDiskDelaysWhatMustBeWrittenAndNothingElse(t *testing.T) {
	inTime(t, func(t *testing.T, w *world) {
		p := w.start(t)
		defer p.stop()
		p.must(t, feed.Create, alarms.TypeCron, "counted", `{"cron":"* * * * *","maxTriggers":1}`)
		w.set(func() { w.full = true })
		pass(time.Minute + 5*time.Second)
		same(t, "while full", w.fired())
		w.set(func() { w.full = false })
		pass(2 * time.Second)
		same(t, "with room", w.fired(), "counted 00:01:06 ")
		w.set(func() { w.full = true })
		if _, err := p.call(feed.Create, alarms.TypeCron, "new", `{"cron":"* * * * *"}`); err == nil {
			t.Error("an alarm that is not kept was accepted")
		}
		pass(time.Hour)
		same(t, "refused", w.fired())
	})
}

func TestMissedTimesFollowTheCatchupPolicy(t *testing.T) {
	for policy, want := range map[string][]string{
		"":     {"a 00:34:00 "},
		"none": {"a 00:34:00 "},
		"once": {"a 00:33:30 ", "a 00:34:00 "},
		"all":  {"a 00:33:30 ", "a 00:33:30 ", "a 00:34:00 "}, // for 00:14 and 00:24
	} {
		inTime(t, func(t *testing.T, w *world) {
			p := w.start(t)
			p.must(t, feed.Create, alarms.TypeCron, "a", fmt.Sprintf(`{"cron":"4-59/10 * * * *","catchup":%q}`, policy))
			pass(5 * time.Minute)
			p.stop()
			same(t, policy, w.fired(), "a 00:04:00 ")
			pass(28*time.Minute + 30*time.Second)
			p = w.start(t)
			pass(time.Second)
			p.stop() // nothing is made up for twice
			p = w.start(t)
			pass(time.Minute)
			p.stop()
			same(t, policy, w.fired(), want...)
		})
	}
}

func TestCatchupIsBounded(t *testing.T) {
	inTime(t, func(t *testing.T, w *world) {
		p := w.start(t)
		p.must(t, feed.Create, alarms.TypeCron, "a", `{"cron":"* * * * *","catchup":"all"}`)
		p.stop()
		pass(30 * 24 * time.Hour)
		p = w.start(t)
		defer p.stop()
		pass(time.Second)
		if n := strings.Count(w.fired(), "a 00:00:00"); n != 100 {
			t.Errorf("%d fires make up for a month, want 100", n)
		}
		pass(5 * time.Minute)
		if n := len(strings.Split(w.fired(), "\n")); n != 5 {
			t.Errorf("%d fires in the five minutes after, want 5", n)
		}
	})
}

func TestMissedOnceFollowsItsPolicy(t *testing.T) {
	for policy, want := range map[string]string{"none": "", "once": "a 01:00:00 ", "all": "a 01:00:00 "} {
		inTime(t, func(t *testing.T, w *world) {
			p := w.start(t)
			p.must(t, feed.Create, alarms.TypeOnce, "a", fmt.Sprintf(`{"date":"2000-01-01T00:30:00Z","catchup":%q}`, policy))
			p.stop()
			pass(time.Hour)
			p = w.start(t)
			defer p.stop()
			pass(time.Minute)
			same(t, policy, w.fired(), want)
			if out := p.must(t, feed.Read, alarms.TypeOnce, "a", `{}`); !strings.Contains(out, `"active":false`) {
				t.Errorf("%s: read says %s", policy, out)
			}
		})
	}
}

func TestDeletionThatACrashPreventedIsMadeUpFor(t *testing.T) {
	inTime(t, func(t *testing.T, w *world) {
		p := w.start(t)
		p.must(t, feed.Create, alarms.TypeOnce, "a", `{"date":"2000-01-01T00:01:00Z","deleteAfterFire":"true"}`)
		crashed := newWorld()
		w.set(func() {
			w.answer = func(string) error {
				crashed.entries["guest/a"] = w.entries["guest/a"]
				return nil
			}
		})
		pass(2 * time.Minute)
		p.stop()
		p = crashed.start(t)
		defer p.stop()
		pass(time.Second)
		if fired := crashed.fired(); fired != "" || fmt.Sprint(crashed.deleted) != "[a]" || len(crashed.entries) != 0 {
			t.Errorf("fired %q, deleted %v, %d entries left", fired, crashed.deleted, len(crashed.entries))
		}
	})
}

func TestFailedFiresAreRetriedOrEndTheAlarm(t *testing.T) {
	revoked := entity.ErrAuthInvalid
	for _, c := range []struct {
		about, want string
		answer      error
		fires       int
		kept        bool
	}{
		{"overload", `"active":true`, entity.ErrUnavailable, 10, true},
		{"throttle", `"active":true`, entity.Errorf(entity.Throttled, "slow"), 10, true},
		{"conflict", `"active":true`, entity.ErrModified, 10, true},
		{"failure of the platform", `"active":true`, errors.New("disk"), 10, true},
		{"key", `"statusCode":401`, revoked, 1, true},
		{"rights", `"statusCode":403`, entity.ErrNotEntitled, 1, true},
		{"bad payload", `"statusCode":400`, entity.MalformedContent("x"), 1, true},
		{"trigger is gone", "", entity.ErrNotFound, 1, false},
	} {
		inTime(t, func(t *testing.T, w *world) {
			w.answer = func(string) error { return c.answer }
			p := w.start(t)
			defer p.stop()
			p.must(t, feed.Create, alarms.TypeCron, "a", `{"cron":"0 1 * * *"}`)
			pass(2 * time.Hour)
			if n := len(strings.Split(w.fired(), "\n")); n != c.fires {
				t.Errorf("%s: %d fires, want %d", c.about, n, c.fires)
			}
			out, err := p.call(feed.Read, alarms.TypeCron, "a", `{}`)
			if (err == nil) != c.kept || !strings.Contains(out, c.want) || len(w.entries) == 1 != c.kept {
				t.Errorf("%s: read says %s, %v; %d entries", c.about, out, err, len(w.entries))
			}
		})
	}
}

func TestFiringsThatComeToNothingNeitherCountNorHoldUpOthers(t *testing.T) {
	inTime(t, func(t *testing.T, w *world) {
		p := w.start(t)
		defer p.stop()
		p.must(t, feed.Create, alarms.TypeCron, "a", `{"cron":"* * * * *","maxTriggers":2}`)
		w.set(func() { w.answer = func(string) error { return entity.ErrUnavailable } })
		pass(5*time.Minute + 30*time.Second)
		if fires := w.fired(); !strings.Contains(fires, "a 00:01:31 \na 00:02:00 \na 00:02:01") || strings.Contains(fires, "a 00:02:02") {
			t.Errorf("while it fails: fired\n%s", fires)
		}
		w.set(func() { w.answer = nil })
		pass(time.Hour)
		same(t, "", w.fired(), "a 00:05:31 ", "a 00:06:00 ")
	})
}

func TestOnceThatCannotFireKeepsItsTrigger(t *testing.T) {
	inTime(t, func(t *testing.T, w *world) {
		w.answer = func(string) error { return entity.ErrUnavailable }
		p := w.start(t)
		p.must(t, feed.Create, alarms.TypeOnce, "a", `{"date":"2000-01-01T00:01:00Z","deleteAfterFire":"rules"}`)
		p.must(t, feed.Create, alarms.TypeOnce, "b", `{"date":"2000-01-01T00:01:00Z"}`)
		pass(time.Hour)
		p.stop()
		p = w.start(t)
		defer p.stop()
		pass(time.Hour)
		for _, name := range []string{"a", "b"} {
			if out := p.must(t, feed.Read, alarms.TypeOnce, name, `{}`); !strings.Contains(out, `"statusCode":503`) || len(w.deleted) != 0 {
				t.Errorf("read of %s says %s; deleted %v", name, out, w.deleted)
			}
		}
	})
}

func TestLastFiringThatComesToNothingIsGivenBack(t *testing.T) {
	inTime(t, func(t *testing.T, w *world) {
		p := w.start(t)
		defer p.stop()
		p.must(t, feed.Create, alarms.TypeCron, "a", `{"cron":"*/10 * * * *","maxTriggers":1}`)
		w.set(func() { w.answer = func(string) error { return entity.ErrUnavailable } })
		pass(15 * time.Minute)
		w.set(func() { w.fires, w.answer = nil, nil })
		pass(time.Hour)
		same(t, "", w.fired(), "a 00:20:00 ")
	})
}

func TestAlarmOfARevokedKeyFiresNothing(t *testing.T) {
	inTime(t, func(t *testing.T, w *world) {
		p := w.start(t)
		defer p.stop()
		p.must(t, feed.Create, alarms.TypeCron, "a", `{"cron":"* * * * *"}`)
		w.set(func() { w.owner = entity.ErrAuthInvalid })
		pass(time.Hour)
		same(t, "", w.fired())
		const want = `"reason":{"kind":"AUTO","statusCode":401,"message":"Automatically disabled after receiving a 401 status code when firing the trigger"}`
		if out := p.must(t, feed.Read, alarms.TypeCron, "a", `{}`); !strings.Contains(out, want) {
			t.Errorf("read says %s", out)
		}
	})
}

func TestPausedAlarmFiresNotBeforeItIsUnpaused(t *testing.T) {
	inTime(t, func(t *testing.T, w *world) {
		p := w.start(t)
		p.must(t, feed.Create, alarms.TypeCron, "a", `{"cron":"* * * * *","catchup":"all"}`)
		p.must(t, feed.Pause, alarms.TypeCron, "a", `{}`)
		p.stop()
		p = w.start(t)
		defer p.stop()
		pass(10 * time.Minute)
		same(t, "paused", w.fired())
		p.must(t, feed.Unpause, alarms.TypeCron, "a", `{}`)
		pass(time.Minute)
		same(t, "unpaused", w.fired(), "a 00:11:00 ")
	})
}

func TestLooseAlarmsKeepTheirSecondOfTheMinute(t *testing.T) {
	inTime(t, func(t *testing.T, w *world) {
		p := w.start(t)
		defer p.stop()
		p.must(t, feed.Create, alarms.TypeCron, "a", `{"cron":"* * * * *","strict":"false"}`)
		pass(3 * time.Minute)
		fires := strings.Split(w.fired(), "\n")
		if len(fires) < 2 || fires[0][8:] != fires[1][8:] || fires[0][8:10] == "00" {
			t.Errorf("fired %q", fires)
		}
		p.must(t, feed.Update, alarms.TypeCron, "a", `{"strict":true}`)
		pass(time.Minute)
		same(t, "strict", w.fired(), "a 00:04:00 ")
	})
}
