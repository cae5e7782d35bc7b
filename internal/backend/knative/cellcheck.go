package knative

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
)

// newCellClient is for requests to pods as they are, without ingress. Connections to a pod that is gone
// look alive for a while, so that none is used again.
func newCellClient() *http.Client {
	dialer := &net.Dialer{Timeout: 2 * time.Second}
	return &http.Client{
		Transport:     &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// check makes a cell that the cluster calls ready an idle one, if it is no action's. Where pods cannot be
// reached from here none are kept.
func (c *cells) check(ctx context.Context, one *cell) {
	const tries = 5
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var err error
	for range tries {
		var stem bool
		if stem, err = c.isStem(ctx, one); err == nil && stem {
			c.settle(one)
			return
		}
		if err == nil || c.gone(one) {
			c.condemn(one) // its action was a former process's
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
	c.unreachable(one, err)
}

// unreachable takes note of a cell that is ready and cannot be reached. If none ever could, none are kept.
func (c *cells) unreachable(one *cell, why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.look()
	if one.state != starting {
		return
	}
	if c.reached {
		one.state = condemned
		c.lot(one.of).failed()
		return
	}
	if c.off == "" {
		c.logger.Warn("pods cannot be reached from here, so no stem cells are kept until this server starts again", "address", one.address, "error", why)
	}
	c.off = "pods cannot be reached from the server"
}

// settle makes a cell one that may be taken.
func (c *cells) settle(one *cell) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if one.state == starting {
		one.state, c.reached = idle, true
		c.lot(one.of).failures = 0
		c.logger.Debug("a stem cell waits", "pod", one.name, "kind", one.of.Kind)
		c.look()
	}
}

// isStem asks the cell whether it is no action's. An error says that it cannot be reached.
func (c *cells) isStem(ctx context.Context, one *cell) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+one.address+actionproxy.ReadyPath, nil)
	if err != nil {
		return false, fmt.Errorf("ask the stem cell %s: %w", one.name, err)
	}
	res, err := c.client.Do(req)
	if err != nil {
		return false, err
	}
	return res.StatusCode == http.StatusOK && res.Header.Get(actionproxy.StemCellHeader) == "true", res.Body.Close()
}
