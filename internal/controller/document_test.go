package controller_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// swagger is what the tests read of the document.
type swagger struct {
	BasePath    string
	Paths       map[string]map[string]json.RawMessage
	Definitions map[string]struct {
		Required   []string
		Properties map[string]json.RawMessage
	}
	Parameters map[string]json.RawMessage
}

func apiDocument(t *testing.T, a *api) (doc swagger, raw string) {
	t.Helper()
	w := scenario{Method: "GET", URL: "/api/v1/api-docs", Headers: anyone, Status: http.StatusOK}.check(t, a)
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	return doc, w.Body.String()
}

func TestDocumentRefersToWhatItDefines(t *testing.T) {
	doc, raw := apiDocument(t, newAPI(t))
	for rest := raw; ; {
		_, after, found := strings.Cut(rest, `"$ref": "#/`)
		if !found {
			return
		}
		ref, _, _ := strings.Cut(after, `"`)
		section, name, _ := strings.Cut(ref, "/")
		_, definition := doc.Definitions[name]
		_, parameter := doc.Parameters[name]
		if section == "definitions" && !definition || section == "parameters" && !parameter {
			t.Errorf("%s is not there", ref)
		}
		rest = after
	}
}

func TestEveryDocumentedOperationHasARoute(t *testing.T) {
	a := newAPI(t)
	doc, _ := apiDocument(t, a)
	fill := strings.NewReplacer("{namespace}", "_", "{packageName}", "p", "{actionName}", "a", "{triggerName}", "t", "{ruleName}", "r", "{activationid}", someID)
	for path, item := range doc.Paths {
		for verb := range item {
			if verb == "parameters" {
				continue
			}
			w := scenario{Method: strings.ToUpper(verb), URL: doc.BasePath + fill.Replace(path), Body: `{}`}.send(a)
			if strings.Contains(w.Body.String(), "could not be found") || w.Code == http.StatusMethodNotAllowed {
				t.Errorf("%s %s: %d %s", verb, path, w.Code, w.Body)
			}
		}
	}
}

func TestAnswersHaveTheMembersThatTheDocumentRequires(t *testing.T) {
	a := withRecords(t)
	a.put(t, "hello", hello)
	doc, _ := apiDocument(t, a)
	for url, definition := range map[string]string{
		"actions": "ActionMeta", "actions/hello": "Action", "activations": "ActivationMeta", "activations?docs=true": "Activation",
		"limits": "UserLimits", "activations/" + strings.Repeat("0", 31) + "1/result": "ActivationResult", "actions/gone": "ErrorMessage",
	} {
		body := decode(t, scenario{Method: "GET", URL: ns + url}.send(a).Body.Bytes())
		if list, ok := body.([]any); ok {
			body = list[len(list)-1]
		}
		members, _ := body.(map[string]any)
		want, ok := doc.Definitions[definition]
		if !ok || len(members) == 0 {
			t.Errorf("%s: nothing to compare with %s: %v", url, definition, body)
		}
		for _, name := range want.Required {
			if _, ok := members[name]; !ok {
				t.Errorf("%s: member %s of %s is missing", url, name, definition)
			}
		}
		for name := range members {
			if _, ok := want.Properties[name]; !ok {
				t.Errorf("%s: member %s is not in %s", url, name, definition)
			}
		}
	}
}
