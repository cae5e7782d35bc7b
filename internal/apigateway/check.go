package apigateway

import (
	"regexp"
	"strings"
)

// check refuses a document that the gateway cannot serve as its author means
// it. OpenWhisk 7.3.9.
func (d document) check() error {
	if err := d.checkShape(); err != nil {
		return err
	}
	if err := d.checkProtection(); err != nil {
		return err
	}
	basePath, _ := text(d["basePath"])
	if parameterised(basePath) {
		return refuse("The base path (%s) cannot have parameters. Only the relative path supports path parameters.", basePath)
	}
	targets := d.targets()
	for path, item := range d.object("paths") {
		members, _ := item.(map[string]any)
		if !parameterised(path) {
			continue
		}
		if err := checkParameters(path, members, targets); err != nil {
			return err
		}
	}
	return nil
}

// checkShape refuses what is no swagger document at all.
func (d document) checkShape() error {
	const why = "Unable to configure the API Gateway (status code 400): "
	basePath, ok := text(d["basePath"])
	if !ok || !strings.HasPrefix(basePath, "/") || len(basePath) > 512 {
		return refuse(why + "The basePath must be a path that begins with '/'.")
	}
	if _, ok := text(d.at("info", "title")); !ok {
		return refuse(why + "Missing field 'name' in request body.")
	}
	paths, ok := d["paths"].(map[string]any)
	if !ok || len(paths) == 0 {
		return refuse(why + "Empty resources object.")
	}
	for path, item := range paths {
		members, ok := item.(map[string]any)
		if !ok || !strings.HasPrefix(path, "/") {
			return refuse(why + "Resource path must begin with '/'.")
		}
		if err := checkSegments(path); err != nil {
			return err
		}
		for name, operation := range members {
			if name == "parameters" || strings.HasPrefix(name, "x-") {
				continue
			}
			if _, ok := operation.(map[string]any); !ok || !isVerb(name) {
				return refuse(why+"Resource verb '%s' not supported.", name)
			}
		}
	}
	return nil
}

// checkSegments bounds what the routing of a path costs.
func checkSegments(path string) error {
	if len(path) > 2048 {
		return refuse("A path is longer than allowed: %d > 2048 bytes.", len(path))
	}
	for segment := range strings.SplitSeq(path, "/") {
		if len(parameter.FindAllString(segment, 2)) > 1 {
			return refuse("A segment of a path can have one parameter only: '%s'.", segment)
		}
	}
	return nil
}

// A parameter is well formed if it is a whole segment.
var wholeSegment = regexp.MustCompile(`/\{([^/]+)\}(/|$)`)

func parameterised(path string) bool { return wholeSegment.MatchString(path) }

var parameter = regexp.MustCompile(`\{([^/{}]+)\}`)

// checkParameters asks whether the actions of a path receive its parameters.
func checkParameters(path string, item document, targets map[string]string) error {
	for name, v := range item {
		members, _ := v.(map[string]any)
		operation := document(members)
		if !isVerb(name) {
			continue
		}
		if url, ok := text(operation.at("x-openwhisk", "url")); ok && url != "" && !strings.HasSuffix(url, ".http") {
			return refuse("The action must use a response type of '.http' in order to receive the path parameters.")
		}
		id, _ := text(operation["operationId"])
		if target := targets[id]; target != "" && !strings.HasSuffix(target, ".http"+requestPath) {
			return refuse("The target-url for operationId '%s' must end in '%s' in order for actions to receive the path parameters.", id, requestPath)
		}
		described := map[string]bool{}
		for _, p := range append(list(item["parameters"]), list(operation["parameters"])...) {
			if name, ok := text(p["name"]); ok {
				described[name] = true
			}
		}
		for _, found := range parameter.FindAllStringSubmatch(path, -1) {
			if !described[found[1]] {
				return refuse("The parameter '%s' defined in path '%s' does not match any of the parameters defined for the path in the swagger file.", found[1], path)
			}
		}
	}
	return nil
}
