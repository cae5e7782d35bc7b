package trigger_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/cloudevent"
	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
	"github.com/gowhisk/gowhisk/internal/trigger"
)

// wire is a transport that keeps what it is given.
type wire struct {
	sent    chan cloudevent.Event
	refuse  error
	without map[entity.Name]bool // rules that nothing is brought for
	limited bool                 // the owner of the namespace has the limits of the installation
}

func (w *wire) Carries(entity.Name) bool          { return true }
func (w *wire) Delivers(_, rule entity.Name) bool { return !w.without[rule] }

func (w *wire) Send(_ context.Context, _ entity.Name, e cloudevent.Event) error {
	w.sent <- e
	return w.refuse
}

// OfNamespace makes it the identities, too.
func (w *wire) OfNamespace(context.Context, string) (*entity.Identity, error) {
	id, many := guest(), math.MaxInt
	if !w.limited {
		id.Limits.ConcurrentInvocations = &many
	}
	return id, nil
}

// carry has the events of w carried by wire. Each call is a start of the server.
func (w *world) carry(wire *wire, patience time.Duration, now func() time.Time) {
	w.Helper()
	if wire.sent == nil {
		wire.sent = make(chan cloudevent.Event, 1000)
	}
	config := w.config
	config.Delivery = &trigger.Delivery{Transport: wire, Identities: wire, Registry: w.registry, Patience: patience, Now: now}
	w.Firer = trigger.New(config)
	w.Cleanup(w.Firer.Close)
	if err := w.Load(w.Context()); err != nil {
		w.Fatal(err)
	}
}

// waits tells of every request of the last acceptance whether it still waits.
func (w *world) waits() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []string
	for _, r := range w.requests {
		state := "waits"
		if r.Hold == nil {
			state = "runs"
		} else {
			select {
			case <-r.Hold:
				state = "let go"
			default:
			}
		}
		all = append(all, state)
	}
	return strings.Join(all, ", ")
}

func (w *world) untilWaits(want string) {
	w.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); w.waits() != want; <-tick.C {
		if time.Since(began) > 10*time.Second {
			w.Fatalf("they are %s, want %s", w.waits(), want)
		}
	}
}

func (w *world) deliver(rule string, e cloudevent.Event) {
	w.Helper()
	if err := w.Deliver(w.Context(), guests(rule), e, "tid"); err != nil {
		w.Fatal(err)
	}
}

func twoRules(t *testing.T) *world {
	w := open(t)
	w.put(action(guests("a")))
	w.rule("r1", guests("a"))
	w.rule("r2", guests("a"))
	return w
}

// outside is an event that no fire made.
func outside(id string) cloudevent.Event {
	return cloudevent.Event{Data: []byte(`{"c":3}`), Attributes: map[string]string{"specversion": "1.0", "id": id, "source": "/timer", "type": "tick"}}
}

const traceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestActionsOfAFireWaitForItsEvent(t *testing.T) {
	w, wire := twoRules(t), &wire{}
	w.carry(wire, time.Hour, nil)
	w.fire(guest(), `{"b":3}`)
	id := w.cause.ID
	e := <-wire.sent
	want := fmt.Sprintf("%s /namespaces/guest/triggers/t dev.gowhisk.trigger.fired {\"b\":3}", id)
	if got := fmt.Sprintf("%s %s %s %s", e.Attributes["id"], e.Attributes["source"], e.Attributes["type"], e.Data); got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
	w.untilWaits("waits, waits")
	w.deliver("r2", e)
	w.untilWaits("waits, let go")
	w.deliver("r2", e)
	w.deliver("r1", e)
	w.untilWaits("let go, let go")
	w.deliver("r1", e)
	if w.accepted != 1 || string(w.requests[0].Payload) != `{"a":1,"b":3}` {
		t.Errorf("%d acceptances, payload %s", w.accepted, w.requests[0].Payload)
	}
	if e.Attributes["traceparent"] != traceParent || w.requests[0].Trace.Parent != traceParent {
		t.Errorf("the trace is %+v in the event, %+v for the action", e.Attributes, w.requests[0].Trace)
	}
}

func TestActionsRunWithoutAnEventThatCannotBeCarried(t *testing.T) {
	w := twoRules(t)
	w.carry(&wire{without: map[entity.Name]bool{guests("r1"): true}}, time.Hour, nil)
	w.fire(guest(), ``)
	w.untilWaits("runs, waits")
	w.carry(&wire{refuse: errors.New("nobody there")}, time.Hour, nil)
	w.fire(guest(), ``)
	w.untilWaits("let go, let go")
	if taken, missed := w.Deliveries(); taken != 0 || missed != 2 {
		t.Errorf("%d taken, %d missed", taken, missed)
	}
}

func TestActionsRunWithoutAnEventThatDoesNotComeBackAndLaterOnesDoNotWait(t *testing.T) {
	w, wire := twoRules(t), &wire{}
	w.carry(wire, 20*time.Millisecond, nil)
	w.fire(guest(), ``)
	w.untilWaits("let go, let go")
	w.fire(guest(), ``)
	if got := w.waits(); got != "runs, runs" {
		t.Errorf("after one that did not come back they are %s", got)
	}
	w.deliver("r1", <-wire.sent) // late
	accepted := w.accepted
	w.fire(guest(), ``)
	if got := w.waits(); strings.Contains(got, "runs") || w.accepted != accepted+1 {
		t.Errorf("after one that came they are %s, %d acceptances", got, w.accepted)
	}
}

