// Package fault is the registry of failures that gowhisk can name: one
// stable code each, with what happened, why, what to do next, and whose it
// is to mend. The compatible wire text of a failure is not here: it stays
// OpenWhisk's; what is here travels beside it (response header, activation
// annotation, command line).
//
// Codes are append-only: a code is never given a second meaning.
package fault

import (
	"slices"
	"strings"
)

// Whose says who can mend a failure.
type Whose string

// The four answers.
const (
	Yours   Whose = "yours"        // the request or the command
	Actions Whose = "the action's" // the code that ran
	Hosts   Whose = "the host's"   // the machine and what is installed on it
	Ours    Whose = "gowhisk's"
)

// Component is the part of the platform that noticed the failure.
type Component string

// The components.
const (
	Request   Component = "request"
	Auth      Component = "auth"
	Limits    Component = "limits"
	Code      Component = "code"
	Action    Component = "action"
	Runtime   Component = "runtime"
	Sandbox   Component = "sandbox"
	Scheduler Component = "scheduler"
	Store     Component = "store"
	Listener  Component = "listener"
)

// Fault is one kind of failure. What, Why and Next may hold {placeholders}
// that Report fills in.
type Fault struct {
	Code      string // "GW" and four digits
	Component Component
	Whose     Whose
	What      string   // one sentence in the user's nouns
	Why       string   // the usual reason; a measured one replaces it
	Next      []string // at most three, best first; commands can be pasted
	Doc       string   // the longer explanation, for `gowhisk explain CODE`
}

// All returns every fault, ordered by code.
func All() []Fault {
	all := slices.Concat(requestFaults(), actionFaults(), sequenceFaults(), webFaults(), apiFaults(), imageFaults(), platformFaults(), hostFaults(), storeFaults())
	slices.SortFunc(all, func(a, b Fault) int { return strings.Compare(a.Code, b.Code) })
	return all
}

// Explain returns the fault of that code, false if there is none.
func Explain(code string) (Fault, bool) {
	for _, f := range All() {
		if f.Code == code {
			return f, true
		}
	}
	return Fault{}, false
}
