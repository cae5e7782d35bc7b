package alarms_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/feed"
	"github.com/gowhisk/gowhisk/internal/feed/alarms"
	"github.com/gowhisk/gowhisk/internal/store"
)

// world is everything around a provider: it keeps entries in memory, so that
// it can live in a bubble of simulated time, and notes what is fired.
type world struct {
	mu      sync.Mutex
	entries map[string][]byte
	full    bool // no write succeeds
	writes  int
	fires   []string // "name time payload"
	answer  func(name string) error
	deleted []string
	rules   []entity.Link
	owner   error
}

func newWorld() *world { return &world{entries: map[string][]byte{}} }

// place is where an entry of that kind and key lies; "guest/a" for an alarm.
func place(kind, key string) string { return strings.TrimPrefix(kind+" "+key, "alarm ") }

func (w *world) Entry(_ context.Context, kind, key string) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if body, ok := w.entries[place(kind, key)]; ok {
		return body, nil
	}
	return nil, entity.ErrNotFound
}

func (w *world) PutEntries(_ context.Context, entries ...store.Entry) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.full {
		return errors.New("the disk is full")
	}
	w.writes++
	for _, e := range entries {
		w.entries[place(e.Kind, e.Key)] = slices.Clone(e.Body)
	}
	return nil
}

func (w *world) DeleteEntries(_ context.Context, kind string, keys ...string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, key := range keys {
		delete(w.entries, place(kind, key))
	}
	return nil
}

func (w *world) Entries(_ context.Context, kind, _ string, visit func(store.Entry) error) error {
	for key, body := range w.entries {
		if strings.Contains(key, " ") { // of another kind
			continue
		}
		if err := visit(store.Entry{Kind: kind, Key: key, Body: body}); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) Owner(_ context.Context, uuid string) (*entity.Identity, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return &entity.Identity{Namespace: entity.Namespace{Name: "guest", UUID: uuid}}, w.owner
}

func (w *world) Fire(_ context.Context, s feed.Shot) (entity.ActivationID, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fires = append(w.fires, fmt.Sprintf("%s %s %s", s.Trigger.Name, time.Now().UTC().Format("15:04:05"), s.Payload))
	if w.answer != nil {
		return "", w.answer(s.Trigger.Name)
	}
	return "id", nil
}

func (w *world) Trigger(_ context.Context, name entity.Name) (*entity.Trigger, error) {
	return &entity.Trigger{Name: name, Rules: w.rules}, nil
}

func (w *world) DeleteTrigger(_ context.Context, name entity.Name) (*entity.Trigger, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deleted = append(w.deleted, name.Name)
	return nil, nil
}

func (w *world) DeleteRule(_ context.Context, name entity.Name) (*entity.Rule, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deleted = append(w.deleted, "rule "+name.Name)
	return nil, nil
}

// set changes the world while a provider runs in it.
func (w *world) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// fired are the fires since the last call.
func (w *world) fired() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer func() { w.fires = nil }()
	return strings.Join(w.fires, "\n")
}

// provider is one life of the provider in a world.
type provider struct {
	*alarms.Provider
	stop func()
}

// start loads a provider and runs it until stop.
func (w *world) start(t *testing.T) *provider {
	t.Helper()
	p := alarms.New(alarms.Config{Registry: w, Gun: &feed.Gun{Identities: w, Firer: w}, Triggers: w})
	if err := p.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	return &provider{p, func() { cancel(); running.Wait() }}
}

// call makes a call of a feed action with parameters in JSON.
func (p *provider) call(event feed.Event, alarmType, trigger, params string) (string, error) {
	c := &feed.Call{
		Event: event, Trigger: entity.Name{Namespace: "guest", Name: trigger},
		Owner:  &entity.Identity{Namespace: entity.Namespace{Name: "guest", UUID: "uuid"}},
		Params: feed.Params{},
	}
	if err := json.Unmarshal([]byte(params), &c.Params); err != nil {
		return "", err
	}
	c.Params[alarms.TypeParam] = json.RawMessage(`"` + alarmType + `"`)
	result, err := p.Feed(context.Background(), c)
	if err != nil {
		return "", err
	}
	out, err := json.Marshal(result)
	return string(out), err
}

// must is call for what is to succeed.
func (p *provider) must(t *testing.T, event feed.Event, alarmType, trigger, params string) string {
	t.Helper()
	out, err := p.call(event, alarmType, trigger, params)
	if err != nil {
		t.Fatalf("%s of %s %s: %v", event, alarmType, params, err)
	}
	return out
}

func same(t *testing.T, about, got string, want ...string) {
	t.Helper()
	if got != strings.Join(want, "\n") {
		t.Errorf("%s: fired\n%s\nwant\n%s", about, got, strings.Join(want, "\n"))
	}
}
