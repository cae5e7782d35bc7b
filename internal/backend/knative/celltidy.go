package knative

import (
	"context"
	"errors"
	"fmt"
	"maps"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// tidy deletes what is condemned, and shows what is taken.
func (c *cells) tidy(ctx context.Context) error {
	c.mu.Lock()
	var doomed, noted []*cell
	for _, one := range c.known {
		if one.state == condemned {
			doomed = append(doomed, one)
		} else if one.state == taken && !one.noted {
			noted = append(noted, one)
		}
	}
	orphans := maps.Clone(c.orphans)
	c.mu.Unlock()
	var errs []error
	for _, one := range doomed {
		errs = append(errs, c.remove(ctx, one))
	}
	for name := range orphans {
		err := c.delete(ctx, secretResource, "Secret", name)
		if errs = append(errs, err); err == nil {
			c.mu.Lock()
			delete(c.orphans, name)
			c.mu.Unlock()
		}
	}
	for _, one := range noted {
		errs = append(errs, c.note(ctx, one))
	}
	return errors.Join(errs...)
}

// remove deletes a cell's pod; that it is gone comes from the cluster, unless there never was one.
func (c *cells) remove(ctx context.Context, one *cell) error {
	err := c.resource(podResource).Delete(ctx, one.name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		c.miss(one.name)
		return nil
	}
	if err != nil {
		return fmt.Errorf("delete the stem cell %s: %w", one.name, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	one.state = deleted
	return nil
}

// note has the cluster show which Service a cell stands in for.
func (c *cells) note(ctx context.Context, one *cell) error {
	patch := []byte(`{"metadata":{"labels":{"` + labelCell + `":"` + one.service + `"}}}`)
	_, err := c.resource(podResource).Patch(ctx, one.name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: manager})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("label the stem cell %s: %w", one.name, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	one.noted = true
	return nil
}

// findOrphans finds the keys that an earlier process left without their cell.
func (c *cells) findOrphans(ctx context.Context) {
	list, err := c.resource(secretResource).List(ctx, metav1.ListOptions{LabelSelector: c.selector() + "," + labelCell})
	if err != nil {
		c.logger.Warn("keys of stem cells that are gone may stay", "error", err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range list.Items {
		if c.known[s.GetName()] == nil {
			c.orphans[s.GetName()] = true
		}
	}
}
