package entity

import "time"

// Rule joins a trigger to an action. Whether it is active is known by the
// trigger's link to it. OpenWhisk 5.2.
type Rule struct {
	Name        Name
	Version     Version
	Publish     bool
	Trigger     Name
	Action      Name
	Annotations Parameters
	Updated     time.Time
	Revision    uint64
}

// ruleJSON is the document that a client reads. OpenWhisk 5.2.6.
type ruleJSON struct {
	Namespace   string     `json:"namespace"`
	Name        string     `json:"name"`
	Version     Version    `json:"version"`
	Publish     bool       `json:"publish"`
	Annotations Parameters `json:"annotations"`
	Trigger     Reference  `json:"trigger"`
	Action      Reference  `json:"action"`
	Status      *Activity  `json:"status,omitempty"`
	Updated     int64      `json:"updated"`
}

func (r *Rule) document() ruleJSON {
	return ruleJSON{
		Namespace: r.Name.Namespace, Name: r.Name.Name, Version: r.Version, Publish: r.Publish,
		Annotations: r.Annotations, Trigger: Refer(r.Trigger), Action: Refer(r.Action), Updated: r.Updated.UnixMilli(),
	}
}

// Document is the full form, with the state that the trigger's link gives.
func (r *Rule) Document(active bool) any {
	out := r.document()
	state := Activity(active)
	out.Status = &state
	return out
}

// Summary is the form of a rule in lists, which show no state. OpenWhisk
// 5.2.13.
func (r *Rule) Summary() any { return r.document() }
