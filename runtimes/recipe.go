package runtimes

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"strings"
)

// Recipe says what an image must have for the proxy to run a kind in it, beside the proxy itself,
// which brings the launcher.
type Recipe struct {
	// Base is an image that has it, with the kind's version in it.
	Base string `json:"base"`
	// Variable is where the official images of the language say its version in their environment;
	// empty if they do not.
	Variable string `json:"variable"`
	// Programs must be in the image's PATH, or where distributions put them.
	Programs []string `json:"programs"`
	// Files must be there, by absolute path.
	Files []string `json:"files"`
	// Env is to be set in the image.
	Env map[string]string `json:"env"`
	// Note is for people.
	Note string `json:"note"`
}

// RecipeOf reads the recipe of a kind such as "python:3.12".
func RecipeOf(kind string) (Recipe, error) {
	family, version, _ := strings.Cut(kind, ":")
	text, err := FS.ReadFile(path.Join(family, "recipe.json"))
	if err != nil {
		return Recipe{}, fmt.Errorf("kind %s has no recipe for an image: %w", kind, err)
	}
	var r Recipe
	if err := json.Unmarshal(text, &r); err != nil {
		return Recipe{}, fmt.Errorf("recipe of %s: %w", family, err)
	}
	r.Base = strings.ReplaceAll(r.Base, "{version}", version)
	r.Note = strings.ReplaceAll(r.Note, "{version}", version)
	return r, nil
}

var dotted = regexp.MustCompile(`\d+(\.\d+)*`)

// Version is the version of the language in an image with that environment, such as 20.11.1; empty if
// it is not told.
func (r Recipe) Version(environ []string) string {
	for _, e := range environ {
		if value, ok := strings.CutPrefix(e, r.Variable+"="); ok && r.Variable != "" {
			return dotted.FindString(value)
		}
	}
	return ""
}

// Serves says whether an interpreter of that version runs the kind.
func Serves(kind, version string) bool {
	family, wanted, _ := strings.Cut(kind, ":")
	if version == wanted || strings.HasPrefix(version, wanted+".") {
		return true
	}
	return probes()[family].backwards && compareVersions(version, wanted) > 0
}
