package feed

import (
	"sync"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// Turns lets one caller at a time change a trigger, which may take its
// time; callers about other triggers do not wait. The zero value is
// ready.
type Turns struct {
	mu    sync.Mutex
	taken map[entity.Name]*turn // guarded by mu
}

type turn struct {
	sync.Mutex
	users int // guarded by Turns.mu: who has it and who waits for it
}

// Take waits for the turn; the caller gives it back.
func (t *Turns) Take(trigger entity.Name) (giveBack func()) {
	t.mu.Lock()
	if t.taken == nil {
		t.taken = map[entity.Name]*turn{}
	}
	own := t.taken[trigger]
	if own == nil {
		own = &turn{}
		t.taken[trigger] = own
	}
	own.users++
	t.mu.Unlock()
	own.Lock()
	return func() {
		own.Unlock()
		t.mu.Lock()
		defer t.mu.Unlock()
		if own.users--; own.users == 0 {
			delete(t.taken, trigger)
		}
	}
}
