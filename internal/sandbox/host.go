package sandbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// Host starts sandboxes. It is made once per server from a Report and is safe
// for concurrent use.
type Host struct {
	opts   Options
	report Report
	tree   cgroups
	base   base
	filter []byte
	root   bool
	name   string        // of its cgroups, unlike that of any other Host
	seq    atomic.Uint64 // number of the next sandbox

	refills sync.WaitGroup

	mu      sync.Mutex
	spawn   *spawner // guarded by mu
	spare   *waiting // a launcher for the next start; guarded by mu
	soon    bool     // a timer will refill spare; guarded by mu
	uids    []uint32 // free host user ids; guarded by mu
	nextUID uint32   // guarded by mu
	live    map[*Process]struct{}
	closed  bool // guarded by mu
}

// New returns a Host that isolates as the report says. The caller closes it.
func New(opts Options, r Report) (*Host, error) {
	h, err := newHost(opts, r)
	if err == nil {
		h.refill()
	}
	return h, err
}

// newHost makes a host without a spare launcher.
func newHost(opts Options, r Report) (*Host, error) {
	if !validOwner(opts.Owner) {
		return nil, fmt.Errorf("owner %q is not a plain name", opts.Owner)
	}
	if r.Tier == "" {
		return nil, errors.New("no tier of isolation works on this host")
	}
	h := &Host{
		opts: opts, report: r, root: os.Geteuid() == 0,
		name:    strconv.Itoa(os.Getpid()) + "-" + strings.ToLower(rand.Text()[:6]),
		nextUID: uidBase(opts.Owner), live: make(map[*Process]struct{}),
	}
	h.tree, _ = findCgroups(opts.Owner)
	if r.Tier == TierRootless {
		if err := h.tree.removeOwner(); err != nil {
			return nil, err
		}
		h.tree = nil
	}
	if r.Tier != TierNone {
		h.filter = buildFilter(filterOptions{
			mediated: h.mediated(),
			noNetns:  !r.Tier.namespaced(),
			noPidns:  !r.Tier.namespaced(),
			noScope:  r.Landlock < 6,
			ownsHost: !r.Tier.namespaced() && !h.root,
		})
	}
	var err error
	if h.base, err = readBase(); err != nil {
		return nil, err
	}
	if h.spawn, err = newSpawner(); err != nil {
		return nil, err
	}
	return h, nil
}

// Report is what the host was made from.
func (h *Host) Report() Report { return h.report }

// mediated reports whether the supervisor makes outbound connections.
func (h *Host) mediated() bool { return h.report.Network == "mediated" && h.report.Tier != TierNone }

// Close kills and removes every sandbox that is still there.
func (h *Host) Close(ctx context.Context) error {
	h.mu.Lock()
	h.closed = true
	var left []*Process
	for p := range h.live {
		left = append(left, p)
	}
	spare := h.spare
	h.spare = nil
	h.mu.Unlock()
	h.refills.Wait()
	var errs []error
	if spare != nil {
		errs = append(errs, h.discard(spare))
	}
	for _, p := range left {
		errs = append(errs, p.Close(ctx))
	}
	errs = append(errs, h.spawn.stop())
	return errors.Join(append(errs, h.tree.removeOwner())...)
}

const (
	firstUID   = 0x60000000 // far above what distributions and subuid hand out
	uidsPerRun = 0x10000
)

// uidBase spreads servers over the range, so that two on one host do not
// share process limits.
func uidBase(owner string) uint32 {
	f := fnv.New32a()
	f.Write([]byte(owner)) // a hash never fails
	return firstUID + f.Sum32()%0x1000*uidsPerRun
}

// takeUID returns a host user id that no other live sandbox has.
func (h *Host) takeUID() uint32 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := len(h.uids); n > 0 {
		uid := h.uids[n-1]
		h.uids = h.uids[:n-1]
		return uid
	}
	h.nextUID++
	return h.nextUID
}

// putUID takes an id back; the server's own is nobody's to give.
func (h *Host) putUID(uid uint32) {
	if uid < firstUID {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.uids = append(h.uids, uid)
}

func (h *Host) track(p *Process) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return errors.New("sandbox host is closed")
	}
	h.live[p] = struct{}{}
	return nil
}

func (h *Host) untrack(p *Process) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.live, p)
}

// maxOwner bounds a name that becomes part of a directory's.
const maxOwner = 80

func validOwner(s string) bool {
	if s == "" || len(s) > maxOwner {
		return false
	}
	for _, c := range s {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}
