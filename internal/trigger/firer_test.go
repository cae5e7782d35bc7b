package trigger_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/catalog"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/trigger"
)

func TestFireReachesActionsThroughPackagesAndBindings(t *testing.T) {
	w := open(t)
	w.put(&entity.Package{Name: guests("p"), Parameters: entity.Parameters{}.Set("from", `"package"`).Set("x", `1`)})
	w.put(&entity.Package{Name: guests("b"), Binding: guests("p"), Parameters: entity.Parameters{}.Set("from", `"binding"`)})
	w.put(action(entity.Name{Namespace: "guest", Package: "p", Name: "a"}))
	w.rule("r", entity.Name{Namespace: "guest", Package: "b", Name: "a"})
	logs := w.fire(guest(), `{}`)
	if len(w.requests) != 1 || !strings.HasSuffix(logs[0], `"rule":"guest/r","action":"guest/b/a"}`) {
		t.Fatalf("accepted %d, logs %q", len(w.requests), logs)
	}
	r := w.requests[0]
	if r.Action.Name.Package != "p" || r.Binding != guests("b") || string(r.Action.Parameters.Get("from")) != `"binding"` {
		t.Errorf("request is %+v of %+v", r, r.Action)
	}
	if r.ID == w.cause.ID || r.Transaction != "tid" || r.Identity.Subject != "guest-subject" || w.cause.Version != (entity.Version{Minor: 7}) {
		t.Errorf("request is %+v, record %+v", r, w.cause)
	}
}

// What a caller could not invoke, a rule cannot either, by the time of the
// fire; and it keeps no other rule from its action.
func TestRulesAskForTheRightsOfACallerWhenTheyFire(t *testing.T) {
	w := open(t)
	public := &entity.Package{Name: entity.Name{Namespace: "other", Name: "pub"}, Publish: true}
	w.put(public)
	foreign := entity.Name{Namespace: "other", Package: "pub", Name: "a"}
	w.put(action(foreign))
	old, sequence := action(guests("old")), action(guests("s"))
	old.Exec.Kind = "nodejs:12"
	sequence.Exec = entity.Exec{Kind: entity.KindSequence, Components: []string{"/other/pub/a"}}
	w.put(old)
	w.put(sequence)
	w.put(action(guests("ok")))
	w.rule("to-foreign", foreign)
	w.rule("to-old", old.Name)
	w.rule("to-sequence", sequence.Name)
	w.rule("to-ok", guests("ok"))
	if logs := w.fire(guest(), ``); len(w.requests) != 3 {
		t.Fatalf("accepted %d, logs %q", len(w.requests), logs)
	}
	stored, err := w.Package(t.Context(), public.Name)
	if err != nil {
		t.Fatal(err)
	}
	private := *stored
	private.Publish = false
	w.put(&private)
	logs := w.fire(guest(), ``)
	for i, want := range []string{
		`"error":"The supplied authentication is not authorized to access 'other/pub'.","rule":"guest/to-foreign"`,
		`"error":"The 'nodejs:12' runtime is no longer supported. You may read and delete but not update or invoke this action."`,
		`"error":"The supplied authentication is not authorized to access 'other/pub'.","rule":"guest/to-sequence"`,
		`"statusCode":0,"success":true`,
	} {
		if !strings.Contains(logs[i], want) || i < 3 && !strings.HasPrefix(logs[i], `{"statusCode":1,"success":false,`) {
			t.Errorf("no %s in %s", want, logs[i])
		}
	}
}

// Slots are given back by whoever accepts, those of refused rules at once.
func TestRefusedRulesHoldNoSlot(t *testing.T) {
	w := open(t)
	w.put(action(guests("a")))
	for _, name := range []string{"1", "2", "3", "4", "5"} {
		w.rule(name, guests("a"))
	}
	if _, err := w.DeleteAction(t.Context(), guests("a")); err != nil {
		t.Fatal(err)
	}
	w.fire(guest(), ``)
	w.put(action(guests("a")))
	logs := w.fire(guest(), ``) // three at once are allowed
	if len(w.requests) != 3 || !strings.Contains(logs[3], "Too many concurrent requests in flight (count: 3, allowed: 3).") {
		t.Errorf("accepted %d, logs %q", len(w.requests), logs)
	}
}

