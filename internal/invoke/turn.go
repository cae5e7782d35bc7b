package invoke

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// turn is what a conductor wants next. What its result lacks is nil.
// OpenWhisk 2.9.2.
type turn struct {
	action json.RawMessage // any JSON: what is no name is the conductor's to hear of
	params json.RawMessage // an object
	state  json.RawMessage // an object
}

// readTurn reads the result of a conductor. OpenWhisk 2.9.2, 2.9.3.
func readTurn(result json.RawMessage) turn {
	var in map[string]json.RawMessage
	if json.Unmarshal(result, &in) != nil {
		return turn{} // an array: the conductor is done
	}
	return turn{action: in["action"], params: boxed("value", in["params"]), state: boxed("state", in["state"])}
}

// boxed returns value if it is an object, else an object that has it under
// key; nil stays nil. OpenWhisk 2.9.3.
func boxed(key string, value json.RawMessage) json.RawMessage {
	if value == nil || firstByte(value) == '{' {
		return value
	}
	return append(appendMember([]byte{'{'}, key, value), '}')
}

// over puts the members of state over those of payload. Without state the
// payload stays what it is. OpenWhisk 2.9.2.
func over(payload, state json.RawMessage) json.RawMessage {
	if state == nil {
		return payload
	}
	var given, kept map[string]json.RawMessage
	if len(payload) == 0 || json.Unmarshal(payload, &given) != nil || json.Unmarshal(state, &kept) != nil {
		return state
	}
	if !overlap(given, kept) {
		return append(join(join([]byte{'{'}, bytes.TrimSpace(payload)), bytes.TrimSpace(state)), '}')
	}
	out := []byte{'{'}
	for _, key := range slices.Sorted(maps.Keys(given)) {
		if _, replaced := kept[key]; !replaced {
			out = appendMember(out, key, given[key])
		}
	}
	return append(join(out, bytes.TrimSpace(state)), '}')
}

func overlap(a, b map[string]json.RawMessage) bool {
	for key := range b {
		if _, there := a[key]; there {
			return true
		}
	}
	return false
}

// stepName resolves the action that a conductor names. With a leading slash
// or three segments the name is fully qualified, else relative to own.
// OpenWhisk 2.9.5.
func stepName(value json.RawMessage, own string) (entity.Name, bool) {
	var text string
	if firstByte(value) != '"' || json.Unmarshal(value, &text) != nil {
		return entity.Name{}, false
	}
	parts := strings.FieldsFunc(text, func(c rune) bool { return c == '/' })
	if !strings.HasPrefix(text, "/") && len(parts) < 3 {
		parts = slices.Insert(parts, 0, own)
	}
	if len(parts) < 2 || len(parts) > 3 {
		return entity.Name{}, false
	}
	name := entity.Name{Namespace: parts[0], Name: parts[len(parts)-1]}
	if len(parts) == 3 {
		name.Package = parts[1]
	}
	if name.Namespace == entity.DefaultNamespace {
		name.Namespace = own
	}
	return name, name.Check() == nil
}
