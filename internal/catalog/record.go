package catalog

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// record is the stored form of an action: what its document does not hold.
type record struct {
	Version     entity.Version    `json:"version"`
	Publish     bool              `json:"publish,omitempty"`
	Kind        string            `json:"kind"`
	Main        string            `json:"main,omitempty"`
	Image       string            `json:"image,omitempty"`
	Binary      bool              `json:"binary,omitempty"`
	Components  []string          `json:"components,omitempty"`
	Parameters  entity.Parameters `json:"parameters"`
	Annotations entity.Parameters `json:"annotations"`
	Limits      entity.Limits     `json:"limits"`
}

func encode(a *entity.Action) ([]byte, error) {
	return entity.Marshal(record{
		Version: a.Version, Publish: a.Publish, Kind: a.Exec.Kind, Main: a.Exec.Main,
		Image: a.Exec.Image, Binary: a.Exec.Binary, Components: a.Exec.Components,
		Parameters: a.Parameters, Annotations: a.Annotations, Limits: a.Limits,
	})
}

func (r record) action(doc store.Document) *entity.Action {
	return &entity.Action{
		Name: doc.Name, Version: r.Version, Publish: r.Publish,
		Exec: entity.Exec{
			Kind: r.Kind, Main: r.Main, Image: r.Image, Binary: r.Binary,
			Components: r.Components, CodeID: doc.CodeID,
		},
		Parameters: r.Parameters, Annotations: r.Annotations, Limits: r.Limits,
		Updated: doc.Updated, Revision: doc.Revision,
	}
}

// codeID names code by its content.
func codeID(code []byte) string {
	sum := sha256.Sum256(code)
	return hex.EncodeToString(sum[:])
}
