package alarms_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/feed"
	"github.com/gowhisk/gowhisk/internal/feed/alarms"
)

func TestParametersAreRefusedInTheWordsOfOpenWhisksAlarms(t *testing.T) {
	inTime(t, func(t *testing.T, w *world) {
		p := w.start(t)
		defer p.stop()
		for _, c := range []struct{ alarmType, params, want string }{
			{alarms.TypeCron, `{}`, "alarms trigger feed is missing the cron parameter"},
			{alarms.TypeCron, `{"cron":""}`, "alarms trigger feed is missing the cron parameter"},
			{alarms.TypeCron, `{"cron":1763600000000}`, "cron pattern '1763600000000' is not valid"},
			{alarms.TypeCron, `{"cron":"***"}`, "cron pattern '***' is not valid"},
			{alarms.TypeCron, `{"cron":["* * * * *"]}`, `cron pattern '["* * * * *"]' is not valid`},
			{alarms.TypeCron, `{"cron":"* * * * *","timezone":"Nowhere/Land"}`, "Invalid timezone."},
			{alarms.TypeCron, `{"cron":"* * * * *","timezone":"../../etc/localtime"}`, "Invalid timezone."},
			{alarms.TypeCron, `{"cron":"* * * * *","timezone":"Local"}`, "Invalid timezone."},
			{alarms.TypeCron, `{"cron":"* * * * *","startDate":946684799000}`, "startDate parameter '946684799000' must be in the future"},
			{alarms.TypeCron, `{"cron":"* * * * *","startDate":"2000-01-01T00:30:00Z","stopDate":946686600000}`, "stopDate parameter '946686600000' must be greater than the startDate parameter '2000-01-01T00:30:00Z'"},
			{alarms.TypeCron, `{"cron":"0 5 * * *","stopDate":"2000-01-01T04:00:00Z"}`, "the first scheduled trigger fire is not until after the stop date"},
			{alarms.TypeCron, `{"cron":"* * * * *","stopDate":"2001-01-01","maxTriggers":3}`, "maxTriggers is not allowed when the stopDate parameter is specified"},
			{alarms.TypeCron, `{"cron":"* * * * *","maxTriggers":"many"}`, "the maxTriggers parameter must be an integer greater than zero"},
			{alarms.TypeCron, `{"cron":"* * * * *","strict":7}`, "strict parameter must be one of [true, false]."},
			{alarms.TypeCron, `{"cron":"* * * * *","catchup":"some"}`, "catchup parameter must be one of [none, once, all]."},
			{alarms.TypeCron, `{"cron":"* * * * *","trigger_payload":[1]}`, "the trigger_payload parameter must be an object or a string"},
			{alarms.TypeInterval, `{}`, "interval trigger feed is missing the minutes parameter"},
			{alarms.TypeInterval, `{"minutes":"five"}`, "the minutes parameter must be an integer"},
			{alarms.TypeInterval, `{"minutes":1.5}`, "the minutes parameter must be an integer"},
			{alarms.TypeInterval, `{"minutes":-1}`, "the minutes parameter must be an integer greater than zero"},
			{alarms.TypeInterval, `{"minutes":9223372036854775807}`, "the minutes parameter must not be greater than 52704000"},
			{alarms.TypeInterval, `{"minutes":1,"stopDate":"2001-01-01","maxTriggers":3}`, "maxTriggers is not supported for the interval trigger feed"},
			{alarms.TypeInterval, `{"minutes":1,"stopDate":946684810000}`, "stopDate parameter '946684810000' must be greater than the startDate parameter '946684830000'"},
			{alarms.TypeOnce, `{}`, "alarms once trigger feed is missing the date parameter"},
			{alarms.TypeOnce, `{"date":"tomorrow"}`, "date parameter 'tomorrow' is not a valid Date"},
			{alarms.TypeOnce, `{"date":1e300}`, "date parameter '1e300' is not a valid Date"},
			{alarms.TypeOnce, `{"date":"1999-12-31T23:59:59.999Z"}`, "date parameter '1999-12-31T23:59:59.999Z' must be in the future"},
			{alarms.TypeOnce, `{"date":"2001-01-01","deleteAfterFire":"maybe"}`, "deleteAfterFire parameter must be one of [false, true, rules]."},
		} {
			if _, err := p.call(feed.Create, c.alarmType, "a", c.params); err == nil || err.Error() != c.want {
				t.Errorf("%s %s: %v, want %s", c.alarmType, c.params, err, c.want)
			}
		}
		for _, event := range []feed.Event{feed.Read, feed.Update, feed.Delete, feed.Pause, feed.Unpause} {
			if _, err := p.call(event, alarms.TypeCron, "a", `{}`); err == nil || err.Error() != "could not find trigger /guest/a in the database" {
				t.Errorf("%s without an alarm: %v", event, err)
			}
		}
		if p.Count() != 0 || len(w.entries) != 0 {
			t.Errorf("%d alarms, %d entries though all were refused", p.Count(), len(w.entries))
		}
	})
}

