package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gowhisk/gowhisk/internal/store"
)

const (
	maxSeen = 10_000           // deliveries that a webhook remembers
	window  = 2 * maxClockSkew // after which a signed time is refused anyway
)

// deliveries are the ids that a webhook has fired for, or is firing for. It
// is safe for concurrent use.
type deliveries struct {
	mu    sync.Mutex
	seen  map[string]bool // guarded by mu: by key; true once it has fired
	order []delivery      // guarded by mu: those that have fired, oldest first
}

// delivery is one that has fired.
type delivery struct {
	key string // in the registry
	at  time.Time
}

func newDeliveries() *deliveries { return &deliveries{seen: map[string]bool{}} }

// deliveryKey is the key of a delivery in the registry: the id may be long,
// and is the sender's.
func (h *hook) deliveryKey(id string) string {
	sum := sha256.Sum256([]byte(id))
	return h.ID + "/" + hex.EncodeToString(sum[:16])
}

// claim reports whether nobody has claimed the key. The caller calls fired or
// release then.
func (d *deliveries) claim(key string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, there := d.seen[key]; there {
		return false
	}
	d.seen[key] = false
	return true
}

// release forgets a claim: the delivery may come again.
func (d *deliveries) release(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.seen, key)
}

// fired remembers a delivery and returns the keys that are forgotten for it.
func (d *deliveries) fired(key string, at time.Time) (forgotten []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen[key] = true
	d.order = append(d.order, delivery{key, at})
	for len(d.order) > maxSeen {
		forgotten = append(forgotten, d.order[0].key)
		delete(d.seen, d.order[0].key)
		d.order = d.order[1:]
	}
	return forgotten
}

// crowded reports whether a further delivery would push one out of memory
// that could still be sent again.
func (d *deliveries) crowded(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.order) >= maxSeen && now.Sub(d.order[0].at) < window
}

func (d *deliveries) keys() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]string, 0, len(d.order))
	for _, one := range d.order {
		all = append(all, one.key)
	}
	return all
}

func deliveryEntry(key string, at time.Time) store.Entry {
	return store.Entry{Kind: deliveryKind, Key: key, Body: strconv.AppendInt(nil, at.UnixMilli(), 10)}
}

// recall remembers a delivery that was kept, and reports whether its webhook
// is still there. It needs mu held, and sort called after the last one.
func (p *Provider) recall(e store.Entry) bool {
	id, _, _ := strings.Cut(e.Key, "/")
	h := p.byID[id]
	ms, err := strconv.ParseInt(string(e.Body), 10, 64)
	if h == nil || err != nil {
		return false
	}
	h.seen.fired(e.Key, time.UnixMilli(ms))
	return true
}

// sort orders what was recalled.
func (d *deliveries) sort() {
	d.mu.Lock()
	defer d.mu.Unlock()
	slices.SortFunc(d.order, func(a, b delivery) int { return a.at.Compare(b.at) })
}
