package knative

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"strings"
	"sync"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// place is what has a Service: an action as one namespace invokes it, through one binding or none.
// Namespaces do not share pods, and bindings may bring an environment.
type place struct {
	Action    entity.Name
	Namespace string
	Binding   entity.Name
}

// plan is how a version of an action is called in the cluster.
type plan struct {
	service string // name of the Service
	tag     string // of the version: never the same for two
}

func (p plan) revision() string { return p.service + "-" + p.tag }
func (p plan) secret() string   { return p.service + "-" + p.tag }

// longestSlug keeps the names that Knative makes of ours, such as SERVICE-TAG-private, within the
// 63 characters of a host's label.
const longestSlug = 30

// slug is what a name looks like where only lower case letters, digits and dashes are allowed. It is
// not unique.
func slug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		if 'a' <= r && r <= 'z' || b.Len() > 0 && '0' <= r && r <= '9' {
			b.WriteRune(r)
		} else if b.Len() > 0 && !strings.HasSuffix(b.String(), "-") {
			b.WriteByte('-')
		}
		if b.Len() == longestSlug {
			break
		}
	}
	if s := strings.Trim(b.String(), "-"); s != "" {
		return s
	}
	return "action"
}

// serviceName is readable and, by a hash of owner and place, unique.
func serviceName(owner string, p place) string {
	local := p.Action.Name
	if p.Action.Package != "" {
		local = p.Action.Package + "-" + local
	}
	sum := sha256.New()
	for _, part := range []string{owner, p.Action.String(), p.Namespace, p.Binding.String()} {
		sum.Write(append([]byte(part), 0))
	}
	return slug(local) + "-" + strings.ToLower(base32.StdEncoding.EncodeToString(sum.Sum(nil))[:10])
}

// plans remembers those that were made.
type plans struct {
	seed  maphash.Seed
	mu    sync.Mutex
	known map[planKey]plan // guarded by mu
}

type planKey struct {
	place
	revision   uint64
	code       string
	parameters uint64
}

// form counts the forms of our objects: a Revision of one name has one form.
const form = 4

// most bounds what is remembered; a full table starts anew.
const most = 10_000

// plan names the version of a that is served at p.
func (b *Backend) plan(p place, a *entity.Action) (plan, error) {
	key := planKey{p, a.Revision, a.Exec.CodeID, b.plans.sum(a.Parameters)}
	b.plans.mu.Lock()
	defer b.plans.mu.Unlock()
	if known, ok := b.plans.known[key]; ok {
		return known, nil
	}
	// Parameters are in it for requests that come straight to the pods: those of a package change
	// without the action.
	what, err := json.Marshal([]any{form, a.Revision, a.Exec, a.Exec.CodeID, a.Version, a.Limits, a.Annotations, a.Parameters, b.opt.APIHost, b.opt.PullSecret, p})
	if err != nil {
		return plan{}, fmt.Errorf("name the version of %s: %w", a.Name, err)
	}
	sum := hmac.New(sha256.New, b.opt.Secret)
	sum.Write(what)
	made := plan{service: serviceName(b.opt.Owner, p), tag: hex.EncodeToString(sum.Sum(nil))[:8]}
	if len(b.plans.known) >= most || b.plans.known == nil {
		b.plans.known = map[planKey]plan{}
	}
	b.plans.known[key] = made
	return made, nil
}

// sum tells sets of parameters apart.
func (p *plans) sum(parameters entity.Parameters) uint64 {
	var h maphash.Hash
	h.SetSeed(p.seed)
	for _, one := range parameters {
		h.WriteString(one.Key) // a hash takes everything
		h.WriteByte(0)
		h.Write(one.Value)
		h.WriteByte(0)
		if one.Init {
			h.WriteByte(1)
		}
	}
	return h.Sum64()
}

// key is what pods of that version know us by: pods of another refuse it, before anything else.
func (b *Backend) key(p plan) string { return b.keyOf(p.revision()) }

func (b *Backend) keyOf(revision string) string {
	sum := hmac.New(sha256.New, b.opt.Secret)
	sum.Write([]byte("gateway " + revision))
	return hex.EncodeToString(sum.Sum(nil))
}
