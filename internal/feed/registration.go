package feed

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// Registration is what every provider keeps of a trigger that it fires. The
// key of the owner is not part of it, but looked up whenever the trigger
// fires: a key that was revoked fires nothing.
type Registration struct {
	Trigger entity.Name     `json:"trigger"`
	Owner   string          `json:"owner"` // UUID of the namespace
	Payload json.RawMessage `json:"payload,omitempty"`
	Status  Status          `json:"status"`
}

// NewRegistration is an active one for the trigger of a call.
func NewRegistration(c *Call, now time.Time) Registration {
	return Registration{Trigger: c.Trigger, Owner: c.Owner.Namespace.UUID, Status: Active(now)}
}

// Status says whether a registration fires its trigger, and if not, why.
type Status struct {
	Active  bool    `json:"active"`
	Changed int64   `json:"dateChanged"` // ms
	Reason  *Reason `json:"reason,omitempty"`
}

// Reason is why a registration does not fire.
type Reason struct {
	Kind    string `json:"kind"` // AUTO, or USER for a pause
	Code    int    `json:"statusCode,omitempty"`
	Message string `json:"message"`
}

// Active is the status of a registration that fires.
func Active(now time.Time) Status { return Status{Active: true, Changed: now.UnixMilli()} }

// Paused is the status that PAUSE sets.
func Paused(now time.Time) Status {
	return Status{Changed: now.UnixMilli(), Reason: &Reason{Kind: "USER", Message: "Paused by the user"}}
}

// Disabled is the status that the provider sets; code 0 is none.
func Disabled(now time.Time, code int, message string) Status {
	return Status{Changed: now.UnixMilli(), Reason: &Reason{Kind: "AUTO", Code: code, Message: message}}
}

// Shown is the status as READ answers it.
func (s Status) Shown() any {
	return struct {
		Status
		ISO string `json:"dateChangedISO"`
	}{s, time.UnixMilli(s.Changed).UTC().Format(time.RFC3339)}
}

// Entry encodes what a provider keeps of a trigger, under the kind of the
// provider.
func Entry(kind string, trigger entity.Name, kept any) (store.Entry, error) {
	body, err := entity.Marshal(kept)
	if err != nil {
		return store.Entry{}, fmt.Errorf("encode %s %s: %w", kind, trigger, err)
	}
	return store.Entry{Kind: kind, Key: trigger.String(), Body: body}, nil
}

// Load decodes everything that a provider keeps. What cannot be read is given
// to broken and passed over.
func Load[T any](ctx context.Context, r store.Registry, kind string, visit func(*T), broken func(key string, err error)) error {
	err := r.Entries(ctx, kind, "", func(e store.Entry) error {
		kept := new(T)
		if err := json.Unmarshal(e.Body, kept); err != nil {
			broken(e.Key, err)
			return nil
		}
		visit(kept)
		return nil
	})
	if err != nil {
		return fmt.Errorf("load entries of kind %s: %w", kind, err)
	}
	return nil
}
