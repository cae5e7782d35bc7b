package knative

import (
	"fmt"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// Where an activation runs.
const (
	placementDedicated = "dedicated" // in a pod of the action's Service
	placementBridge    = "bridge"    // in a stem cell, while the Service wakes
)

// Placement tells where the next invocation of an action by its own namespace would run now, and why;
// nothing of an action that needs no pod.
func (b *Backend) Placement(a *entity.Action) (how, why string) {
	if !deployable(a) {
		return "", ""
	}
	a = b.resolved(a)
	p, err := b.plan(place{Action: a.Name, Namespace: a.Name.Namespace}, a)
	if err != nil {
		return "", ""
	}
	s, _ := b.services.get(p.service)
	state := "is at zero"
	switch n, _ := b.readiness.of(p.revision()); {
	case b.bridges.crossing(p):
		return placementBridge, fmt.Sprintf("a stem cell answers while Service %s wakes", p.service)
	case s != nil && s.failed(p) != "":
		return placementDedicated, fmt.Sprintf("Service %s fails: %s", p.service, s.failed(p))
	case n > 0:
		return placementDedicated, fmt.Sprintf("Service %s has %d ready pods", p.service, n)
	case s == nil || !s.serves(p):
		state = "is being made"
	}
	of := stemCellOf(a)
	waiting, wanted := b.cells.waiting(of)
	switch reason := fit(a); {
	case reason != "":
		return placementDedicated, fmt.Sprintf("Service %s %s; no stem cell can answer: %s", p.service, state, reason)
	case wanted == 0:
		return placementDedicated, fmt.Sprintf("Service %s %s; no stem cells of %s with %d MB are kept", p.service, state, of.Kind, of.Memory)
	case waiting == 0:
		return placementDedicated, fmt.Sprintf("Service %s %s; no stem cell of %s with %d MB waits at the moment", p.service, state, of.Kind, of.Memory)
	}
	return placementBridge, fmt.Sprintf("Service %s %s; one of %d stem cells answers while it wakes", p.service, state, waiting)
}
