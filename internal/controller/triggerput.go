package controller

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// putTrigger creates or updates a trigger. OpenWhisk 5.1.1, 5.1.5.
func (c *Controller) putTrigger(x *exchange) error {
	p, err := x.put(entity.Triggers)
	if err != nil {
		return err
	}
	body, err := decodeEntity(members(p.body), c.cfg.Entitlement.MaxParameterSize(x.id))
	if err != nil {
		return err
	}
	t := &entity.Trigger{Name: p.name}
	old, err := c.cfg.Catalog.Trigger(x.r.Context(), p.name)
	switch old, err = replaced(p, old, err); {
	case err != nil:
		return err
	case old == nil:
		if err := checkFeed(body.annotations); err != nil {
			return err
		}
	default:
		*t = *old
	}
	body.applyToTrigger(t)
	if t, err = c.cfg.Catalog.PutTrigger(x.r.Context(), t); err != nil {
		return err
	}
	return x.json(http.StatusOK, t)
}

// applyToTrigger puts what the body has in place of what t has; the links to
// rules stay.
func (b *entityBody) applyToTrigger(t *entity.Trigger) {
	t.Version = b.nextVersion(t.Version)
	if b.publish != nil {
		t.Publish = *b.publish
	}
	if b.parameters != nil {
		t.Parameters = *b.parameters
	}
	if b.annotations != nil {
		t.Annotations = *b.annotations
	}
}

// checkFeed reports whether the annotation of a new trigger can name an
// action: "a", "p/a" or "/ns/p/a". OpenWhisk 5.1.4.
func checkFeed(annotations *entity.Parameters) error {
	if annotations == nil {
		return nil
	}
	raw := annotations.Get(entity.AnnotationFeed)
	if raw == nil {
		return nil
	}
	invalid := entity.Errorf(entity.Malformed, "Feed name is not valid")
	var feed string
	if json.Unmarshal(raw, &feed) != nil {
		return invalid
	}
	segments := strings.Split(strings.TrimPrefix(feed, "/"), "/")
	if len(segments) > 3 {
		return invalid
	}
	for _, s := range segments {
		if entity.CheckName(s) != nil {
			return invalid
		}
	}
	return nil
}
