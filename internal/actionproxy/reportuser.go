package actionproxy

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/gowhisk/gowhisk/internal/protocol"
)

// users remembers whose credentials are for a while, by a hash of them.
type users struct {
	mu     sync.Mutex
	known  map[[sha256.Size]byte]user // guarded by mu
	absent time.Time                  // until then the server is not asked again, which did not answer; guarded by mu
}

type user struct {
	namespace string
	until     time.Time
}

// What is remembered of users: a key that was taken back is still taken for so long.
const (
	userMemory = 30 * time.Second
	mostUsers  = 1000

	identityTimeout = 3 * time.Second
	absence         = 2 * time.Second
)

var errAbsent = errors.New("the server has just not answered")

// identify returns the namespace that the credentials open, empty for none. An error means that the
// server does not say.
func (h *Home) identify(ctx context.Context, authorization string) (namespace string, err error) {
	const scheme = "Basic "
	if len(authorization) < len(scheme) || !strings.EqualFold(authorization[:len(scheme)], scheme) {
		return "", nil // what else there is is the action's own business
	}
	sum, now := sha256.Sum256([]byte(authorization)), time.Now()
	u, absent := h.users.get(sum)
	switch {
	case now.Before(u.until):
		return u.namespace, nil
	case now.Before(absent):
		return "", errAbsent
	}
	ctx, cancel := context.WithTimeout(ctx, identityTimeout)
	defer cancel()
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
		h.users.miss(now)
		return "", fmt.Errorf("ask whose credentials these are: %w", err)
	}
	if said.Namespace != "" {
		h.users.put(sum, user{said.Namespace, now.Add(userMemory)})
	}
	return said.Namespace, nil
}

func (u *users) get(sum [sha256.Size]byte) (one user, absent time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.known[sum], u.absent
}

// miss notes that the server did not answer.
func (u *users) miss(now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.absent = now.Add(absence)
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
