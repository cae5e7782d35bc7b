package protocoltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Baked is an action inside an image.
type Baked struct {
	Sample      Sample
	Kind        string
	Annotations map[string]any
	Parameters  map[string]any
	Methods     []string // that are allowed; nil: those that the platform allows by itself
}

// environ tells a runtime of its baked action in both known ways: the action file of gowhisk's images,
// and the variables of the Knative build of OpenWhisk.
func (b *Baked) environ(dir string) ([]string, error) {
	type pair struct {
		Key   string `json:"key"`
		Value any    `json:"value"`
	}
	pairs := func(m map[string]any) []pair {
		list := []pair{}
		for key, value := range m {
			list = append(list, pair{key, value})
		}
		return list
	}
	action := map[string]any{"namespace": "guest", "name": "probe", "kind": b.Kind, "main": b.Sample.Main, "code": "code", "binary": b.Sample.Binary,
		"annotations": pairs(b.Annotations), "parameters": pairs(b.Parameters)}
	if b.Methods != nil {
		action["methods"] = b.Methods
	}
	text, err := json.Marshal(action)
	if err != nil {
		return nil, err
	}
	code, err := b.Sample.bytes()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "action.json")
	if err := errors.Join(os.WriteFile(file, text, 0o600), os.WriteFile(filepath.Join(dir, "code"), code, 0o700)); err != nil {
		return nil, fmt.Errorf("bake the action: %w", err)
	}
	env := []string{"OW_ACTION_FILE=" + file, "__OW_ACTION_NAME=probe", "__OW_ACTION_MAIN=" + b.Sample.Main,
		fmt.Sprintf("__OW_ACTION_BINARY=%t", b.Sample.Binary)}
	if b.Methods != nil {
		env = append(env, "__OW_HTTP_METHODS="+strings.Join(b.Methods, " "))
	}
	if raw, _ := b.Annotations["raw-http"].(bool); raw {
		env = append(env, "__OW_ACTION_RAW=true")
	}
	if len(b.Sample.Code) < maxVariable {
		env = append(env, "__OW_ACTION_CODE="+b.Sample.Code)
	}
	return env, nil
}

// maxVariable is the longest variable that a process can be given, in bytes, with room for its name.
const maxVariable = 100_000
