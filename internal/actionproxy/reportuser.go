package actionproxy

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/gowhisk/gowhisk/internal/protocol"
)

// users remembers whose credentials are for a while, by a hash of them.
type users struct {
	mu    sync.Mutex
	known map[[sha256.Size]byte]user // guarded by mu
}

type user struct {
	namespace string
	until     time.Time
}

// What is remembered of users: a key that was taken back is still taken for so long.
const (
	userMemory = 30 * time.Second
	mostUsers  = 1000
)

// identify returns the namespace that the credentials open, empty for none. An error means that the
// server does not say.
func (h *Home) identify(ctx context.Context, authorization string) (namespace string, err error) {
	if authorization == "" {
		return "", nil
	}
	sum, now := sha256.Sum256([]byte(authorization)), time.Now()
	if u := h.users.get(sum); now.Before(u.until) {
		return u.namespace, nil
	}
	body := append(append([]byte(`{"as":`), h.opts.As...), `,"authorization":`...)
	answer, err := h.post(ctx, IdentityPath, append(protocol.AppendString(body, authorization), '}'))
	if errors.Is(err, errRefused) {
		return "", nil
	}
	var said struct{ Namespace string }
	if err == nil {
		err = json.Unmarshal(answer, &said)
	}
	if err != nil {
		return "", fmt.Errorf("ask whose credentials these are: %w", err)
	}
	if said.Namespace != "" {
		h.users.put(sum, user{said.Namespace, now.Add(userMemory)})
	}
	return said.Namespace, nil
}

func (u *users) get(sum [sha256.Size]byte) user {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.known[sum]
}

// put remembers one. If there are too many the old ones are forgotten, or else all.
func (u *users) put(sum [sha256.Size]byte, one user) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.known) >= mostUsers {
		maps.DeleteFunc(u.known, func(_ [sha256.Size]byte, v user) bool { return time.Now().After(v.until) })
	}
	if len(u.known) >= mostUsers || u.known == nil {
		u.known = map[[sha256.Size]byte]user{}
	}
	u.known[sum] = one
}
