package catalog

import (
	"context"
	"errors"

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

// RuleIsActive reports what the trigger's link says; without trigger or link a
// rule is inactive. OpenWhisk 5.2.11.
func (c *Catalog) RuleIsActive(ctx context.Context, r *entity.Rule) (bool, error) {
	t, err := c.Trigger(ctx, r.Trigger)
	if isGone(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	link := t.Link(r.Name)
	return link != nil && link.Active, nil
}

// ListRules returns one page of rules, newest first.
func (c *Catalog) ListRules(ctx context.Context, q store.EntityQuery) ([]*entity.Rule, error) {
	return rules.list(ctx, c, q)
}

// isGone reports whether err says that there is no such entity, or that its
// name is another's by now.
func isGone(err error) bool {
	return errors.Is(err, entity.ErrNotFound) || errors.Is(err, entity.ErrWrongType)
}
