package controller

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
)

// putAction creates or updates an action. The order of its checks is that of
// OpenWhisk 1.4.17.
func (c *Controller) putAction(x *exchange) error {
	p, err := x.put(entity.Actions)
	if err != nil {
		return err
	}
	kinds, err := c.cfg.Manifest(x.r.Context())
	if err != nil {
		return fmt.Errorf("read the kinds: %w", err)
	}
	body, err := decodeAction(p.body, kinds, x.id.Namespace.Name, c.cfg.Entitlement.MaxParameterSize(x.id))
	if err != nil {
		return err
	}
	if err := body.checkRange(c.cfg.Entitlement.Range(x.id)); err != nil {
		return err
	}
	if err := c.checkExecRights(x, body.exec); err != nil {
		return err
	}
	old, err := c.cfg.Catalog.Action(x.r.Context(), p.name)
	if old, err = replaced(p, old, err); err != nil {
		return err
	}
	return c.storeAction(x, p.name, old, body)
}

// checkExecRights asks whether the caller may use what exec names.
func (c *Controller) checkExecRights(x *exchange, exec *entity.Exec) error {
	if exec == nil {
		return nil
	}
	if err := c.checkComponents(x, entitlement.Read, exec.Components); err != nil {
		return err
	}
	return c.cfg.Entitlement.CheckKind(x.id, exec.Kind)
}

// storeAction writes what old, nil if there is none, becomes with body, and
// answers with it.
func (c *Controller) storeAction(x *exchange, name entity.Name, old *entity.Action, body *actionBody) error {
	a, err := body.applyTo(old, c.cfg.Entitlement.Settings().Defaults)
	if err != nil {
		return err
	}
	a.Name = name
	if err := c.checkKind(x, a.Exec.Kind); err != nil {
		return err
	}
	if a.Exec.Kind == entity.KindSequence {
		if err := c.checkSequence(x.r.Context(), name, a.Exec.Components); err != nil {
			return err
		}
	}
	most := c.cfg.Entitlement.MaxInstances(x.id)
	if body.limits.Instances != nil && *a.Limits.Instances > most {
		return entity.Errorf(entity.Malformed, "Max action instance concurrency must not exceed your namespace concurrency of %d.", most)
	}
	stored, err := c.cfg.Catalog.PutAction(x.r.Context(), a)
	if err != nil {
		return err
	}
	out := *stored
	out.Exec.Code = a.Exec.Code
	if out.Exec.Code == "" {
		if out.Exec.Code, err = x.code(stored); err != nil && !errors.Is(err, entity.ErrNotFound) {
			return err
		}
	}
	return x.sendAction(&out)
}

// applyTo returns the action that old becomes. Absent members keep the old
// value, or that of defaults; annotations are merged, parameters replaced.
// OpenWhisk 1.9.5, 1.9.6, 2.4.1, 2.4.2.
func (b *actionBody) applyTo(old *entity.Action, defaults entity.Limits) (*entity.Action, error) {
	a := &entity.Action{Version: entity.FirstVersion, Limits: defaults}
	if old == nil && b.exec == nil {
		return nil, entity.Errorf(entity.Malformed, "exec undefined")
	}
	if old == nil {
		a.Annotations = entity.Parameters{}.Set(entity.AnnotationProvideAPIKey, "false")
	} else {
		*a = *old
		a.Version = old.Version.Next()
		if b.exec == nil || b.exec.Kind != entity.KindSequence {
			a.Annotations = a.Annotations.Without(b.delAnnotations...)
		}
	}
	if b.version != nil {
		a.Version = *b.version
	}
	if b.publish != nil {
		a.Publish = *b.publish
	}
	if b.annotations != nil {
		a.Annotations = b.annotations.Over(a.Annotations)
	}
	a.Limits = b.limits.Apply(a.Limits)
	if err := b.applyExec(a); err != nil {
		return nil, err
	}
	a.Annotations = a.Annotations.Set(entity.AnnotationExec, fmt.Sprintf("%q", a.Exec.Kind))
	return a, nil
}

// applyExec puts exec and parameters over those of a. A sequence has one
// parameter, which the system sets. OpenWhisk 2.8.3.
func (b *actionBody) applyExec(a *entity.Action) error {
	wasSequence := a.Exec.Kind == entity.KindSequence
	if b.exec != nil {
		a.Exec = *b.exec
	}
	if b.parameters != nil {
		a.Parameters = *b.parameters
	}
	switch {
	case a.Exec.Kind == entity.KindSequence:
		components, err := json.Marshal(a.Exec.Components)
		if err != nil {
			return fmt.Errorf("encode components: %w", err)
		}
		a.Parameters = entity.Parameters{}.Set("_actions", string(components))
	case wasSequence && b.parameters == nil:
		a.Parameters = nil
	}
	return nil
}
