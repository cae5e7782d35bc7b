package controller

import (
	"encoding/json"
	"strings"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/manifest"
)

// decodeExec reads the member exec of an action. own is the namespace that
// "_" stands for. OpenWhisk 2.2.3–2.2.8.
func decodeExec(raw json.RawMessage, kinds *manifest.Manifest, own string) (*entity.Exec, error) {
	if first(raw) != '{' {
		return nil, entity.MalformedContent("JSON object expected")
	}
	in := members(raw)
	kind, ok := str(in["kind"])
	if !ok {
		return nil, entity.MalformedContent("'kind' must be a string defined in 'exec'")
	}
	switch kind = manifest.Normal(kind); kind {
	case entity.KindSequence:
		return decodeSequence(in["components"], own)
	case entity.KindBlackbox:
		return decodeBlackbox(in)
	}
	runtime, err := kinds.Resolve(kind)
	if err != nil {
		return nil, err
	}
	code, ok := str(in["code"])
	if !ok {
		code, ok = str(in["jar"]) // OpenWhisk 2.1.14
	}
	switch {
	case !ok && runtime.Attached:
		return nil, entity.MalformedContent("'code' must be a string or attachment object defined in 'exec' for '%s' actions", kind)
	case !ok:
		return nil, entity.MalformedContent("'code' must be a string defined in 'exec' for '%s' actions", kind)
	}
	main, err := decodeMain(in, kind)
	if err != nil {
		return nil, err
	}
	if main == "" && runtime.RequireMain {
		return nil, entity.MalformedContent("'main' must be a string defined in 'exec' for '%s' actions", kind)
	}
	return &entity.Exec{Kind: runtime.Kind, Code: code, Main: main, Binary: entity.LooksBinary(code)}, nil
}

func decodeMain(in map[string]json.RawMessage, kind string) (string, error) {
	main, ok := str(in["main"])
	if !ok && in["main"] != nil {
		return "", entity.MalformedContent("if defined, 'main' be a string in 'exec' for '%s' actions", kind)
	}
	return main, nil
}

// decodeBlackbox reads an action that brings its image. OpenWhisk 2.2.6.
func decodeBlackbox(in map[string]json.RawMessage) (*entity.Exec, error) {
	const kind = entity.KindBlackbox
	image, ok := str(in["image"])
	if !ok {
		return nil, entity.MalformedContent("'image' must be a string defined in 'exec' for '%s' actions", kind)
	}
	if _, err := manifest.ParseImage(image); err != nil {
		return nil, entity.MalformedContent("could not parse image name").Because(err)
	}
	code, ok := str(in["code"])
	if !ok && in["code"] != nil {
		return nil, entity.MalformedContent("if defined, 'code' must a string defined in 'exec' for '%s' actions", kind)
	}
	if strings.TrimSpace(code) == "" {
		code = ""
	}
	main, err := decodeMain(in, kind)
	if err != nil {
		return nil, err
	}
	return &entity.Exec{Kind: kind, Image: image, Code: code, Main: main, Binary: entity.LooksBinary(code)}, nil
}

// decodeSequence reads the components. OpenWhisk 2.2.7.
func decodeSequence(raw json.RawMessage, own string) (*entity.Exec, error) {
	if raw == nil {
		return nil, entity.MalformedContent("'components' must be defined for sequence kind")
	}
	var refs []json.RawMessage
	if json.Unmarshal(raw, &refs) != nil {
		return nil, entity.MalformedContent("'components' must be an array")
	}
	exec := &entity.Exec{Kind: entity.KindSequence, Components: make([]string, len(refs))}
	for i, ref := range refs {
		s, ok := str(ref)
		if !ok {
			return nil, entity.MalformedContent("fully qualified name malformed")
		}
		name, err := entity.ParseName(s, own)
		if err != nil {
			return nil, err
		}
		exec.Components[i] = "/" + name.String()
	}
	return exec, nil
}

// str decodes a JSON string; ok is false for any other value and for none.
func str(raw json.RawMessage) (s string, ok bool) {
	if first(raw) != '"' {
		return "", false
	}
	return s, json.Unmarshal(raw, &s) == nil
}
