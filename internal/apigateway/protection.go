package apigateway

// checkProtection refuses what a document asks for the protection of its
// paths and this gateway does not do: to ignore it would open them. OpenWhisk
// 7.3.7.
func (d document) checkProtection() error {
	for _, name := range []string{"securityDefinitions", "security", "x-ibm-rate-limit", "x-gateway-rate-limit"} {
		switch v := d[name].(type) {
		case nil:
		case []any:
			if len(v) > 0 {
				return unprotected(name)
			}
		case map[string]any:
			if len(v) > 0 {
				return unprotected(name)
			}
		default:
			return unprotected(name)
		}
	}
	for _, item := range d.object("paths") {
		members, _ := item.(map[string]any)
		for name, operation := range members {
			secured, _ := document{"of": operation}.at("of", "security").([]any)
			if isVerb(name) && len(secured) > 0 {
				return unprotected("security")
			}
		}
	}
	return nil
}

func unprotected(member string) error {
	return refuse("This gateway does not enforce '%s'. Remove it, and protect the action with the annotation require-whisk-auth.", member)
}
