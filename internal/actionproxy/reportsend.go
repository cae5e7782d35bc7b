package actionproxy

import (
	"errors"
	"strconv"
	"time"

	"github.com/gowhisk/gowhisk/internal/protocol"
)

// Bounds of the requests to a Home.
const (
	mostReports   = 100 // in one request
	mostReported  = 1 << 20
	reportTimeout = 10 * time.Second
	firstPause    = 100 * time.Millisecond
	longestPause  = 5 * time.Second
)

// work sends what waits, in order, until Close has seen the last of it go.
func (h *Home) work() {
	defer close(h.done)
	pause := time.Duration(0)
	for {
		batch, lost := h.next()
		if len(batch) == 0 {
			select {
			case <-h.wake:
				continue
			case <-h.closing:
			}
			if batch, lost = h.next(); len(batch) == 0 {
				return
			}
		}
		_, err := h.post(h.life, ReportPath, h.encode(batch, lost))
		switch {
		case err == nil:
			pause = 0
		case errors.Is(err, errRefused):
			h.opts.Log.Error("activations leave no record", "activations", len(batch), "error", err)
		default:
			if pause == 0 {
				h.opts.Log.Warn("the server does not take records of activations, which is tried again", "error", err)
			}
			if pause = min(max(2*pause, firstPause), longestPause); !h.rest(pause) {
				return
			}
			continue
		}
		h.sent(batch, lost)
	}
}

// rest waits; false if it is over with requests.
func (h *Home) rest(pause time.Duration) bool {
	again := time.NewTimer(pause)
	defer again.Stop()
	select {
	case <-again.C:
		return true
	case <-h.life.Done():
		return false
	}
}

// next is what goes into one request, and how many were lost before.
func (h *Home) next() (batch []report, lost int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n, size := 0, 0
	for n < len(h.waiting) && n < mostReports && (n == 0 || size < mostReported) {
		size += h.waiting[n].size()
		n++
	}
	return append([]report(nil), h.waiting[:n]...), h.lost
}

// sent forgets a batch, of which some may have gone for want of room meanwhile.
func (h *Home) sent(batch []report, lost int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lost -= lost
	for _, r := range batch {
		if len(h.waiting) > 0 && h.waiting[0].id == r.id {
			h.held -= r.size()
			h.waiting[0] = report{}
			h.waiting = h.waiting[1:]
		} else {
			h.lost-- // it arrived all the same
		}
	}
}

// encode writes {"as":…,"lost":…,"activations":[{"transactionId":…,"accepted":…,"answer":ActivationAnswer},…]};
// accepted is in milliseconds since 1970.
func (h *Home) encode(batch []report, lost int) []byte {
	b := append([]byte(`{"as":`), h.opts.As...)
	b = strconv.AppendInt(append(b, `,"lost":`...), int64(lost), 10)
	b = append(b, `,"activations":[`...)
	for i, r := range batch {
		if i > 0 {
			b = append(b, ',')
		}
		b = protocol.AppendString(append(b, `{"transactionId":`...), r.transaction)
		b = strconv.AppendInt(append(b, `,"accepted":`...), r.accepted.UnixMilli(), 10)
		b = append(r.outcome.append(append(b, `,"answer":`...), r.id), '}')
	}
	return append(b, "]}"...)
}
