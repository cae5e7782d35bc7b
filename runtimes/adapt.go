package runtimes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// ManifestFor is the standard manifest for a platform without container images: it also has the
// versions that only this host has, and the default of a family that the host can not run moves to
// the newest version that it can. Kinds that nothing runs here stay listed, for the reason why to be
// told when one is used.
func ManifestFor(hosts []Host) ([]byte, error) {
	var doc struct {
		Runtimes   map[string][]map[string]any `json:"runtimes"`
		Blackboxes json.RawMessage             `json:"blackboxes"`
	}
	if err := json.Unmarshal(manifest, &doc); err != nil {
		return nil, fmt.Errorf("read the runtimes manifest: %w", err)
	}
	newest := map[string]string{}
	usable := map[string]bool{}
	for _, h := range hosts {
		family := h.Family.Name
		kinds, known := doc.Runtimes[family]
		if !known || !h.Usable() {
			continue
		}
		usable[h.Kind] = true
		newest[family] = h.Kind
		if kindAt(kinds, h.Kind) == nil {
			doc.Runtimes[family] = append(kinds, like(kinds[0], h.Kind))
		}
	}
	for family, kind := range newest {
		moveDefault(doc.Runtimes[family], kind, usable)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetIndent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return nil, fmt.Errorf("write the runtimes manifest: %w", err)
	}
	return out.Bytes(), nil
}

func kindAt(kinds []map[string]any, kind string) map[string]any {
	for _, k := range kinds {
		if k["kind"] == kind {
			return k
		}
	}
	return nil
}

// like is an entry for another version, without the stem cells and the default of the one it is like.
func like(entry map[string]any, kind string) map[string]any {
	family, version, _ := strings.Cut(kind, ":")
	other := map[string]any{"kind": kind, "default": false, "deprecated": false,
		"image": map[string]any{"prefix": "openwhisk", "name": "action-" + family + "-v" + version, "tag": "nightly"}}
	for _, key := range []string{"attached", "requireMain"} {
		if value, ok := entry[key]; ok {
			other[key] = value
		}
	}
	return other
}

// moveDefault gives the default, with its stem cells, to kind unless the present one is usable.
func moveDefault(kinds []map[string]any, kind string, usable map[string]bool) {
	for _, k := range kinds {
		if k["default"] != true {
			continue
		}
		if name, _ := k["kind"].(string); usable[name] {
			return
		}
		k["default"] = false
		to := kindAt(kinds, kind)
		to["default"] = true
		if cells, ok := k["stemCells"]; ok {
			to["stemCells"] = cells
			delete(k, "stemCells")
		}
		return
	}
}

// IsDefault says whether the kind is its family's standard one.
func IsDefault(kind string) bool {
	var doc struct {
		Runtimes map[string][]struct {
			Kind    string
			Default bool
		}
	}
	if err := json.Unmarshal(manifest, &doc); err != nil {
		return false
	}
	for _, kinds := range doc.Runtimes {
		for _, k := range kinds {
			if k.Kind == kind {
				return k.Default
			}
		}
	}
	return false
}
