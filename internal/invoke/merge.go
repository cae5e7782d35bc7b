package invoke

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// merge puts the payload over an action's parameters and splits off those
// marked `init`, which become environment entries. Only top-level keys are
// looked at; values are spliced as they are. A payload that is an array is
// passed on alone. OpenWhisk 2.7.1–2.7.4.
func merge(defaults entity.Parameters, payload json.RawMessage) (args json.RawMessage, env map[string]string) {
	payload = bytes.TrimSpace(payload)
	if len(defaults) == 0 {
		return payload, nil
	}
	var given map[string]json.RawMessage
	if len(payload) > 0 {
		if json.Unmarshal(payload, &given) != nil {
			return payload, nil // an array: the edge let nothing else through
		}
	}
	out := make([]byte, 1, len(payload)+int(defaults.Size())+8*len(defaults)+2)
	out[0] = '{'
	for _, d := range defaults {
		value, over := given[d.Key]
		if !over {
			value = d.Value
		}
		if d.Init {
			env = setEnv(env, d.Key, value)
			delete(given, d.Key)
			continue
		}
		if !over {
			out = appendMember(out, d.Key, value)
		}
	}
	if env == nil { // nothing was taken out of the payload
		return append(join(out, payload), '}'), nil
	}
	for _, key := range slices.Sorted(maps.Keys(given)) {
		out = appendMember(out, key, given[key])
	}
	return append(out, '}'), env
}

// join appends the members of the object payload to the open object out.
func join(out []byte, payload json.RawMessage) []byte {
	if len(payload) == 0 {
		return out
	}
	inner := bytes.TrimSpace(payload[1 : len(payload)-1])
	if len(inner) > 0 && len(out) > 1 {
		out = append(out, ',')
	}
	return append(out, inner...)
}

func appendMember(out []byte, key string, value json.RawMessage) []byte {
	if len(out) > 1 {
		out = append(out, ',')
	}
	name, err := entity.Marshal(key)
	if err != nil { // a string always encodes
		panic(err)
	}
	out = append(append(out, name...), ':')
	return append(out, value...)
}

// setEnv adds an environment entry: strings as they are, null as "", other
// values as JSON.
func setEnv(env map[string]string, key string, value json.RawMessage) map[string]string {
	if env == nil {
		env = map[string]string{}
	}
	var text *string
	switch {
	case json.Unmarshal(value, &text) != nil:
		env[key] = string(entity.Compact(value))
	case text == nil:
		env[key] = ""
	default:
		env[key] = *text
	}
	return env
}
