package entity

import (
	"encoding/json"
	"time"
)

// DefaultPackage is the path segment that stands for no package in the URLs
// of web actions, and therefore no legal name of one. OpenWhisk 5.3.2.
const DefaultPackage = "default"

// Package groups actions under one name, with parameters for all of them; or
// it is a binding, which gives the package Binding other parameters. Its own
// Name has no Package. OpenWhisk 5.3.
type Package struct {
	Name        Name
	Version     Version
	Publish     bool // everybody may read it and what is in it; nothing on a binding
	Binding     Name // the bound package; zero unless this is a binding
	Parameters  Parameters
	Annotations Parameters
	Updated     time.Time
	Revision    uint64
}

// Annotation keys of packages and feeds. OpenWhisk 5.3.3, 5.3.4, 5.4.1.
const (
	AnnotationBinding = "binding"
	AnnotationFeed    = "feed"
)

// IsBinding reports whether p is a binding.
func (p *Package) IsBinding() bool { return p.Binding != Name{} }

// packageJSON is the document that a client reads. OpenWhisk 5.3.3.
type packageJSON struct {
	Namespace   string          `json:"namespace"`
	Name        string          `json:"name"`
	Version     Version         `json:"version"`
	Publish     bool            `json:"publish"`
	Annotations Parameters      `json:"annotations"`
	Parameters  *Parameters     `json:"parameters,omitempty"`
	Binding     json.RawMessage `json:"binding"`
	Updated     int64           `json:"updated"`
}

// bindingJSON is {} for a package of its own.
func (p *Package) bindingJSON() json.RawMessage {
	if !p.IsBinding() {
		return json.RawMessage(`{}`)
	}
	return Reference{Name: p.Binding.Name, Path: p.Binding.Namespace}.binding()
}

func (p *Package) document() packageJSON {
	return packageJSON{
		Namespace: p.Name.Namespace, Name: p.Name.Name, Version: p.Version, Publish: p.Publish,
		Annotations: p.Annotations, Binding: p.bindingJSON(), Updated: p.Updated.UnixMilli(),
	}
}

// MarshalJSON renders the document that a write is answered with.
func (p *Package) MarshalJSON() ([]byte, error) {
	out := p.document()
	out.Parameters = &p.Parameters
	return Marshal(out)
}

// memberJSON is an action as its package shows it.
type memberJSON struct {
	Name        string     `json:"name"`
	Version     Version    `json:"version"`
	Annotations Parameters `json:"annotations"`
}

// Document renders the package with the actions in it, those that are feeds
// apart. OpenWhisk 5.3.3.
func (p *Package) Document(members []*Action) any {
	out := struct {
		packageJSON
		Actions []memberJSON `json:"actions"`
		Feeds   []memberJSON `json:"feeds"`
	}{p.document(), []memberJSON{}, []memberJSON{}}
	out.Parameters = &p.Parameters
	for _, a := range members {
		m := memberJSON{a.Name.Name, a.Version, a.Annotations}
		if a.Annotations.Get(AnnotationFeed) != nil {
			out.Feeds = append(out.Feeds, m)
		} else {
			out.Actions = append(out.Actions, m)
		}
	}
	return out
}

// Summary is the form of a package in lists, where a package that is no
// binding has the binding false. OpenWhisk 1.9.10.
func (p *Package) Summary() any {
	out := p.document()
	if !p.IsBinding() {
		out.Binding = json.RawMessage(`false`)
	}
	return out
}
