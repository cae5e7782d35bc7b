package knative

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"time"
)

// slowest is how long a cell may take to start. Then something is wrong, which may be past.
const slowest = 5 * time.Minute

// lot is the cells of one kind. It is guarded by the mu of the cells.
type lot struct {
	failures int       // in a row
	retry    time.Time // none is made before
}

// failed puts the next try off, twice as long each time.
func (l *lot) failed() {
	l.retry = time.Now().Add(min(time.Second<<min(l.failures, 7), 2*time.Minute))
	l.failures++
}

// keep makes the cluster have the cells that are wanted, until ctx ends.
func (c *cells) keep(ctx context.Context) {
	select {
	case <-c.seen:
	case <-ctx.Done():
		return
	}
	c.findOrphans(ctx)
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		select {
		case <-again.C:
		case <-c.kick:
		case <-ctx.Done():
			return
		}
		again.Reset(c.align(ctx))
	}
}

// align does what there is to do, and returns after how long it has to be called again at the latest.
func (c *cells) align(ctx context.Context) (wait time.Duration) {
	wait = time.Minute
	errs := []error{c.tidy(ctx)}
	for of, n := range c.wanted() {
		pause, err := c.fill(ctx, of, n)
		errs = append(errs, err)
		if pause > 0 {
			wait = min(wait, pause)
		}
	}
	if err := errors.Join(errs...); err != nil && ctx.Err() == nil {
		c.logger.Warn("stem cells are not as they should be, which is tried again", "error", err)
		return min(wait, 5*time.Second)
	}
	return wait
}

// wanted is how many cells there should be; those of a kind that is gone are to be none.
func (c *cells) wanted() map[StemCell]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[StemCell]int{}
	for _, one := range c.known {
		all[one.of] = 0
	}
	if c.off == "" {
		maps.Copy(all, c.want)
	}
	return all
}

// fill brings the cells of a kind to their number.
func (c *cells) fill(ctx context.Context, of StemCell, n int) (wait time.Duration, err error) {
	if n == 0 {
		c.trim(of, "", 0)
		return 0, c.tidy(ctx)
	}
	if wait := c.pause(of); wait > 0 {
		return wait, nil
	}
	image, err := c.backend.opt.Runtime(ctx, of.Kind)
	if err != nil {
		return c.postpone(of), fmt.Errorf("find the image of %s: %w", of.Kind, err)
	}
	spec := cellSpec{of: of, image: image}
	if spec.tag, err = c.backend.cellTag(spec); err != nil {
		return 0, err
	}
	for have := c.trim(of, spec.tag, n); have < n; have++ {
		if err := c.create(ctx, spec); err != nil {
			return c.postpone(of), err
		}
	}
	return 0, c.tidy(ctx)
}

// pause is how long none of the kind is to be made.
func (c *cells) pause(of StemCell) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Until(c.lot(of).retry)
}

func (c *cells) postpone(of StemCell) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lot(of).failed()
	return time.Until(c.lot(of).retry)
}

// trim condemns the free cells of a kind that are made otherwise or too many, and returns how many stay:
// first of all those that wait.
func (c *cells) trim(of StemCell, tag string, n int) (have int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, state := range []cellState{idle, starting} {
		for _, one := range c.known {
			switch {
			case one.of != of || one.state != state:
			case state == starting && time.Since(one.since) > slowest:
				one.state = condemned
				c.lot(of).failed()
			case one.tag != tag || have == n:
				one.state = condemned
			default:
				have++
			}
		}
	}
	return have
}

// create makes one cell.
func (c *cells) create(ctx context.Context, spec cellSpec) error {
	var random [5]byte
	_, _ = rand.Read(random[:]) // never fails
	one := &cell{name: "cell-" + slug(spec.of.Kind) + "-" + hex.EncodeToString(random[:]), of: spec.of, tag: spec.tag, since: time.Now()}
	if _, err := c.apply(ctx, secretResource, c.backend.cellSecret(one)); err != nil {
		return err
	}
	c.mu.Lock()
	c.known[one.name] = one // before the cluster tells of it
	c.mu.Unlock()
	if _, err := c.apply(ctx, podResource, c.backend.cellPod(one, spec.image)); err != nil {
		c.condemn(one) // it may be there nevertheless
		return err
	}
	return nil
}
