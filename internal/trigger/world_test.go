package trigger_test

import (
	"context"
	"encoding/json"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/catalog"
	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoke"
	"github.com/gowhisk/gowhisk/internal/manifest"
	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/internal/store"
	"github.com/gowhisk/gowhisk/internal/store/pebble"
	"github.com/gowhisk/gowhisk/internal/trigger"
)

const kinds = `{"runtimes":{"nodejs":[{"kind":"nodejs:20","default":true,"image":{"name":"new"}},{"kind":"nodejs:12","deprecated":true,"image":{"name":"old"}}]}}`

// world is a Firer over a real catalog; what it accepts is kept here.
type world struct {
	testing.TB
	*catalog.Catalog
	*trigger.Firer
	rights   *entitlement.Entitlement
	config   trigger.Config
	registry store.Registry
	mint     entity.Mint

	mu       sync.Mutex // of what is below, while events are delivered
	requests []invoke.Accepted
	cause    *entity.Activation
	refusal  error
	accepted int
}

func (w *world) NewID() entity.ActivationID { return w.mint.New(time.Now()) }

func (w *world) Accept(ctx context.Context, requests []invoke.Accepted, cause *entity.Activation, entries ...store.Entry) error {
	for _, r := range requests {
		r.Done()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests, w.cause = requests, cause
	w.accepted++
	if len(entries) > 0 && w.refusal == nil {
		return w.registry.PutEntries(ctx, entries...)
	}
	return w.refusal
}

func open(t testing.TB) *world {
	db, err := pebble.Open(t.Context(), t.TempDir(), pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	m, err := manifest.Parse([]byte(kinds))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{TB: t, Catalog: catalog.New(db.Entities(), time.Now), registry: db.Registry()}
	s := entitlement.DefaultSettings()
	s.InvocationsPerMinute, s.FiresPerMinute, s.ConcurrentInvocations = math.MaxInt, math.MaxInt, 3 // fuzzing fires for minutes
	w.rights = entitlement.New(s, w.Catalog, time.Now)
	w.config = trigger.Config{
		Catalog: w.Catalog, Entitlement: w.rights, Acceptor: w,
		Manifest: func(context.Context) (*manifest.Manifest, error) { return m, nil },
	}
	w.Firer = trigger.New(w.config)
	w.put(&entity.Trigger{Name: guests("t"), Version: entity.Version{Minor: 7}, Parameters: entity.Parameters{}.Set("a", `1`).Set("b", `2`)})
	return w
}

func guest() *entity.Identity {
	return &entity.Identity{Subject: "guest-subject", Namespace: entity.Namespace{Name: "guest", UUID: "uuid", Key: "key"}}
}

func guests(name string) entity.Name { return entity.Name{Namespace: "guest", Name: name} }

// put stores an entity of whatever collection.
func (w *world) put(e any) {
	w.Helper()
	var err error
	switch e := e.(type) {
	case *entity.Trigger:
		_, err = w.PutTrigger(w.Context(), e)
	case *entity.Package:
		e.Version = entity.FirstVersion
		_, err = w.PutPackage(w.Context(), e)
	case *entity.Action:
		_, err = w.PutAction(w.Context(), e)
	case *entity.Rule:
		_, _, err = w.PutRule(w.Context(), e)
	}
	if err != nil {
		w.Fatalf("put %+v: %v", e, err)
	}
}

func action(name entity.Name) *entity.Action {
	return &entity.Action{Name: name, Version: entity.FirstVersion, Exec: entity.Exec{Kind: "nodejs:20"}, Limits: entity.DefaultLimits()}
}

// rule links the trigger t to an action.
func (w *world) rule(name string, action entity.Name) {
	w.put(&entity.Rule{Name: guests(name), Version: entity.FirstVersion, Trigger: guests("t"), Action: action})
}

// fire fires the trigger t and returns what the record says of each rule.
func (w *world) fire(id *entity.Identity, payload string) []string {
	w.Helper()
	w.requests, w.cause = nil, nil
	_, err := w.Fire(w.Context(), trigger.Event{
		Identity: id, Trigger: guests("t"), Payload: json.RawMessage(payload), Transaction: "tid", Accepted: time.Now(),
		Trace: protocol.Trace{Parent: traceParent},
	})
	if err != nil {
		w.Fatal(err)
	}
	if w.cause == nil {
		return nil
	}
	return w.cause.Logs
}
