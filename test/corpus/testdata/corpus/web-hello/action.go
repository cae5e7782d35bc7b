package main

func Main(args map[string]any) map[string]any {
	name, _ := args["name"].(string)
	return map[string]any{"body": "<h1>Hello, " + name + "</h1>"}
}
