package entity

import "time"

// Trigger is a named channel of events. It has the links to its rules: a rule
// is active or not by its link. OpenWhisk 5.1.
type Trigger struct {
	Name        Name
	Version     Version
	Publish     bool
	Parameters  Parameters
	Annotations Parameters
	Rules       []Link // in the order in which they were linked
	Linked      bool   // a rule was linked once: Rules is shown, even when empty
	Updated     time.Time
	Revision    uint64
}

// Link is what a trigger knows of one of its rules.
type Link struct {
	Rule   Name
	Action Name
	Active bool
}

// Link returns the link of that rule, nil if there is none. It is part of t.
func (t *Trigger) Link(rule Name) *Link {
	for i := range t.Rules {
		if t.Rules[i].Rule == rule {
			return &t.Rules[i]
		}
	}
	return nil
}

// triggerJSON is the document that a client reads. OpenWhisk 5.1.2, 5.1.3.
type triggerJSON struct {
	Namespace   string              `json:"namespace"`
	Name        string              `json:"name"`
	Version     Version             `json:"version"`
	Publish     bool                `json:"publish"`
	Annotations Parameters          `json:"annotations"`
	Parameters  *Parameters         `json:"parameters,omitempty"`
	Limits      *struct{}           `json:"limits,omitempty"`
	Rules       map[string]linkJSON `json:"rules,omitzero"`
	Updated     int64               `json:"updated"`
}

type linkJSON struct {
	Action Reference `json:"action"`
	Status Activity  `json:"status"`
}

func (t *Trigger) document() triggerJSON {
	return triggerJSON{
		Namespace: t.Name.Namespace, Name: t.Name.Name, Version: t.Version, Publish: t.Publish,
		Annotations: t.Annotations, Updated: t.Updated.UnixMilli(),
	}
}

// MarshalJSON renders the full document; there are no limits of triggers.
func (t *Trigger) MarshalJSON() ([]byte, error) {
	out := t.document()
	out.Parameters, out.Limits = &t.Parameters, &struct{}{}
	if t.Linked || len(t.Rules) > 0 {
		out.Rules = make(map[string]linkJSON, len(t.Rules))
		for _, l := range t.Rules {
			out.Rules[l.Rule.String()] = linkJSON{Refer(l.Action), Activity(l.Active)}
		}
	}
	return Marshal(out)
}

// Summary is the form of a trigger in lists. OpenWhisk 1.9.10.
func (t *Trigger) Summary() any { return t.document() }

// Activity is whether a rule is active, as clients read and write it.
type Activity bool

// MarshalText renders "active" or "inactive".
func (a Activity) MarshalText() ([]byte, error) {
	if a {
		return []byte("active"), nil
	}
	return []byte("inactive"), nil
}

// UnmarshalText reads the two states, with OpenWhisk's text for everything
// else. OpenWhisk 5.2.9.
func (a *Activity) UnmarshalText(text []byte) error {
	switch string(text) {
	case "active":
		*a = true
	case "inactive":
		*a = false
	default:
		return MalformedContent("requirement failed: %s is not a recognized rule state", text)
	}
	return nil
}
