package trigger

import (
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// eventKey names an event of a trigger by its source and id.
type eventKey string

func keyOf(trigger entity.Name, source, id string) eventKey {
	sum := sha256.New()
	for _, part := range []string{trigger.String(), source, id} {
		sum.Write(append([]byte(part), 0))
	}
	return eventKey(hex.EncodeToString(sum.Sum(nil)[:16]))
}

// held are the activations that wait for the deliveries of their events. The queue has them all: after
// a crash they run at once, and nothing is held.
type held struct {
	mu     sync.Mutex
	events map[eventKey]*journey // guarded by mu
}

// journey is an event on its way.
type journey struct {
	rules map[entity.Name]chan struct{} // closed to let the rule's activation run
	late  *time.Timer
}

// put holds activations, by rule, until they are claimed, released or late; late is told how many
// still were there then.
func (h *held) put(key eventKey, rules map[entity.Name]chan struct{}, patience time.Duration, late func(n int)) {
	if len(rules) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.events == nil {
		h.events = map[eventKey]*journey{}
	}
	h.events[key] = &journey{rules, time.AfterFunc(patience, func() {
		if n := h.release(key); n > 0 {
			late(n)
		}
	})}
}

// claim lets the activation of a rule run. It is true for one caller at most, and only if the
// activation waited.
func (h *held) claim(key eventKey, rule entity.Name) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	j := h.events[key]
	if j == nil || j.rules[rule] == nil {
		return false
	}
	close(j.rules[rule])
	delete(j.rules, rule)
	if len(j.rules) == 0 {
		j.late.Stop()
		delete(h.events, key)
	}
	return true
}

// release lets all that still waits for an event run, and returns how many that are.
func (h *held) release(key eventKey) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	j := h.events[key]
	if j == nil {
		return 0
	}
	j.late.Stop()
	delete(h.events, key)
	for _, hold := range j.rules {
		close(hold)
	}
	return len(j.rules)
}
