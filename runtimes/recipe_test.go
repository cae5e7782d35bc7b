package runtimes_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/runtimes"
)

// standardKinds lists every kind of the manifest, and the skeleton.
func standardKinds(t *testing.T) []string {
	t.Helper()
	var doc struct {
		Runtimes map[string][]struct{ Kind string }
	}
	if err := json.Unmarshal(runtimes.Manifest(), &doc); err != nil {
		t.Fatal(err)
	}
	kinds := []string{"blackbox"}
	for _, family := range doc.Runtimes {
		for _, k := range family {
			kinds = append(kinds, k.Kind)
		}
	}
	return kinds
}

func TestEveryKindHasAFamilyAndARecipe(t *testing.T) {
	for _, kind := range standardKinds(t) {
		if _, ok := runtimes.FamilyOf(kind); !ok {
			t.Errorf("%s has no family", kind)
		}
		r, err := runtimes.RecipeOf(kind)
		if err != nil || r.Base == "" || strings.ContainsAny(r.Base+r.Note, "{}") {
			t.Errorf("%s: got %+v, %v", kind, r, err)
		}
		for _, file := range r.Files {
			if !filepath.IsAbs(file) {
				t.Errorf("%s: file %s is not absolute", kind, file)
			}
		}
	}
	if _, err := runtimes.RecipeOf("cobol:85"); err == nil {
		t.Error("cobol has a recipe")
	}
}

// What discovery looks for is what the recipe says, so that the proxy finds it in the image.
func TestProgramsOfARecipeAreFound(t *testing.T) {
	for kind, output := range map[string]string{
		"nodejs:20": "v20.1.0", "php:8.2": "PHP 8.2.1 (cli)", "ruby:3.3": "ruby 3.3.5p100", "go:1.26": "go version go1.26.1 linux/amd64",
		"swift:5.7": "Swift version 5.7.3 (swift-5.7.3-RELEASE)", "bash:5": "GNU bash, version 5.2.15(1)-release",
	} {
		r, err := runtimes.RecipeOf(kind)
		if err != nil {
			t.Fatal(err)
		}
		programs := map[string]string{}
		for _, program := range r.Programs {
			programs[program] = output
		}
		if h := discover(t, in(installation(t, programs)))[kind]; !h.Usable() {
			t.Errorf("%s: got %v", kind, h)
		}
	}
}

func TestRustAndDotnetSayWhatIsMissing(t *testing.T) {
	for kind, tc := range map[string]struct {
		programs map[string]string
		missing  string
	}{
		"rust:1.34":  {map[string]string{"cargo": "cargo 1.80.0 (abc 2024-07-01)"}, "has no rustc beside it"},
		"dotnet:6.0": {map[string]string{"dotnet": "Microsoft.NETCore.App 6.0.36 [/usr/shared/Microsoft.NETCore.App]"}, "has no SDK"},
	} {
		h := discover(t, in(installation(t, tc.programs)))[kind]
		if h.Usable() || !strings.Contains(h.Missing, tc.missing) || h.Hint == "" {
			t.Errorf("%s: got %v", kind, h)
		}
	}
}

func TestNewerCompilersServeOlderKinds(t *testing.T) {
	hosts := discover(t, in(installation(t, map[string]string{"swiftc": "Swift version 6.0.1 (swift-6.0.1-RELEASE)"})))
	for _, kind := range []string{"swift:5.3", "swift:5.7", "swift:6.0"} {
		if h := hosts[kind]; !h.Usable() || h.Version != "6.0.1" {
			t.Errorf("%s: got %v", kind, h)
		}
	}
}
