package apigateway

import (
	"regexp"
	"slices"
	"strings"
)

// requestPath at the end of a target stands for the path of the request, from
// the base path on. OpenWhisk 7.3.4.
const requestPath = "$(request.path)"

// endpoint is one operation of one path, with the action behind it.
type endpoint struct {
	path, verb     string // verb in lower case
	action         action
	secureKey      any // what the action wants in X-Require-Whisk-Auth, nil for nothing
	parameters     any // of the path, as swagger describes them; nil for none
	responseType   string
	scheme, server string // of the action's URL
}

// action names an action; pkg is "" for none.
type action struct{ namespace, pkg, name string }

// url is where the action is a web action.
func (e *endpoint) url() string {
	pkg := e.action.pkg
	if pkg == "" {
		pkg = "default"
	}
	return e.scheme + "://" + e.server + "/api/v1/web/" + e.action.namespace + "/" + pkg + "/" + e.action.name + "." + e.responseType
}

// target is what the gateway calls.
func (e *endpoint) target() string {
	if e.responseType == "http" {
		return e.url() + requestPath
	}
	return e.url()
}

// newDocument is an API without paths. OpenWhisk 7.3.4.
func newDocument(basePath, name string) document {
	if name == "" {
		name = basePath
	}
	return document{
		"swagger":  "2.0",
		"info":     map[string]any{"title": name, "version": "1.0.0"},
		"basePath": basePath,
		"paths":    map[string]any{},
		"x-ibm-configuration": map[string]any{
			"assembly": map[string]any{},
			"cors":     map[string]any{"enabled": true},
		},
	}
}

// add puts the endpoint into the document, over the one with its path and
// verb. OpenWhisk 7.3.5.
func (d document) add(e *endpoint) {
	id := operationID(e.verb, e.path)
	operation := map[string]any{
		"operationId": id,
		"x-openwhisk": map[string]any{
			"url": e.url(), "namespace": e.action.namespace, "package": e.action.pkg, "action": e.action.name,
		},
		"responses": map[string]any{"default": map[string]any{"description": "Default response"}},
	}
	if e.parameters != nil {
		operation["parameters"] = e.parameters
	}
	d.object("paths").object(e.path)[e.verb] = operation
	d.route(id, e)
}

// route puts the way of an operation to its action into the document.
func (d document) route(id string, e *endpoint) {
	execute := []any{map[string]any{"invoke": map[string]any{"target-url": e.target(), "verb": "keep"}}}
	if e.secureKey != nil {
		execute = append(execute, map[string]any{"set-variable": map[string]any{"actions": []any{
			map[string]any{"set": "message.headers.X-Require-Whisk-Auth", "value": e.secureKey},
		}}})
	}
	way := map[string]any{"operations": []any{id}, "execute": execute}
	operations := d.operationSwitch()
	cases, _ := operations["case"].([]any)
	at := slices.IndexFunc(cases, func(c any) bool { return leads(c, id) })
	if at < 0 {
		operations["case"] = append(cases, way)
		return
	}
	cases[at] = way
}

// operationSwitch returns the part of the document that holds the cases, as
// the first of the assembly's steps unless there is one.
func (d document) operationSwitch() document {
	name := "x-ibm-configuration"
	if _, ok := d["x-gateway-configuration"].(map[string]any); ok {
		name = "x-gateway-configuration"
	}
	assembly := d.object(name).object("assembly")
	for _, step := range list(assembly["execute"]) {
		if _, ok := step["operation-switch"].(map[string]any); ok {
			return step.object("operation-switch")
		}
	}
	cases := map[string]any{}
	steps, _ := assembly["execute"].([]any)
	assembly["execute"] = append(steps, map[string]any{"operation-switch": cases})
	return cases
}

// leads reports whether a case is that of the operation alone.
func leads(c any, id string) bool {
	members, _ := c.(map[string]any)
	operations, _ := members["operations"].([]any)
	return len(operations) == 1 && operations[0] == id
}

var (
	notInID = regexp.MustCompile(`[^0-9A-Za-z_-]`)
	word    = regexp.MustCompile(`\w\S*`)
)

// operationID is the verb and the path's segments in camel case: upper at the
// beginning of each, lower behind it, other characters than letters, digits,
// '_' and '-' left out. OpenWhisk 7.3.4.
func operationID(verb, path string) string {
	spaced := notInID.ReplaceAllString(path, " ")
	camel := word.ReplaceAllStringFunc(spaced, func(w string) string { return strings.ToUpper(w[:1]) + strings.ToLower(w[1:]) })
	return strings.ToLower(verb) + strings.ReplaceAll(camel, " ", "")
}
