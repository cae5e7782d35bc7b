package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/store"
)

// actionRecord is the stored form of an action.
type actionRecord struct {
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

var actions = &kind[entity.Action, actionRecord]{
	collection: entity.Actions,
	noun:       "action",
	record: func(a *entity.Action) actionRecord {
		return actionRecord{
			Version: a.Version, Publish: a.Publish, Kind: a.Exec.Kind, Main: a.Exec.Main,
			Image: a.Exec.Image, Binary: a.Exec.Binary, Components: a.Exec.Components,
			Parameters: a.Parameters, Annotations: a.Annotations, Limits: a.Limits,
		}
	},
	entity: func(r actionRecord, doc store.Document) *entity.Action {
		return &entity.Action{
			Name: doc.Name, Version: r.Version, Publish: r.Publish,
			Exec: entity.Exec{
				Kind: r.Kind, Main: r.Main, Image: r.Image, Binary: r.Binary,
				Components: r.Components, CodeID: doc.CodeID,
			},
			Parameters: r.Parameters, Annotations: r.Annotations, Limits: r.Limits,
			Updated: doc.Updated, Revision: doc.Revision,
		}
	},
}

// Action returns the action of that name as it is stored, without code; a
// name below a binding is not found. Errors: entity.ErrNotFound,
// entity.ErrWrongType if the name belongs to another collection.
func (c *Catalog) Action(ctx context.Context, name entity.Name) (*entity.Action, error) {
	return actions.get(ctx, c, name)
}

// Code returns the code of a as it was sent, "" if it has none. Errors:
// entity.ErrNotFound if a was updated or deleted since it was read; it is read
// anew then, also while that write is not yet known here to have ended.
func (c *Catalog) Code(ctx context.Context, a *entity.Action) (string, error) {
	if a.Exec.CodeID == "" {
		return "", nil
	}
	code, err := c.entities.Code(ctx, a.Name, a.Exec.CodeID)
	if errors.Is(err, entity.ErrNotFound) {
		c.forget(a.Name)
	}
	if err != nil {
		return "", actions.wrap("read code of", a.Name, err)
	}
	return string(code), nil
}

// PutAction stores a, which it stamps with the time and the new revision, and
// returns it without code. a.Revision is the revision that the caller read, 0
// to create, also over what cannot be read; the code is a.Exec.Code, or stays the one that a.Exec.CodeID
// names. Errors: entity.ErrExists, ErrWrongType, ErrModified, ErrNotFound if
// there is no such package, kind Malformed if that is a binding.
func (c *Catalog) PutAction(ctx context.Context, a *entity.Action) (*entity.Action, error) {
	c.members.RLock()
	defer c.members.RUnlock()
	if a.Name.Package != "" {
		if err := c.holds(ctx, a.Name); err != nil {
			return nil, err
		}
	}
	doc, err := actions.document(a, a.Name, a.Revision, c.now())
	if err != nil {
		return nil, err
	}
	doc.CodeID = a.Exec.CodeID
	var code []byte
	if a.Exec.Code != "" {
		code = []byte(a.Exec.Code)
		doc.CodeID = codeID(code)
	}
	defer c.forget(a.Name)
	if doc.Revision, err = actions.write(ctx, c, doc, code); err != nil {
		return nil, err
	}
	return actions.decode(doc)
}

// holds reports whether the package of that action exists and may have it.
// OpenWhisk 5.3.13.
func (c *Catalog) holds(ctx context.Context, action entity.Name) error {
	pkg, err := c.Package(ctx, entity.Name{Namespace: action.Namespace, Name: action.Package})
	if err != nil {
		return err
	}
	if pkg.IsBinding() {
		return entity.Errorf(entity.Malformed, "Operation not permitted on package binding.")
	}
	return nil
}

// DeleteAction removes the action and returns what it was. Errors:
// entity.ErrNotFound, ErrWrongType, ErrModified.
func (c *Catalog) DeleteAction(ctx context.Context, name entity.Name) (*entity.Action, error) {
	c.members.RLock()
	defer c.members.RUnlock()
	return actions.remove(ctx, c, name)
}

// ListActions returns one page of actions without code, newest first.
func (c *Catalog) ListActions(ctx context.Context, q store.EntityQuery) ([]*entity.Action, error) {
	return actions.list(ctx, c, q)
}

// codeID names code by its content.
func codeID(code []byte) string {
	sum := sha256.Sum256(code)
	return hex.EncodeToString(sum[:])
}
