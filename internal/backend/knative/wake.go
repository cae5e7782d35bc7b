package knative

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
)

// wake wakes the Service that a bridge stands in for, and ends the bridge when it serves, or will not.
func (b *Backend) wake(at *bridge) {
	ctx, cancel := context.WithTimeoutCause(b.life, b.opt.Patience, errLate)
	defer cancel()
	began := time.Now()
	where, err := b.served(ctx, at.plan)
	if err == nil {
		err = b.pokeWhileWanted(ctx, at.plan, where)
	}
	b.bridges.end(at)
	if err == nil {
		b.opt.Logger.Debug("a Service is awake", "service", at.service, "after", time.Since(began))
		b.untilSeen(ctx, at.plan)
	} else if !errors.Is(err, context.Canceled) && !errors.Is(err, errSuperseded) {
		b.opt.Logger.Warn("a Service does not wake", "service", at.service, "error", err)
	}
	b.bridges.forget(at)
}

// errSuperseded says that the Service is to serve another version now, or is gone.
var errSuperseded = errors.New("the version is not wanted any more")

// whileWanted ends the context that it returns once the Service is not the version's. The caller calls stop.
func (b *Backend) whileWanted(ctx context.Context, p plan) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() { // ends with ctx: an invocation may begin it while Close waits for the workers
		late := time.After(5 * time.Second) // what was applied just now is not known at once
		for {
			now, changed := b.services.get(p.service)
			wanted := now != nil && now.is(p)
			if wanted {
				late = nil
			} else if late == nil || b.services.replaced(p) {
				cancel(errSuperseded)
			}
			select {
			case <-changed:
			case <-late:
				late = nil
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}

// untilSeen waits until the ready pod of a Service that has answered is known here, too, or for long
// enough that it may be gone already.
func (b *Backend) untilSeen(ctx context.Context, p plan) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		n, changed := b.readiness.of(p.revision())
		if n > 0 {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// slowInit is how long a pod that answers may take to initialize its action before requests wait for it
// there.
const slowInit = 10 * time.Second

func (b *Backend) pokeWhileWanted(ctx context.Context, p plan, where *url.URL) error {
	ctx, stop := b.whileWanted(ctx, p)
	defer stop()
	return b.poke(ctx, where)
}

// poke sends the Service requests that run nothing until its action can run.
func (b *Backend) poke(ctx context.Context, where *url.URL) error {
	at := url.URL{Scheme: b.scheme(where), Host: where.Host, Path: actionproxy.ReadyPath}
	var here time.Time
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		ready, there, err := b.ask(ctx, at.String())
		if there && here.IsZero() {
			here, pause = time.Now(), 20*time.Millisecond
		}
		if ready || there && time.Since(here) > slowInit {
			return nil
		}
		again := time.NewTimer(pause)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return errors.Join(context.Cause(ctx), err)
		}
	}
}

// ask asks once. there reports whether a pod has answered.
func (b *Backend) ask(ctx context.Context, at string) (ready, there bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return false, false, fmt.Errorf("wake the Service: %w", err)
	}
	res, err := b.client.Do(req)
	if err != nil {
		return false, false, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<16))
	if err != nil {
		return false, false, err
	}
	there = json.Valid(bytes.TrimSpace(body)) && len(body) > 0
	if res.StatusCode == http.StatusOK && there {
		return true, true, nil
	}
	return false, there && res.StatusCode == http.StatusServiceUnavailable, fmt.Errorf("status %d: %s", res.StatusCode, body[:min(len(body), 300)])
}
