package apigateway

import (
	"maps"
	"slices"
)

// drop removes a path, or with a verb only that operation; a path without
// operations goes too. Errors are refusals. OpenWhisk 7.3.3.
func (d document) drop(path, verb string) error {
	paths := d.object("paths")
	item, ok := paths[path].(map[string]any)
	_, has := item[verb]
	switch {
	case !ok && verb == "":
		return refuse("path '%s' does not exist in the API", path)
	case verb != "" && !has:
		return refuse("path '%s' with operation '%s' does not exist in the API", path, verb)
	}
	for name, operation := range item {
		if isVerb(name) && (verb == "" || name == verb) {
			d.unroute(operation)
			delete(item, name)
		}
	}
	if !slices.ContainsFunc(slices.Collect(maps.Keys(item)), isVerb) {
		delete(paths, path)
	}
	return nil
}

// unroute removes the case of an operation.
func (d document) unroute(operation any) {
	members, _ := operation.(map[string]any)
	id, ok := text(members["operationId"])
	if !ok {
		return
	}
	operations := d.operationSwitch()
	cases, _ := operations["case"].([]any)
	operations["case"] = slices.DeleteFunc(cases, func(c any) bool { return leads(c, id) })
}
