package systempackages

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// catalogueVersion is that of all packages of the catalogue; it is raised with
// every change below the folder catalogue.
var catalogueVersion = entity.Version{Major: 1}

// catalogue has a folder for each package: manifest.json and the source of
// every action.
//
//go:embed catalogue
var catalogue embed.FS

// packageManifest describes a package of the catalogue. What it says of the
// package and its actions becomes annotations. OpenWhisk 5.5.3.
type packageManifest struct {
	Description string                    `json:"description"`
	Parameters  json.RawMessage           `json:"parameters,omitempty"`
	Actions     map[string]actionManifest `json:"actions"`
}

type actionManifest struct {
	Description     string          `json:"description"`
	Parameters      json.RawMessage `json:"parameters,omitempty"`
	SampleInput     json.RawMessage `json:"sampleInput,omitempty"`
	SampleOutput    json.RawMessage `json:"sampleOutput,omitempty"`
	SampleLogOutput json.RawMessage `json:"sampleLogOutput,omitempty"`
	APIKey          bool            `json:"apiKey,omitempty"` // it calls the API as its caller
}

// Catalogue returns the packages that OpenWhisk's catalogue has: utils,
// samples and others, all public, as actions of a kind of Node.js. OpenWhisk
// 5.5.1.
func Catalogue(kind string) ([]Package, error) {
	folders, err := catalogue.ReadDir("catalogue")
	if err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	all := make([]Package, len(folders))
	for i, folder := range folders {
		if all[i], err = readPackage(folder.Name(), kind); err != nil {
			return nil, fmt.Errorf("read package %s of the catalogue: %w", folder.Name(), err)
		}
	}
	return all, nil
}

func readPackage(name, kind string) (Package, error) {
	folder := path.Join("catalogue", name)
	var m packageManifest
	raw, err := catalogue.ReadFile(path.Join(folder, "manifest.json"))
	if err == nil {
		err = json.Unmarshal(raw, &m)
	}
	if err != nil {
		return Package{}, err
	}
	p := Package{
		Name: name, Version: catalogueVersion, Publish: true,
		Annotations: annotate(describe(m.Description), "parameters", m.Parameters),
	}
	for action, am := range m.Actions {
		code, err := catalogue.ReadFile(path.Join(folder, action+".js"))
		if err != nil {
			return Package{}, err
		}
		p.Actions = append(p.Actions, Action{
			Name: action, Exec: entity.Exec{Kind: kind, Code: string(code)}, Annotations: am.annotations(),
		})
	}
	return p, nil
}

func (m actionManifest) annotations() entity.Parameters {
	a := annotate(describe(m.Description), "parameters", m.Parameters)
	a = annotate(a, "sampleInput", m.SampleInput)
	a = annotate(a, "sampleOutput", m.SampleOutput)
	a = annotate(a, "sampleLogOutput", m.SampleLogOutput)
	if m.APIKey {
		a = a.Set(entity.AnnotationProvideAPIKey, "true")
	}
	return a
}

// annotate adds an annotation unless there is nothing to say.
func annotate(a entity.Parameters, key string, value json.RawMessage) entity.Parameters {
	if value == nil {
		return a
	}
	return a.Set(key, string(entity.Compact(value)))
}
