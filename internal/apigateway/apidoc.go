package apigateway

// apidoc returns the description of an endpoint, or the swagger document, and
// the text of the first thing that is wrong with them, in OpenWhisk's order.
// OpenWhisk 7.4.1, 7.4.2, 7.4.3.
func (m message) apidoc() (doc, swagger document, refused string) {
	if m.caller == "" {
		return nil, nil, "A valid auth key is required."
	}
	v := m.document["apidoc"]
	if !given(v) {
		return nil, nil, "apidoc is required."
	}
	switch t := v.(type) {
	case string:
		parsed, err := decode([]byte(t))
		if err != nil {
			return nil, nil, "apidoc field cannot be parsed. Ensure it is valid JSON."
		}
		v = parsed
	case map[string]any, []any:
	default:
		return nil, nil, "apidoc field is of type " + typeOf(v) + " and should be a JSON object or a JSON string."
	}
	members, _ := v.(map[string]any)
	doc = members
	if !given(doc["namespace"]) {
		return nil, nil, "apidoc is missing the namespace field"
	}
	if given(doc["swagger"]) {
		swagger, refused = doc.swagger()
		return doc, swagger, refused
	}
	return doc, nil, doc.missing()
}

// swagger returns the document that stands for the whole API.
func (d document) swagger() (swagger document, refused string) {
	if given(d["gatewayBasePath"]) {
		return nil, "swagger and gatewayBasePath are mutually exclusive and cannot be specified together."
	}
	v := d["swagger"]
	switch t := v.(type) {
	case string:
		parsed, err := decode([]byte(t))
		if err != nil {
			return nil, "swagger field cannot be parsed. Ensure it is valid JSON."
		}
		v = parsed
	case map[string]any, []any:
	default:
		return nil, "swagger field is " + typeOf(v) + " and should be an object or a JSON string."
	}
	members, _ := v.(map[string]any)
	swagger = members
	for _, member := range []string{"basePath", "paths", "info"} {
		if !given(swagger[member]) {
			return nil, "swagger is missing the " + member + " field."
		}
	}
	return swagger, ""
}

// missing names the first member that the description of an endpoint lacks.
func (d document) missing() string {
	for _, member := range []string{"gatewayBasePath", "gatewayPath", "gatewayMethod"} {
		if !given(d[member]) {
			return "apidoc is missing the " + member + " field"
		}
	}
	if !given(d["action"]) {
		return "apidoc is missing the action field."
	}
	for _, member := range []string{"backendMethod", "backendUrl", "namespace", "name", "authkey"} {
		if !given(d.at("action", member)) {
			return "action is missing the " + member + " field."
		}
	}
	return ""
}
