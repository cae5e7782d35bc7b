package controller

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
)

// ruleBody is the body of a PUT of a rule; a name that it leaves out is the
// zero one. A status in it is ignored. OpenWhisk 5.2.1.
type ruleBody struct {
	entityBody
	trigger, action entity.Name
}

// putRule creates or updates a rule. OpenWhisk 5.2.2–5.2.8.
func (c *Controller) putRule(x *exchange) error {
	p, err := x.put(entity.Rules)
	if err != nil {
		return err
	}
	body, err := decodeRule(p.body, x.id.Namespace.Name, c.cfg.Entitlement.MaxParameterSize(x.id))
	if err != nil {
		return err
	}
	if err := body.checkRights(x); err != nil {
		return err
	}
	r := &entity.Rule{Name: p.name}
	old, err := c.cfg.Catalog.Rule(x.r.Context(), p.name)
	switch old, err = replaced(p, old, err); {
	case err != nil:
		return err
	case old == nil:
		if body.trigger == (entity.Name{}) || body.action == (entity.Name{}) {
			return entity.Errorf(entity.Malformed, "rule requires a valid trigger and a valid action")
		}
	default:
		*r = *old
	}
	body.applyTo(r)
	r, active, err := c.cfg.Catalog.PutRule(x.r.Context(), r)
	if err != nil {
		return err
	}
	return x.json(http.StatusOK, r.Document(active))
}

func decodeRule(raw []byte, own string, maxParameters int64) (*ruleBody, error) {
	in, out := members(raw), &ruleBody{}
	var err error
	if out.trigger, err = decodeReference(in["trigger"], own); err != nil {
		return nil, err
	}
	if out.action, err = decodeReference(in["action"], own); err != nil {
		return nil, err
	}
	out.entityBody, err = decodeEntity(in, maxParameters)
	return out, err
}

// decodeReference reads the name of another entity, the zero name from
// nothing. OpenWhisk 5.2.1, 5.2.3.
func decodeReference(raw json.RawMessage, own string) (entity.Name, error) {
	if raw == nil {
		return entity.Name{}, nil
	}
	var ref string
	if json.Unmarshal(raw, &ref) != nil {
		return entity.Name{}, entity.MalformedContent("fully qualified name malformed")
	}
	return entity.ParseName(ref, own)
}

// checkRights asks whether the caller may read what the rule shall join. That
// one of them is missing is for the catalog to tell. OpenWhisk 5.2.5.
func (b *ruleBody) checkRights(x *exchange) error {
	if err := checkReference(x, entity.Triggers, b.trigger); err != nil {
		return err
	}
	return checkReference(x, entity.Actions, b.action)
}

func checkReference(x *exchange, of entity.Collection, name entity.Name) error {
	if name == (entity.Name{}) {
		return nil
	}
	err := x.allow(entitlement.Read, of, name)
	if errors.Is(err, entity.ErrNotFound) {
		return nil
	}
	return err
}

func (b *ruleBody) applyTo(r *entity.Rule) {
	r.Version = b.nextVersion(r.Version)
	if b.trigger != (entity.Name{}) {
		r.Trigger = b.trigger
	}
	if b.action != (entity.Name{}) {
		r.Action = b.action
	}
	if b.publish != nil {
		r.Publish = *b.publish
	}
	if b.annotations != nil {
		r.Annotations = *b.annotations
	}
}
