package main

func Main(args map[string]any) map[string]any {
	text := func(key, value string) string {
		if given, ok := args[key].(string); ok {
			value = given
		}
		delete(args, key)
		return value
	}
	return map[string]any{"greeting": text("name", "nobody") + " of " + text("place", "nowhere"), "rest": args}
}
