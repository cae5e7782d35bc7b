package config_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gowhisk/gowhisk/internal/config"
)

const chartSchema = "../../charts/gowhisk/values.schema.json"

var update = flag.Bool("update", false, "write what the chart should know of the settings into its schema")

// TestTheChartKnowsEverySettingOfTheServer compares what its value settings may
// have.
func TestTheChartKnowsEverySettingOfTheServer(t *testing.T) {
	text, err := os.ReadFile(chartSchema)
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	properties := schema["properties"].(map[string]any)
	wanted := folder()
	for _, s := range config.Defaults(machine, func(string) string { return "" }).Settings() {
		in := wanted
		path := strings.Split(s.Path, ".")
		for _, name := range path[:len(path)-1] {
			properties := in["properties"].(map[string]any)
			if properties[name] == nil {
				properties[name] = folder()
			}
			in = properties[name].(map[string]any)
		}
		in["properties"].(map[string]any)[path[len(path)-1]] = map[string]any{"description": s.Usage, "type": form(s.Type)}
	}
	if *update {
		properties["settings"] = wanted
		writeSchema(t, schema)
	}
	if diff := cmp.Diff(wanted, properties["settings"]); diff != "" {
		t.Errorf("%s, properties.settings (-want +got): go test ./internal/config -update writes it\n%s", chartSchema, diff)
	}
}

func writeSchema(t *testing.T, schema any) {
	t.Helper()
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(schema); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(chartSchema, text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func folder() map[string]any {
	return map[string]any{"type": "object", "additionalProperties": false, "properties": map[string]any{}}
}

// form is the type of JSON that a setting has in the file.
func form(of string) any {
	switch of {
	case "bool":
		return "boolean"
	case "int":
		return "integer"
	case "list":
		return "array"
	case "map":
		return "object"
	}
	return "string"
}