// Deliveries, several at a time, and the end of the patience: what waits is let go once, or this panics.
func TestDeliveryAndPatienceLetGoOnce(t *testing.T) {
	w, wire := twoRules(t), &wire{}
	w.carry(wire, time.Millisecond, nil)
	for range 200 {
		w.fire(guest(), ``)
		e := <-wire.sent
		var all sync.WaitGroup
		for i := range 6 {
			all.Go(func() { w.deliver(fmt.Sprint("r", 1+i%2), e) })
		}
		all.Wait()
	}
	if w.accepted != 200 {
		t.Errorf("%d acceptances", w.accepted)
	}
}

func TestAnEventFromOutsideFiresOnce(t *testing.T) {
	w, wire := twoRules(t), &wire{}
	w.carry(wire, time.Hour, nil)
	w.deliver("r2", outside("1"))
	w.untilWaits("waits, runs")
	if got, want := string(w.requests[0].Payload), `{"__ce_id":"1","__ce_source":"/timer","__ce_specversion":"1.0","__ce_type":"tick","a":1,"b":2,"c":3}`; got != want {
		t.Errorf("arguments are %s, want %s", got, want)
	}
	if len(w.cause.Logs) != 2 || w.cause.Name != "t" || len(wire.sent) != 0 {
		t.Errorf("record %+v, %d events were sent on", w.cause, len(wire.sent))
	}
	w.deliver("r2", outside("1"))
	w.deliver("r1", outside("1"))
	w.untilWaits("let go, runs")
	w.carry(wire, time.Hour, nil) // after a crash
	w.deliver("r1", outside("1"))
	w.deliver("r2", outside("1"))
	if w.accepted != 1 {
		t.Errorf("%d acceptances", w.accepted)
	}
	traced := outside("2")
	traced.Attributes["traceparent"] = traceParent
	w.deliver("r1", traced)
	if w.accepted != 2 || w.requests[0].Trace.Parent != traceParent {
		t.Errorf("%d acceptances, trace %+v", w.accepted, w.requests[0].Trace)
	}
}

func TestAnEventFromOutsideThatIsDeliveredAtOnceForAllRulesFiresOnce(t *testing.T) {
	w := twoRules(t)
	w.carry(&wire{}, time.Hour, nil)
	for i := range 50 {
		e := outside(fmt.Sprint(i))
		var all sync.WaitGroup
		for j := range 6 {
			all.Go(func() { w.deliver(fmt.Sprint("r", 1+j%2), e) })
		}
		all.Wait()
		if w.accepted != i+1 || strings.Contains(w.waits(), "waits") {
			t.Fatalf("%d acceptances after %d events, they are %s", w.accepted, i+1, w.waits())
		}
	}
}

func TestEventsFromOutsideAreRefusedAsFiresAre(t *testing.T) {
	w, wire := twoRules(t), &wire{}
	w.carry(wire, time.Hour, nil)
	for name, row := range map[string]struct {
		rule string
		data string
		want entity.Kind
	}{
		"reserved":   {"r1", `{"__ow_method":"x"}`, entity.Malformed},
		"attributes": {"r1", `{"__ce_id":"x"}`, entity.Malformed},
		"no rule":    {"r3", `{}`, entity.NotFound},
	} {
		e := outside(name)
		e.Data = []byte(row.data)
		if err := w.Deliver(t.Context(), guests(row.rule), e, "tid"); entity.KindOf(err) != row.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.refusal = entity.ErrUnavailable
	if err := w.Deliver(t.Context(), guests("r1"), outside("1"), "tid"); !errors.Is(err, entity.ErrUnavailable) {
		t.Errorf("error is %v", err)
	}
	w.refusal = nil
	w.deliver("r1", outside("1")) // is brought again
	if got := w.waits(); got != "runs, waits" {
		t.Errorf("they are %s", got)
	}
}

// A throttled event is brought again, and holds nothing meanwhile.
func TestThrottledEventsFromOutsideAreRefused(t *testing.T) {
	w := twoRules(t)
	few := entitlement.DefaultSettings()
	few.ConcurrentInvocations, few.FiresPerMinute = 1, 4
	w.config.Entitlement = entitlement.New(few, w.Catalog, time.Now)
	w.carry(&wire{limited: true}, time.Hour, nil)
	w.deliver("r1", outside("1")) // r2 has no slot any more, which the record tells
	if len(w.requests) != 1 {
		t.Errorf("%d requests", len(w.requests))
	}
	if err := w.Deliver(t.Context(), guests("r2"), outside("2"), "tid"); entity.KindOf(err) != entity.Throttled {
		t.Errorf("an event for the rule that has no slot: %v", err)
	}
	w.deliver("r1", outside("2")) // its slot was given back
	w.deliver("r1", outside("3"))
	if err := w.Deliver(t.Context(), guests("r1"), outside("4"), "tid"); entity.KindOf(err) != entity.Throttled {
		t.Errorf("an event too many: %v", err)
	}
}

func TestEventsAreRememberedForADay(t *testing.T) {
	w := twoRules(t)
	id := guest()
	now := time.Now()
	w.carry(&wire{}, time.Hour, func() time.Time { return now })
	w.fire(id, ``)
	for i := range 300 {
		w.deliver("r1", outside(fmt.Sprint(i)))
	}
	now = now.Add(25 * time.Hour)
	w.deliver("r1", outside("a day later"))
	left := 0
	err := w.registry.Entries(t.Context(), "event", "", func(store.Entry) error { left++; return nil })
	if err != nil || left != 1 {
		t.Errorf("%d events are remembered, %v", left, err)
	}
}
