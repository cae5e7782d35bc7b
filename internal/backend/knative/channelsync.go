package knative

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// reconcile makes the cluster have of a trigger and its active rules what the catalog has. What is no
// trigger has nothing.
func (c *Channels) reconcile(ctx context.Context, name entity.Name) error {
	t, err := c.opt.Catalog.Trigger(ctx, name)
	if err != nil && !isNone(err) {
		return fmt.Errorf("look the trigger up: %w", err)
	}
	if err != nil {
		t = nil
	}
	var errs []error
	kept := map[string]bool{}
	if t != nil {
		o := c.carrierObject(name)
		kept[o.GetName()] = true
		errs = append(errs, c.align(ctx, c.form.carriers, c.carriers, o), c.subscribe(ctx, t, kept))
	}
	errs = append(errs,
		c.drop(ctx, c.form.rules, c.form.ruleFor, c.rules, name, kept),
		c.drop(ctx, c.form.carriers, c.form.carrier, c.carriers, name, kept))
	return errors.Join(errs...)
}

// subscribe brings the active rules into the cluster, and notes the names of their objects.
func (c *Channels) subscribe(ctx context.Context, t *entity.Trigger, kept map[string]bool) error {
	var errs []error
	for _, l := range t.Rules {
		if !l.Active {
			continue
		}
		r, err := c.opt.Catalog.Rule(ctx, l.Rule)
		if isNone(err) {
			continue
		}
		var o *unstructured.Unstructured
		if err == nil {
			o, err = c.ruleObject(t, r)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("subscribe the rule %s: %w", l.Rule, err))
			continue
		}
		kept[o.GetName()] = true
		errs = append(errs, c.align(ctx, c.form.rules, c.rules, o))
	}
	return errors.Join(errs...)
}

// align makes an object what it should be.
func (c *Channels) align(ctx context.Context, r schema.GroupVersionResource, known *services, o *unstructured.Unstructured) error {
	now, _ := known.get(o.GetName())
	if now != nil && (now.Metadata.Deleted != "" || !known.foreign(now) && isLabelled(now, o)) {
		return nil // one that is being deleted comes again when it is gone
	}
	applied, err := c.cluster.apply(ctx, r, o)
	if err != nil {
		return err
	}
	known.own(o.GetName(), "", applied.GetGeneration())
	if now == nil {
		c.opt.Logger.Info("trigger is in the cluster", "trigger", o.GetAnnotations()[noteTrigger], "rule", o.GetAnnotations()[noteRule], "kind", o.GetKind(), "name", o.GetName())
	}
	return nil
}

// isLabelled tells whether an object has the labels and annotations that it should have.
func isLabelled(now *service, o *unstructured.Unstructured) bool {
	for key, value := range o.GetLabels() {
		if now.Metadata.Labels[key] != value {
			return false
		}
	}
	for key, value := range o.GetAnnotations() {
		if now.Metadata.Annotations[key] != value {
			return false
		}
	}
	return true
}

// drop removes the objects of a trigger that are not to be kept.
func (c *Channels) drop(ctx context.Context, r schema.GroupVersionResource, kind string, known *services, trigger entity.Name, kept map[string]bool) error {
	var errs []error
	for _, s := range known.noted(noteTrigger, "/"+trigger.String()) {
		if !kept[s.Metadata.Name] && s.Metadata.Deleted == "" {
			errs = append(errs, c.cluster.delete(ctx, r, kind, s.Metadata.Name))
		}
	}
	return errors.Join(errs...)
}

// noted returns those with an annotation of that value.
func (s *services) noted(key, value string) []*service {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*service
	for _, one := range s.known {
		if one.Metadata.Annotations[key] == value {
			found = append(found, one)
		}
	}
	return found
}

func isNone(err error) bool {
	return errors.Is(err, entity.ErrNotFound) || errors.Is(err, entity.ErrWrongType)
}

// triggers are those that the known ones are for.
func (s *services) triggers() (all []entity.Name) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.known {
		if namespace, name, ok := cutName(one.Metadata.Annotations[noteTrigger]); ok {
			all = append(all, entity.Name{Namespace: namespace, Name: name})
		}
	}
	return all
}

// clear removes what an earlier server left that had another form, as far as it may.
func (c *Channels) clear(ctx context.Context, form eventing) {
	for kind, resource := range map[string]schema.GroupVersionResource{form.ruleFor: form.rules, form.carrier: form.carriers} {
		list, err := c.cluster.resource(resource).List(ctx, metav1.ListOptions{LabelSelector: c.cluster.selector()})
		if apierrors.IsNotFound(err) || apierrors.IsForbidden(err) || ctx.Err() != nil {
			continue
		}
		if err == nil {
			for _, o := range list.Items {
				err = errors.Join(err, c.cluster.delete(ctx, resource, kind, o.GetName()))
			}
		}
		if err != nil {
			c.opt.Logger.Warn("what another setting of knative.events had in the cluster may be there still", "kind", kind, "error", err)
		}
	}
}
