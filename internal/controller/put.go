package controller

import (
	"errors"

	"github.com/gowhisk/gowhisk/internal/entitlement"
	"github.com/gowhisk/gowhisk/internal/entity"
)

// putting is what the PUTs of all collections begin with.
type putting struct {
	name      entity.Name
	overwrite bool
	body      []byte // a valid JSON object
}

// put reads the request of a PUT. The name of a package is looked at before
// the body is. OpenWhisk 1.4.17, 1.7.6, 5.3.17.
func (x *exchange) put(of entity.Collection) (p putting, err error) {
	if p.name, err = x.allowed(entitlement.Put, of); err != nil {
		return p, err
	}
	if p.overwrite, err = x.query().bool("overwrite", false); err != nil {
		return p, err
	}
	if of == entity.Packages && p.name.Name == entity.DefaultPackage {
		return p, entity.Errorf(entity.Malformed, "Package name '%s' is reserved.", p.name.Name)
	}
	p.body, err = x.jsonBody()
	return p, err
}

// replaced returns what a PUT replaces: old, or nil if there is nothing, or
// nothing that could be read. err is what looking for old came to. OpenWhisk
// 1.9.7, 1.9.8.
func replaced[E any](p putting, old *E, err error) (*E, error) {
	switch {
	case errors.Is(err, entity.ErrNotFound), errors.Is(err, entity.ErrCorrupted) && p.overwrite:
		return nil, nil
	case err != nil:
		return nil, err
	case !p.overwrite:
		return nil, entity.ErrExists
	}
	return old, nil
}
