package apigateway

import (
	"maps"
	"slices"
)

// cases are the ways of a document's operations to their actions.
func (d document) cases() []document {
	var all []document
	for _, step := range list(d.configuration().at("assembly", "execute")) {
		all = append(all, list(step.at("operation-switch", "case"))...)
	}
	return all
}

// allTargets are the URLs of everything that an operation of the document can
// lead to.
func (d document) allTargets() []string {
	all := slices.Collect(maps.Values(d.targets()))
	for _, step := range list(d.configuration().at("assembly", "execute")) {
		if target, ok := text(step.at("invoke", "target-url")); ok {
			all = append(all, target)
		}
	}
	for _, item := range d.object("paths") {
		members, _ := item.(map[string]any)
		for name, operation := range members {
			if url, ok := text(document{"of": operation}.at("of", "x-openwhisk", "url")); ok && isVerb(name) {
				all = append(all, url)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// targets maps operations to what they call.
func (d document) targets() map[string]string {
	out := map[string]string{}
	for _, c := range d.cases() {
		operations, _ := c["operations"].([]any)
		for _, operation := range operations {
			id, ok := text(operation)
			if !ok {
				continue
			}
			for _, step := range list(c["execute"]) {
				if target, ok := text(step.at("invoke", "target-url")); ok {
					out[id] = target
				}
			}
		}
	}
	return out
}
