package imagebuild_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"
)

// crds are the files with the schemas of what is printed, in the modules of tools/schemas.
var crds = map[string]string{
	"github.com/tektoncd/pipeline":   "config/300-crds/*.yaml",
	"github.com/shipwright-io/build": "deploy/crds/*.yaml",
	"knative.dev/serving":            "config/core/300-resources/*.yaml",
}

// schemas reads the published schemas of a module, by apiVersion and kind.
func schemas(t *testing.T, module string) map[string]*jsonschema.Schema {
	t.Helper()
	list := exec.Command("go", "mod", "download", "-json", module)
	list.Dir = "../../tools/schemas"
	list.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	out, err := list.Output()
	if err != nil {
		t.Skipf("%s can not be had here: %v %s", module, err, out)
	}
	var found struct{ Dir string }
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(found.Dir, crds[module]))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no %s: %v", found.Dir, crds[module], err)
	}
	all := map[string]*jsonschema.Schema{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		addSchemas(t, all, text)
	}
	return all
}

func addSchemas(t *testing.T, all map[string]*jsonschema.Schema, text []byte) {
	t.Helper()
	var crd struct {
		Spec struct {
			Group    string
			Names    struct{ Kind string }
			Versions []struct {
				Name   string
				Schema struct{ OpenAPIV3Schema map[string]any }
			}
		}
	}
	if err := yaml.Unmarshal(text, &crd); err != nil {
		t.Fatal(err)
	}
	for _, v := range crd.Spec.Versions {
		key := crd.Spec.Group + "/" + v.Name + " " + crd.Spec.Names.Kind
		strict(v.Schema.OpenAPIV3Schema)
		delete(v.Schema.OpenAPIV3Schema, "x-kubernetes-validations")
		compiler := jsonschema.NewCompiler()
		where := "https://schemas.invalid/" + strings.ReplaceAll(key, " ", "/")
		if err := compiler.AddResource(where, any(v.Schema.OpenAPIV3Schema)); err != nil {
			t.Fatal(err)
		}
		compiled, err := compiler.Compile(where)
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		all[key] = compiled
	}
}

// strict makes a structural schema refuse what the API server would drop.
func strict(node any) {
	switch n := node.(type) {
	case []any:
		for _, child := range n {
			strict(child)
		}
	case map[string]any:
		for _, child := range n {
			strict(child)
		}
		_, isSchema := n["type"].(string)
		properties, isObject := n["properties"].(map[string]any)
		_, open := n["additionalProperties"]
		if isSchema && isObject && !open && n["x-kubernetes-preserve-unknown-fields"] != true {
			n["additionalProperties"] = false
			if _, root := properties["apiVersion"]; root {
				properties["metadata"] = map[string]any{"type": "object"}
			}
		}
		if n["nullable"] == true {
			n["type"] = []any{n["type"], "null"}
		}
	}
}

// validate checks every object of the text whose kind the module knows, and counts them by kind.
func validate(t *testing.T, text []byte, known map[string]*jsonschema.Schema) map[string]map[string]any {
	t.Helper()
	kinds := map[string]map[string]any{}
	for _, document := range bytes.Split(text, []byte("---\n")) {
		if len(bytes.TrimSpace(document)) == 0 {
			continue
		}
		asJSON, err := yaml.YAMLToJSONStrict(document)
		if err != nil {
			t.Fatal(err)
		}
		object, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
		if err != nil {
			t.Fatal(err)
		}
		o, ok := object.(map[string]any)
		if !ok {
			t.Fatalf("not an object: %s", document)
		}
		kind, _ := o["kind"].(string)
		version, _ := o["apiVersion"].(string)
		kinds[kind] = o
		schema := known[version+" "+kind]
		if version == "v1" {
			continue // Secret and ServiceAccount are Kubernetes' own
		}
		if schema == nil {
			t.Errorf("there is no schema of %s %s", version, kind)
			continue
		}
		if err := schema.Validate(object); err != nil {
			t.Errorf("%s: %v\n%s", kind, err, document)
		}
	}
	return kinds
}

func TestTheSchemasRefuseWhatTheyDoNotKnow(t *testing.T) {
	for _, row := range []struct{ module, key, object string }{
		{"github.com/tektoncd/pipeline", "tekton.dev/v1 Task", `{"spec":{"steps":[{"imagez":"x"}]}}`},
		{"github.com/shipwright-io/build", "shipwright.io/v1beta1 Build", `{"spec":{"strategy":{"name":"x"},"output":{"image":"x"},"outputs":1}}`},
		{"knative.dev/serving", "serving.knative.dev/v1 Service", `{"spec":{"template":{"spec":{"container":[]}}}}`},
	} {
		object, err := jsonschema.UnmarshalJSON(strings.NewReader(row.object))
		if err != nil {
			t.Fatal(err)
		}
		if schema := schemas(t, row.module)[row.key]; schema == nil || schema.Validate(object) == nil {
			t.Errorf("%s accepts %s", row.key, row.object)
		}
	}
}
