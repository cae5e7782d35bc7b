package manifest

import (
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
)

// Normal returns kind in the form in which kinds are compared and stored:
// trimmed and in lower case. OpenWhisk 2.1.9.
func Normal(kind string) string { return strings.ToLower(strings.TrimSpace(kind)) }

// Resolve returns the runtime that kind names; "family:default" is the
// family's default of now. A kind that is not offered is a malformed-content
// Error. OpenWhisk 2.1.9, 2.1.10.
func (m *Manifest) Resolve(kind string) (*Runtime, error) {
	kind = Normal(kind)
	if r := m.kinds[kind]; r != nil {
		return r, nil
	}
	return nil, entity.MalformedContent(
		"The specified runtime '%s' is not supported by this platform. Valid values are: %s.",
		kind, m.validKinds()).WithCode(fault.KindUnknown)
}

func (m *Manifest) validKinds() string {
	kinds := append(slices.Collect(m.Kinds()), entity.KindSequence, entity.KindBlackbox)
	return "'" + strings.Join(kinds, "', '") + "'"
}

// CheckSupported refuses a stored kind that is deprecated by now. OpenWhisk
// 2.1.11.
func (m *Manifest) CheckSupported(kind string) error {
	if r := m.kinds[kind]; r != nil && r.Deprecated {
		return entity.Errorf(entity.Malformed,
			"The '%s' runtime is no longer supported. You may read and delete but not update or invoke this action.", kind).
			WithCode(fault.KindDeprecated)
	}
	return nil
}

// Kinds yields all concrete kinds, family by family.
func (m *Manifest) Kinds() iter.Seq[string] {
	return func(yield func(string) bool) {
		for r := range m.Runtimes() {
			if !yield(r.Kind) {
				return
			}
		}
	}
}

// Runtimes yields all runtimes, family by family.
func (m *Manifest) Runtimes() iter.Seq[*Runtime] {
	return func(yield func(*Runtime) bool) {
		for _, family := range slices.Sorted(maps.Keys(m.families)) {
			for i := range m.families[family] {
				if !yield(&m.families[family][i]) {
					return
				}
			}
		}
	}
}

// Blackboxes returns the images of kind blackbox that need no pull.
func (m *Manifest) Blackboxes() []Image { return slices.Clone(m.blackboxes) }

// MarshalJSON renders what GET / shows. OpenWhisk 1.1.4.
func (m *Manifest) MarshalJSON() ([]byte, error) {
	type entry struct {
		Kind        string `json:"kind"`
		Image       string `json:"image"`
		Deprecated  bool   `json:"deprecated"`
		Default     bool   `json:"default"`
		Attached    bool   `json:"attached"`
		RequireMain bool   `json:"requireMain"`
	}
	out := make(map[string][]entry, len(m.families))
	for family, runtimes := range m.families {
		out[family] = make([]entry, 0, len(runtimes))
		for _, r := range runtimes {
			out[family] = append(out[family], entry{
				r.Kind, r.Image.String(), r.Deprecated, r.Default, r.Attached, r.RequireMain,
			})
		}
	}
	return json.Marshal(out)
}
