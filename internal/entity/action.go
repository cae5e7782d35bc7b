package entity

import (
	"time"
)

// Collection is one of the kinds of entity; its value is the path segment
// and the noun of messages.
type Collection string

// The collections. Activations are listed like them but are not entities.
const (
	Actions     Collection = "actions"
	Triggers    Collection = "triggers"
	Rules       Collection = "rules"
	Packages    Collection = "packages"
	Activations Collection = "activations"
	Namespaces  Collection = "namespaces"
	LimitsOf    Collection = "limits"
)

// Action is one stored action. Name.Namespace and Name.Package say where it
// lies; Revision changes with every write, also when an action is deleted
// and created again, and is never shown.
type Action struct {
	Name        Name
	Version     Version
	Publish     bool
	Exec        Exec
	Parameters  Parameters
	Annotations Parameters
	Limits      Limits
	Updated     time.Time
	Revision    uint64
}

// Annotation keys with a meaning to the platform. OpenWhisk 2.4.
const (
	AnnotationExec          = "exec"
	AnnotationProvideAPIKey = "provide-api-key"
	AnnotationFinal         = "final"
	AnnotationConductor     = "conductor"
)

// actionJSON is the document that a client reads. OpenWhisk 2.3.3.
type actionJSON struct {
	Namespace   string     `json:"namespace"`
	Name        string     `json:"name"`
	Version     Version    `json:"version"`
	Publish     bool       `json:"publish"`
	Exec        any        `json:"exec"`
	Parameters  Parameters `json:"parameters,omitempty"`
	Annotations Parameters `json:"annotations"`
	Limits      Limits     `json:"limits"`
	Updated     int64      `json:"updated"`
}

// MarshalJSON renders the full document; the code is in it if a.Exec holds
// it.
func (a *Action) MarshalJSON() ([]byte, error) {
	return Marshal(struct {
		actionJSON
		Parameters Parameters `json:"parameters"`
	}{a.document(a.Exec), a.Parameters})
}

// Summary is the form of an action in lists. OpenWhisk 1.9.10.
func (a *Action) Summary() any {
	return a.document(struct {
		Binary bool `json:"binary"`
	}{a.Exec.Binary})
}

func (a *Action) document(exec any) actionJSON {
	return actionJSON{
		Namespace: a.Name.Path(), Name: a.Name.Name, Version: a.Version, Publish: a.Publish,
		Exec: exec, Annotations: a.Annotations, Limits: a.Limits, Updated: a.Updated.UnixMilli(),
	}
}

// IsFinal reports whether the action's parameters may not be overridden by a
// caller. OpenWhisk 2.6.13.
func (a *Action) IsFinal() bool { return a.Annotations.IsTrue(AnnotationFinal) }

// WantsAPIKey reports whether the container is given the caller's key: by
// annotation, or because an old action has no such annotation at all.
// OpenWhisk 2.4.2.
func (a *Action) WantsAPIKey() bool {
	return a.Annotations.Get(AnnotationProvideAPIKey) == nil || a.Annotations.Truthy(AnnotationProvideAPIKey)
}