func TestReadShowsWhatWasAskedForInTheFormOfOpenWhisksAlarms(t *testing.T) {
	inTime(t, func(t *testing.T, w *world) {
		p := w.start(t)
		defer p.stop()
		const status = `"status":{"active":true,"dateChanged":946684800000,"dateChangedISO":"2000-01-01T00:00:00Z"}`
		for _, c := range []struct{ alarmType, params, want string }{
			{
				alarms.TypeCron, `{"cron":"* * * * *","timezone":"UTC","startDate":946684830000,"stopDate":"2000-02-01","trigger_payload":{"a":1}}`,
				`{"config":{"catchup":"none","cron":"* * * * *","name":"a","namespace":"guest","payload":{"a":1},"startDate":946684830000,"stopDate":"2000-02-01","timezone":"UTC"},"next":946684860000,` + status + `}`,
			},
			{
				alarms.TypeInterval, `{"minutes":"2","trigger_payload":""}`,
				`{"config":{"catchup":"none","minutes":2,"name":"a","namespace":"guest","payload":{},"startDate":946684830000},"next":946684830000,` + status + `}`,
			},
			{
				alarms.TypeOnce, `{"date":"2000-01-01T01:00:00+00:30","deleteAfterFire":"RULES"}`,
				`{"config":{"catchup":"none","date":"2000-01-01T01:00:00+00:30","deleteAfterFire":"rules","name":"a","namespace":"guest","payload":{}},"next":946686600000,` + status + `}`,
			},
		} {
			if out := p.must(t, feed.Create, c.alarmType, "a", c.params); out != `{"status":"success"}` {
				t.Errorf("create answers %s", out)
			}
			if out := p.must(t, feed.Read, alarms.TypeCron, "a", `{}`); out != c.want {
				t.Errorf("read of %s says\n%s\nwant\n%s", c.alarmType, out, c.want)
			}
		}
	})
}

func TestUpdateChangesWhatItNamesWhicheverActionIsCalled(t *testing.T) {
	inTime(t, func(t *testing.T, w *world) {
		p := w.start(t)
		defer p.stop()
		p.must(t, feed.Create, alarms.TypeOnce, "a", `{"date":"2000-01-02","trigger_payload":{"a":1}}`)
		for params, want := range map[string]string{
			`{}`: "no updatable parameters were specified",
			`{"startDate":"2000-01-03","stopDate":"2000-01-04"}`: "no updatable parameters were specified",
			`{"date":"1999-01-01"}`:                              "date parameter '1999-01-01' must be in the future",
		} {
			if _, err := p.call(feed.Update, alarms.TypeCron, "a", params); err == nil || err.Error() != want {
				t.Errorf("update with %s: %v", params, err)
			}
		}
		p.must(t, feed.Update, alarms.TypeCron, "a", `{"date":"2000-01-03","deleteAfterFire":"rules"}`)
		out := p.must(t, feed.Read, alarms.TypeInterval, "a", `{}`)
		for _, want := range []string{`"date":"2000-01-03"`, `"deleteAfterFire":"rules"`, `"payload":{"a":1}`} {
			if !strings.Contains(out, want) {
				t.Errorf("read says %s, want %s", out, want)
			}
		}
		p.must(t, feed.Create, alarms.TypeCron, "c", `{"cron":"* * * * *","maxTriggers":2}`)
		p.must(t, feed.Update, alarms.TypeCron, "c", `{"maxTriggers":-1}`)
		if out := p.must(t, feed.Read, alarms.TypeCron, "c", `{}`); strings.Contains(out, "maxTriggers") {
			t.Errorf("read of an alarm without bound says %s", out)
		}
		p.must(t, feed.Create, alarms.TypeInterval, "b", `{"minutes":1,"stopDate":"2000-01-03"}`)
		if _, err := p.call(feed.Update, alarms.TypeInterval, "b", `{"startDate":"2000-01-04"}`); err == nil ||
			err.Error() != "startDate parameter '2000-01-04' must be less than the stopDate parameter '2000-01-03'" {
			t.Errorf("start after the stop: %v", err)
		}
	})
}

func TestAlarmThatCannotBeReadKeepsNoOtherFromFiring(t *testing.T) {
	inTime(t, func(t *testing.T, w *world) {
		p := w.start(t)
		p.must(t, feed.Create, alarms.TypeCron, "a", `{"cron":"* * * * *"}`)
		p.stop()
		w.entries["guest/broken"] = nil
		w.entries["guest/strange"] = []byte(`{"trigger":{"Namespace":"guest","Name":"strange"},"config":{"cron":"what"},"status":{"active":true}}`)
		p = w.start(t)
		defer p.stop()
		pass(time.Minute)
		same(t, "", w.fired(), "a 00:01:00 ")
	})
}

// FuzzCreate feeds a provider with whatever JSON: it answers or refuses.
func FuzzCreate(f *testing.F) {
	f.Add(`{"cron":"*/5 * * * *","timezone":"Europe/Berlin","startDate":"2100-01-01","stopDate":4102444800001}`)
	f.Add(`{"minutes":"3","startDate":4102444800000.5,"strict":"x","catchup":1}`)
	f.Add(`{"date":"2100-01-01T00:00:00.000+14:00","deleteAfterFire":"rules","trigger_payload":"x"}`)
	w := newWorld()
	p := &provider{Provider: alarms.New(alarms.Config{Registry: w, Gun: &feed.Gun{Identities: w, Firer: w}, Triggers: w})}
	f.Fuzz(func(t *testing.T, params string) {
		if !json.Valid([]byte(params)) {
			return
		}
		for _, alarmType := range []string{alarms.TypeCron, alarms.TypeInterval, alarms.TypeOnce} {
			if _, err := p.call(feed.Create, alarmType, "a", params); err != nil {
				continue
			}
			if _, err := p.call(feed.Read, alarmType, "a", `{}`); err != nil {
				t.Errorf("%s: %v", params, err)
			}
		}
	})
}
