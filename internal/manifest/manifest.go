// Package manifest reads the runtimes manifest: which kinds of action this
// installation offers, which image stands behind each, which kind a family
// means by "default", and how many stem cells are kept ready. It does not
// know how a kind is run.
package manifest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// Runtime is one kind of action that the installation offers.
type Runtime struct {
	Kind        string // "family:version", lower case
	Image       Image
	Default     bool // what "family:default" means; true of an only child
	Deprecated  bool // may be read and deleted, not written or invoked
	Attached    bool // shown by GET /; code is kept apart from the entity in any case
	RequireMain bool // an action must name its entry point
	StemCells   []StemCell
}

// Manifest is what Parse made of a document. It is immutable.
type Manifest struct {
	families   map[string][]Runtime // in the document's order
	kinds      map[string]*Runtime  // also under "family:default"
	blackboxes []Image
}

// document is the wire form. OpenWhisk 2.1.1.
type document struct {
	Runtimes   map[string][]runtimeJSON `json:"runtimes"`
	Blackboxes []Image                  `json:"blackboxes"`
	Registry   string                   `json:"registry"`
	Prefix     string                   `json:"defaultImagePrefix"`
	Tag        string                   `json:"defaultImageTag"`
}

type runtimeJSON struct {
	Kind        string          `json:"kind"`
	Image       Image           `json:"image"`
	Default     bool            `json:"default"`
	Deprecated  bool            `json:"deprecated"`
	Attached    json.RawMessage `json:"attached"`
	RequireMain bool            `json:"requireMain"`
	StemCells   []StemCell      `json:"stemCells"`
}

// Parse reads a runtimes manifest. Members that it does not know are left
// alone, so that a manifest may carry more than OpenWhisk reads.
func Parse(data []byte) (*Manifest, error) {
	var doc document
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("read runtimes manifest: %w", err)
	}
	if doc.Runtimes == nil {
		return nil, fmt.Errorf("read runtimes manifest: no member 'runtimes'")
	}
	fallback := Image{Registry: doc.Registry, Prefix: doc.Prefix, Tag: doc.Tag}
	m := &Manifest{families: map[string][]Runtime{}, kinds: map[string]*Runtime{}}
	for _, family := range slices.Sorted(maps.Keys(doc.Runtimes)) {
		if err := m.add(family, doc.Runtimes[family], fallback); err != nil {
			return nil, fmt.Errorf("read runtimes manifest: %w", err)
		}
	}
	for _, image := range doc.Blackboxes {
		m.blackboxes = append(m.blackboxes, image.or(fallback))
	}
	return m, nil
}

func (m *Manifest) add(family string, in []runtimeJSON, fallback Image) error {
	runtimes := make([]Runtime, 0, len(in))
	for _, r := range in {
		kind := Normal(r.Kind)
		if !strings.HasPrefix(kind, family+":") || kind == family+":" {
			return fmt.Errorf("kind '%s' of family %s is not of the form %s:version", r.Kind, family, family)
		}
		if kind == family+":default" || kind == entity.KindBlackbox || kind == entity.KindSequence {
			return fmt.Errorf("kind '%s' is reserved", kind)
		}
		if r.Image.Name == "" {
			return fmt.Errorf("kind '%s' has no image", kind)
		}
		runtimes = append(runtimes, Runtime{
			Kind: kind, Image: r.Image.or(fallback), Default: r.Default, Deprecated: r.Deprecated,
			Attached:    len(r.Attached) > 0 && string(r.Attached) != "null" && string(r.Attached) != "false",
			RequireMain: r.RequireMain, StemCells: r.StemCells,
		})
	}
	if err := settleDefault(family, runtimes); err != nil {
		return err
	}
	m.families[family] = runtimes
	for i := range runtimes {
		r := &runtimes[i]
		if m.kinds[r.Kind] != nil {
			return fmt.Errorf("kind '%s' is listed twice", r.Kind)
		}
		m.kinds[r.Kind] = r
		if r.Default {
			m.kinds[family+":default"] = r
		}
	}
	return nil
}

// settleDefault sees to it that a family has exactly one default. OpenWhisk
// 2.1.2.
func settleDefault(family string, runtimes []Runtime) error {
	if len(runtimes) == 1 {
		runtimes[0].Default = true
		return nil
	}
	var defaults []string
	for _, r := range runtimes {
		if r.Default {
			defaults = append(defaults, r.Kind)
		}
	}
	switch len(defaults) {
	case 0:
		return fmt.Errorf("%s has multiple versions, but no default.", family)
	case 1:
		return nil
	}
	return fmt.Errorf("Found more than one default for %s: %s", family, strings.Join(defaults, ", "))
}
