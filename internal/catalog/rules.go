package catalog

import (
	"context"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// ruleRecord is the stored form of a rule.
type ruleRecord struct {
	Version     entity.Version    `json:"version"`
	Publish     bool              `json:"publish,omitempty"`
	Trigger     entity.Name       `json:"trigger"`
	Action      entity.Name       `json:"action"`
	Annotations entity.Parameters `json:"annotations"`
}

var rules = &kind[entity.Rule, ruleRecord]{
	collection: entity.Rules,
	noun:       "rule",
	record: func(r *entity.Rule) ruleRecord {
		return ruleRecord{r.Version, r.Publish, r.Trigger, r.Action, r.Annotations}
	},
	entity: func(r ruleRecord, doc store.Document) *entity.Rule {
		return &entity.Rule{
			Name: doc.Name, Version: r.Version, Publish: r.Publish, Trigger: r.Trigger, Action: r.Action,
			Annotations: r.Annotations, Updated: doc.Updated, Revision: doc.Revision,
		}
	},
}

// Rule returns the rule of that name. Errors: entity.ErrNotFound,
// entity.ErrWrongType.
func (c *Catalog) Rule(ctx context.Context, name entity.Name) (*entity.Rule, error) {
	return rules.get(ctx, c, name)
}

// ListRules returns one page of rules, newest first.
func (c *Catalog) ListRules(ctx context.Context, q store.EntityQuery) ([]*entity.Rule, error) {
	return rules.list(ctx, c, q)
}
