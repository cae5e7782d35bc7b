package kafka_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/feed"
	"github.com/gowhisk/gowhisk/internal/feed/kafka"
	"github.com/gowhisk/gowhisk/internal/store"
	"github.com/gowhisk/gowhisk/internal/store/pebble"
)

var (
	owner   = &entity.Identity{Subject: "guest", Namespace: entity.Namespace{Name: "guest", UUID: "uuid-of-guest"}}
	trigger = entity.Name{Namespace: "guest", Name: "words"}
)

// target is the trigger: what it is fired with arrives on a channel.
type target struct {
	fired  chan string
	answer chan error // of the next fires; empty means that all is well
}

func (target) Owner(_ context.Context, uuid string) (*entity.Identity, error) {
	if uuid != owner.Namespace.UUID {
		return nil, entity.ErrAuthInvalid
	}
	return owner, nil
}

func (g target) Fire(_ context.Context, s feed.Shot) (entity.ActivationID, error) {
	select {
	case err := <-g.answer:
		return "", err
	default:
	}
	g.fired <- string(s.Payload)
	return "", nil
}

// station is a provider on a store that outlives it.
type station struct {
	*kafka.Provider
	target
	world
	registry store.Registry
}

func newStation(t *testing.T) *station {
	t.Helper()
	db, err := pebble.Open(t.Context(), t.TempDir(), pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &station{world: inProcess(t), registry: db.Registry(), target: target{make(chan string, 100), make(chan error, 10)}}
	s.start(t)
	t.Cleanup(func() {
		s.Close()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *station) start(t *testing.T) {
	t.Helper()
	s.Provider = kafka.New(kafka.Config{
		Registry: s.registry, Gun: &feed.Gun{Identities: s.target, Firer: s.target}, Allow: anywhere, MaxSize: 1 << 20,
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// call answers with the JSON of the result.
func (s *station) call(t *testing.T, event feed.Event, params string) (string, error) {
	t.Helper()
	c := &feed.Call{Event: event, Trigger: trigger, Owner: owner}
	if err := json.Unmarshal([]byte(params), &c.Params); err != nil {
		t.Fatal(err)
	}
	result, err := s.Feed(t.Context(), c)
	if err != nil {
		return "", err
	}
	body, err := entity.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	return string(body), nil
}

func (s *station) must(t *testing.T, event feed.Event, params string) string {
	t.Helper()
	answer, err := s.call(t, event, params)
	if err != nil {
		t.Fatalf("%s: %v", event, err)
	}
	return answer
}

func (s *station) params(t *testing.T) string {
	return string(parameters(t, s.world, `"isJSONData":true`))
}

func (s *station) wantFire(t *testing.T, part string) {
	t.Helper()
	select {
	case payload := <-s.fired:
		if !strings.Contains(payload, part) {
			t.Errorf("fired with %s, want %s", payload, part)
		}
	case <-time.After(patience):
		t.Fatalf("not fired with %s", part)
	}
}

// readUntil reads the registration until the answer has that part.
func (s *station) readUntil(t *testing.T, part string) {
	t.Helper()
	answer, err := "", error(nil)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-again.C {
		if answer, err = s.call(t, feed.Read, "{}"); err == nil && strings.Contains(answer, part) || err != nil && strings.Contains(err.Error(), part) {
			return
		}
	}
	t.Fatalf("READ answers %s %v, want %s", answer, err, part)
}

func TestTriggerListensOverARestart(t *testing.T) {
	s := newStation(t)
	s.must(t, feed.Create, s.params(t))
	s.send(t, `{"n":1}`)
	s.wantFire(t, `"value":{"n":1}`)
	s.Close()
	s.send(t, `{"n":2}`)
	s.start(t)
	s.wantFire(t, `"value":{"n":2}`)
}

func TestReadShowsTheRegistrationWithoutThePassword(t *testing.T) {
	s := newStation(t)
	s.must(t, feed.Create, s.params(t))
	answer := s.must(t, feed.Read, "{}")
	for _, part := range []string{`"topic":"words"`, `"namespace":"guest"`, `"active":true`, `"isJSONData":true`, s.Brokers[0]} {
		if !strings.Contains(answer, part) {
			t.Errorf("READ answers %s without %s", answer, part)
		}
	}
	if strings.Contains(answer, "password") {
		t.Errorf("READ answers %s", answer)
	}
}

func TestPausedTriggerGetsItsMessagesAfterThePause(t *testing.T) {
	s := newStation(t)
	s.must(t, feed.Create, s.params(t))
	s.must(t, feed.Pause, "{}")
	s.readUntil(t, `"active":false`)
	s.send(t, `"in the pause"`)
	s.must(t, feed.Unpause, "{}")
	s.wantFire(t, "in the pause")
}

func TestUpdateThatCannotBeDoneChangesNothing(t *testing.T) {
	s := newStation(t)
	s.must(t, feed.Create, s.params(t))
	if _, err := s.call(t, feed.Update, `{"topic":"nothing"}`); err == nil || !strings.Contains(err.Error(), "'nothing'") {
		t.Errorf("got %v", err)
	}
	s.send(t, `"still here"`)
	s.wantFire(t, "still here")
	s.must(t, feed.Update, `{"isBinaryKey":true}`)
	s.send(t, `"with a binary key"`)
	s.wantFire(t, `"key":"aw=="`)
}

func TestDeletedRegistrationIsGone(t *testing.T) {
	s := newStation(t)
	s.must(t, feed.Create, s.params(t))
	s.must(t, feed.Delete, "{}")
	for _, event := range []feed.Event{feed.Read, feed.Update, feed.Pause, feed.Unpause, feed.Delete} {
		if refusal, ok := errors.AsType[*feed.Refusal](lastError(s.call(t, event, "{}"))); !ok || refusal.Status != 404 {
			t.Errorf("%s: %v", event, refusal)
		}
	}
}

func lastError(_ string, err error) error { return err }

func TestFiresThatAreRefusedForGoodEndTheRegistration(t *testing.T) {
	s := newStation(t)
	s.must(t, feed.Create, s.params(t))
	s.answer <- entity.ErrNotEntitled
	s.send(t, `"refused"`)
	s.readUntil(t, `"statusCode":403`)
	s.must(t, feed.Unpause, "{}")
	s.wantFire(t, "refused")
	s.answer <- entity.ErrNotFound
	s.send(t, `"gone"`)
	s.readUntil(t, "could not find trigger /guest/words")
}

func TestCreateOverAnOldRegistrationBeginsAnew(t *testing.T) {
	s := newStation(t)
	s.must(t, feed.Create, s.params(t))
	s.must(t, feed.Pause, "{}")
	s.send(t, `"old"`)
	s.must(t, feed.Create, s.params(t))
	s.send(t, `"new"`)
	s.wantFire(t, "new")
}
