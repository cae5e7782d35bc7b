package entitlement

import (
	"fmt"
	"slices"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
)

// Limits is the document of what applies to a namespace. OpenWhisk 6.2.1.
type Limits struct {
	InvocationsPerMinute  int      `json:"invocationsPerMinute"`
	ConcurrentInvocations int      `json:"concurrentInvocations"`
	FiresPerMinute        int      `json:"firesPerMinute"`
	AllowedKinds          []string `json:"allowedKinds,omitempty"`
	StoreActivations      *bool    `json:"storeActivations,omitempty"`
	MinActionMemory       int64    `json:"minActionMemory"`  // MB
	MaxActionMemory       int64    `json:"maxActionMemory"`  // MB
	MinActionLogs         int64    `json:"minActionLogs"`    // MB
	MaxActionLogs         int64    `json:"maxActionLogs"`    // MB
	MinActionTimeout      int64    `json:"minActionTimeout"` // ms
	MaxActionTimeout      int64    `json:"maxActionTimeout"` // ms
	MinActionConcurrency  int      `json:"minActionConcurrency"`
	MaxActionConcurrency  int      `json:"maxActionConcurrency"`
	MaxParameterSize      string   `json:"maxParameterSize"` // "n B"
	MaxPayloadSize        string   `json:"maxPayloadSize,omitempty"`
	TruncationSize        string   `json:"truncationSize,omitempty"`
	MaxActionInstances    int      `json:"maxActionInstances"`
}

// Limits returns what applies to the identity's namespace.
func (e *Entitlement) Limits(id *entity.Identity) Limits {
	r := e.Range(id)
	out := Limits{
		InvocationsPerMinute:  e.allowed(id, Invoke),
		ConcurrentInvocations: e.concurrent(id),
		FiresPerMinute:        e.allowed(id, Fire),
		AllowedKinds:          id.Limits.AllowedKinds,
		StoreActivations:      id.Limits.StoreActivations,
		MinActionMemory:       r.MinMemory,
		MaxActionMemory:       r.MaxMemory,
		MinActionLogs:         r.MinLogs,
		MaxActionLogs:         r.MaxLogs,
		MinActionTimeout:      r.MinTimeout.Milliseconds(),
		MaxActionTimeout:      r.MaxTimeout.Milliseconds(),
		MinActionConcurrency:  r.MinConcurrency,
		MaxActionConcurrency:  r.MaxConcurrency,
		MaxParameterSize:      bytes(e.MaxParameterSize(id)),
		MaxActionInstances:    e.MaxInstances(id),
	}
	if id.Limits.MaxPayloadSize != nil {
		out.MaxPayloadSize = bytes(e.MaxPayloadSize(id))
	}
	if id.Limits.TruncationSize != nil {
		out.TruncationSize = bytes(min(*id.Limits.TruncationSize, entity.MaxResultSize))
	}
	return out
}

func bytes(n int64) string { return fmt.Sprintf("%d B", n) }

// Range returns what the namespace may ask for an action: its overrides
// within the system's range. OpenWhisk 6.2.5.
func (e *Entitlement) Range(id *entity.Identity) entity.LimitRange {
	r, l := e.settings.Limits, &id.Limits
	within(&r.MinMemory, &r.MaxMemory, l.MinActionMemory, l.MaxActionMemory)
	within(&r.MinLogs, &r.MaxLogs, l.MinActionLogs, l.MaxActionLogs)
	within(&r.MinConcurrency, &r.MaxConcurrency, l.MinActionConcurrency, l.MaxActionConcurrency)
	within(&r.MinTimeout, &r.MaxTimeout, milliseconds(l.MinActionTimeout), milliseconds(l.MaxActionTimeout))
	return r
}

// within replaces the bounds of a range by overrides that lie inside it.
func within[T int | int64 | time.Duration](low, high, newLow, newHigh *T) {
	floor, ceiling := *low, *high
	if newLow != nil {
		*low = min(max(*newLow, floor), ceiling)
	}
	if newHigh != nil {
		*high = min(max(*newHigh, floor), ceiling)
	}
}

func milliseconds(n *int64) *time.Duration {
	if n == nil {
		return nil
	}
	const most = int64(1<<63-1) / int64(time.Millisecond)
	d := time.Duration(min(*n, most)) * time.Millisecond
	return &d
}

// MaxInstances returns how many containers an action of the namespace may
// ask for. OpenWhisk 2.5.3.
func (e *Entitlement) MaxInstances(id *entity.Identity) int { return e.concurrent(id) }

// MaxParameterSize bounds an entity's parameters and, on their own, its
// annotations, in bytes. OpenWhisk 2.2.9.
func (e *Entitlement) MaxParameterSize(id *entity.Identity) int64 {
	return min(or(id.Limits.MaxParameterSize, e.settings.MaxParameterSize), e.settings.MaxParameterSize)
}

// MaxPayloadSize bounds the body of an invocation, in bytes. OpenWhisk
// 2.6.15.
func (e *Entitlement) MaxPayloadSize(id *entity.Identity) int64 {
	return min(or(id.Limits.MaxPayloadSize, e.settings.MaxPayloadSize), e.settings.MaxPayloadSize)
}

// CheckKind refuses actions of a kind that neither the system nor the
// namespace allows; if neither names any, all are allowed. OpenWhisk 2.1.12.
func (e *Entitlement) CheckKind(id *entity.Identity, kind string) error {
	system, own := e.settings.AllowedKinds, id.Limits.AllowedKinds
	if len(system)+len(own) == 0 || slices.Contains(system, kind) || slices.Contains(own, kind) {
		return nil
	}
	return entity.Errorf(entity.Forbidden,
		"The supplied authentication is not authorized to access actions of kind '%s'.", kind).WithCode(fault.NotEntitled)
}
