package controller

import (
	"encoding/json"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// entityBody is what the bodies of all PUTs have in common; what a body
// leaves out is nil. OpenWhisk 1.9.1, 1.9.5.
type entityBody struct {
	parameters  *entity.Parameters
	annotations *entity.Parameters
	version     *entity.Version
	publish     *bool
}

// decodeEntity reads a body without members of its own: shape, sizes, the
// rest. in are the members of a valid JSON object.
func decodeEntity(in map[string]json.RawMessage, maxParameters int64) (entityBody, error) {
	var out entityBody
	if err := out.decodeLists(in); err != nil {
		return out, err
	}
	if err := out.checkSizes(maxParameters); err != nil {
		return out, err
	}
	return out, out.decodeVersion(in)
}

func (b *entityBody) decodeLists(in map[string]json.RawMessage) (err error) {
	if b.parameters, err = decodeParameters(in["parameters"]); err != nil {
		return err
	}
	b.annotations, err = decodeParameters(in["annotations"])
	return err
}

func decodeParameters(raw json.RawMessage) (*entity.Parameters, error) {
	if raw == nil {
		return nil, nil
	}
	p := &entity.Parameters{}
	return p, p.UnmarshalJSON(raw)
}

// checkSizes compares with the limits. OpenWhisk 2.2.9.
func (b *entityBody) checkSizes(maxParameters int64) error {
	if b.parameters != nil && b.parameters.Size() > maxParameters {
		return entity.LargerThanAllowed("parameters", b.parameters.Size(), maxParameters)
	}
	if b.annotations != nil && b.annotations.Size() > maxParameters {
		return entity.LargerThanAllowed("annotations", b.annotations.Size(), maxParameters)
	}
	return nil
}

func (b *entityBody) decodeVersion(in map[string]json.RawMessage) error {
	if raw := in["version"]; raw != nil {
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return entity.MalformedContent("semantic version malformed")
		}
		v, err := entity.ParseVersion(s)
		if err != nil {
			return err
		}
		b.version = &v
	}
	if raw := in["publish"]; raw != nil {
		if json.Unmarshal(raw, &b.publish) != nil {
			return entity.MalformedContent("Expected JsBoolean, but got %s", raw)
		}
	}
	return nil
}

// nextVersion returns the version of an entity that had old before, the zero
// version if it is new. OpenWhisk 1.9.5.
func (b *entityBody) nextVersion(old entity.Version) entity.Version {
	switch {
	case b.version != nil:
		return *b.version
	case old == entity.Version{}:
		return entity.FirstVersion
	}
	return old.Next()
}