func TestNamespaceThatKeepsNoActivationsGetsNoRecordOfAFire(t *testing.T) {
	w := open(t)
	w.put(action(guests("a")))
	w.rule("r", guests("a"))
	id, no := guest(), false
	id.Limits.StoreActivations = &no
	if w.fire(id, ``); w.cause != nil || len(w.requests) != 1 {
		t.Errorf("record %+v, %d requests", w.cause, len(w.requests))
	}
}

func TestPlatformsFailureIsToldAsSuch(t *testing.T) {
	w := open(t)
	w.put(action(guests("a")))
	w.rule("r", guests("a"))
	for _, row := range []struct {
		err  error
		want string
	}{
		{errors.New("secret cause"), `{"statusCode":3,"success":false,"error":"There was an internal server error.",`},
		{entity.ErrCorrupted.Because(errors.New("secret cause")), `{"statusCode":3,"success":false,"error":"Resource is corrupted and cannot be read.",`},
	} {
		f := trigger.New(trigger.Config{Catalog: broken{w, row.err}, Entitlement: w.rights, Acceptor: w})
		if _, err := f.Fire(t.Context(), trigger.Event{Identity: guest(), Trigger: guests("t"), Accepted: time.Now()}); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(w.cause.Logs[0], row.want) {
			t.Errorf("log is %s", w.cause.Logs[0])
		}
	}
}

func TestFireThatIsNotAcceptedIsRefused(t *testing.T) {
	w := open(t)
	w.put(action(guests("a")))
	w.rule("r", guests("a"))
	w.refusal = entity.ErrUnavailable
	e := trigger.Event{Identity: guest(), Trigger: guests("t"), Accepted: time.Now()}
	if id, err := w.Fire(t.Context(), e); !errors.Is(err, entity.ErrUnavailable) || id != "" {
		t.Errorf("id %q, error %v", id, err)
	}
	e.Trigger = guests("none")
	if _, err := w.Fire(t.Context(), e); !errors.Is(err, entity.ErrNotFound) {
		t.Errorf("error is %v", err)
	}
	e.Trigger.Namespace = "other"
	if _, err := w.Fire(t.Context(), e); entity.KindOf(err) != entity.Forbidden {
		t.Errorf("error is %v", err)
	}
}

// broken is a catalog that cannot read actions.
type broken struct {
	*world
	err error
}

func (b broken) Resolve(context.Context, entity.Name) (catalog.Resolved, error) {
	return catalog.Resolved{}, b.err
}

// FuzzEventIsTheUnionOfItsParts compares the arguments with a merge of decoded
// values.
func FuzzEventIsTheUnionOfItsParts(f *testing.F) {
	w := open(f)
	w.put(action(guests("a")))
	w.rule("r", guests("a"))
	f.Add(`{"a":3,"c":null}`, "x-y", "z")
	f.Add(`{"\u0061":{"b":[]},"__ow_headers":1}`, "", "\xff")
	f.Add(`{"a":1e999,"a":2}`, "<&>", "\u2028")
	f.Fuzz(func(t *testing.T, payload, key, value string) {
		var given map[string]json.RawMessage
		if json.Unmarshal([]byte(payload), &given) != nil || given == nil {
			return // the edge lets nothing else through
		}
		_, err := w.Fire(t.Context(), trigger.Event{
			Identity: guest(), Trigger: guests("t"), Payload: json.RawMessage(payload), Headers: map[string]string{key: value}, Accepted: time.Now(),
		})
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]json.RawMessage
		if err := json.Unmarshal(w.requests[0].Payload, &got); err != nil {
			t.Fatal(err)
		}
		want := map[string]json.RawMessage{"a": json.RawMessage(`1`), "b": json.RawMessage(`2`), "__ow_headers": nil}
		for k, v := range given {
			want[k] = v
		}
		if len(got) != len(want) {
			t.Errorf("got %s from %s", w.requests[0].Payload, payload)
		}
		for k, v := range want {
			if v != nil && string(entity.Compact(v)) != string(got[k]) {
				t.Errorf("%q is %s, want %s", k, got[k], v)
			}
		}
	})
}
