package knative

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
	"github.com/gowhisk/gowhisk/runtimes"
)

// fit is why stem cells do not do for an action, empty if they do. Their images have what interprets
// code, and not what compiles it.
func fit(a *entity.Action) string {
	family, known := runtimes.FamilyOf(a.Exec.Kind)
	switch {
	case a.Exec.Kind == entity.KindBlackbox || a.Exec.Image != "" || !known:
		return "its image is its own"
	case a.Exec.CodeID == "":
		return "it has no code of its own"
	case family.Compiled || family.KeepArchive && !a.Exec.Binary:
		return "its code is compiled into its image"
	}
	return ""
}

func stemCellOf(a *entity.Action) StemCell {
	return StemCell{Kind: a.Exec.Kind, Memory: a.Limits.Memory}
}

// asleep reports whether no pod of the version takes requests, and some may come to.
func (b *Backend) asleep(p plan) bool {
	if n, _ := b.readiness.of(p.revision()); n > 0 {
		return false
	}
	s, _ := b.services.get(p.service)
	return s == nil || s.failed(p) == ""
}

// bridged runs the activation in a stem cell if its Service is at zero. False means that the Service is
// to be asked, and that the action has not been reached.
func (b *Backend) bridged(ctx context.Context, p plan, msg *invoker.Message) (invoker.Result, bool, error) {
	for {
		asleep := b.asleep(p)
		if !asleep && !b.bridges.crossing(p) || fit(msg.Action) != "" {
			return invoker.Result{}, false, nil
		}
		s, ok := b.bridges.board(ctx, p, stemCellOf(msg.Action), msg.Action.Limits.Concurrency, asleep)
		if !ok {
			return invoker.Result{}, false, nil
		}
		r, done, err := b.ride(ctx, s, msg)
		if done || err != nil {
			return r, true, err
		}
	}
}

// ride sends the activation to a cell. False means that the action has not been reached.
func (b *Backend) ride(ctx context.Context, s seat, msg *invoker.Message) (r invoker.Result, done bool, err error) {
	how := unreached
	defer func() { b.bridges.leave(s, how) }()
	c := call{client: b.cells.client, host: s.berth.cell.address, key: b.cellKey(s.berth.cell), longest: 2 * msg.Action.Limits.Timeout, judge: refusedByCell}
	if s.first {
		if c.init, err = initOf(ctx, msg); err != nil {
			how = unused
			return r, true, err
		}
	}
	if err := begin(ctx, msg); err != nil {
		how = unused
		return r, true, err
	}
	sent := time.Now()
	answer, reached, err := b.call(ctx, c, msg)
	gone, isLost := errors.AsType[*lostError](err)
	switch {
	case err == nil:
		how, r = answered, conclude(msg, answer, time.Now())
		if r.Init > 0 {
			r.Start = invoker.Prewarmed
		}
	case !reached && ctx.Err() == nil:
		b.opt.Logger.Warn("a stem cell does not take an action, another way is tried", "pod", s.berth.cell.name, "activation", msg.ID, "error", err)
		return r, false, nil
	case isLost && ctx.Err() == nil:
		how = lost
		r = b.lost(ctx, ofName(s.berth.cell.name), msg, sent, gone)
	default:
		how = lost
		return r, true, fmt.Errorf("activation %s was abandoned: %w", msg.ID, err)
	}
	r.Placement = placementBridge
	return r, true, nil
}

// initOf is the action as a stem cell takes it.
func initOf(ctx context.Context, msg *invoker.Message) ([]byte, error) {
	code, err := msg.Code(ctx)
	if err != nil {
		return nil, fmt.Errorf("load the code of %s: %w", msg.Action.Name, err)
	}
	a := msg.Action
	described := describe(a, msg.Identity.Namespace.Name)
	described.Code, described.Binary = code, a.Exec.Binary
	if family, _ := runtimes.FamilyOf(a.Exec.Kind); !family.RequireMain {
		described.Main = cmp.Or(described.Main, "main")
	}
	text, err := json.Marshal(described)
	if err != nil {
		return nil, fmt.Errorf("describe the action %s: %w", a.Name, err)
	}
	return text, nil
}

// withInit is the body of a request that brings the action.
func withInit(init, args []byte) []byte {
	if len(args) == 0 {
		args = []byte("{}")
	}
	return bytes.Join([][]byte{[]byte(`{"init":`), init, []byte(`,"value":`), args, []byte(`}`)}, nil)
}

// refusedByCell judges an answer that is not the action's.
func refusedByCell(res *http.Response, body []byte) (reached bool, err error) {
	why := fmt.Sprintf("status %d: %s", res.StatusCode, strings.TrimSpace(string(body[:min(len(body), 300)])))
	if res.StatusCode == http.StatusUnauthorized || res.Header.Get(actionproxy.RefusedHeader) != "" {
		return false, errors.New(why) // the proxy itself, before everything else
	}
	return true, &lostError{why: why}
}
