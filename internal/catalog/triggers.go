package catalog

import (
	"context"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// triggerRecord is the stored form of a trigger.
type triggerRecord struct {
	Version     entity.Version    `json:"version"`
	Publish     bool              `json:"publish,omitempty"`
	Parameters  entity.Parameters `json:"parameters"`
	Annotations entity.Parameters `json:"annotations"`
	Rules       []entity.Link     `json:"rules,omitempty"`
	Linked      bool              `json:"linked,omitempty"`
}

var triggers = &kind[entity.Trigger, triggerRecord]{
	collection: entity.Triggers,
	noun:       "trigger",
	record: func(t *entity.Trigger) triggerRecord {
		return triggerRecord{t.Version, t.Publish, t.Parameters, t.Annotations, t.Rules, t.Linked}
	},
	entity: func(r triggerRecord, doc store.Document) *entity.Trigger {
		return &entity.Trigger{
			Name: doc.Name, Version: r.Version, Publish: r.Publish, Parameters: r.Parameters, Annotations: r.Annotations,
			Rules: r.Rules, Linked: r.Linked, Updated: doc.Updated, Revision: doc.Revision,
		}
	},
}

// Trigger returns the trigger of that name. Errors: entity.ErrNotFound,
// entity.ErrWrongType.
func (c *Catalog) Trigger(ctx context.Context, name entity.Name) (*entity.Trigger, error) {
	return triggers.get(ctx, c, name)
}

// PutTrigger stores t as PutAction does an action.
func (c *Catalog) PutTrigger(ctx context.Context, t *entity.Trigger) (*entity.Trigger, error) {
	return triggers.put(ctx, c, t, t.Name, t.Revision)
}

// DeleteTrigger removes the trigger and returns what it was; its rules stay.
func (c *Catalog) DeleteTrigger(ctx context.Context, name entity.Name) (*entity.Trigger, error) {
	return triggers.remove(ctx, c, name)
}

// ListTriggers returns one page of triggers, newest first.
func (c *Catalog) ListTriggers(ctx context.Context, q store.EntityQuery) ([]*entity.Trigger, error) {
	return triggers.list(ctx, c, q)
}
