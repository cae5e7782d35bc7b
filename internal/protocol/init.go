package protocol

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

// InitRequest is the body of POST /init. OpenWhisk 3.2.1.
type InitRequest struct {
	Value Init `json:"value"`
}

// Init is what makes a runtime one action's container.
type Init struct {
	Name string `json:"name,omitempty"`
	// Main is the entry point; empty when the request had none.
	Main string `json:"main,omitempty"`
	// Code is source text, or base64 when Binary is set; empty when the image brings the code.
	Code   string `json:"code,omitempty"`
	Binary bool   `json:"binary"`
	// Env is added to the environment before the action's code is loaded.
	Env Env `json:"env,omitempty"`
	// Dir is where a launcher finds code that was laid out as files; it travels in the
	// launcher's init line only.
	Dir string `json:"-"`
	// Frames asks a launcher with several activations in flight to send output as lines that say
	// whose it is; as Dir, for launchers only.
	Frames bool `json:"-"`
}

// Env is the environment that comes with an init: strings, as in OpenWhisk 3.2.3.
type Env map[string]string

// UnmarshalJSON accepts values of any type: one that is no string becomes its JSON text
// (OpenWhisk 3.6.8), null the empty string.
func (e *Env) UnmarshalJSON(b []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(b, &members); err != nil {
		return err
	}
	if members == nil {
		return nil
	}
	*e = make(Env, len(members))
	for key, raw := range members {
		var s *string
		if json.Unmarshal(raw, &s) != nil {
			text := string(AppendRaw(nil, raw))
			s = &text
		}
		if s == nil {
			s = new(string)
		}
		(*e)[key] = *s
	}
	return nil
}

// Append appends the launcher's init line, without line feed.
func (in *Init) Append(dst []byte) []byte {
	dst = append(dst, `{"init":{"name":`...)
	dst = AppendString(dst, in.Name)
	dst = appendMember(dst, "main", in.Main)
	dst = appendMember(dst, "code", in.Code)
	dst = append(dst, `,"binary":`...)
	dst = strconv.AppendBool(dst, in.Binary)
	dst = append(dst, `,"env":{`...)
	for i, key := range slices.Sorted(maps.Keys(in.Env)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(dst, key)
		dst = append(dst, ':')
		dst = AppendString(dst, in.Env[key])
	}
	dst = append(dst, '}')
	dst = appendMember(dst, "dir", in.Dir)
	if in.Frames {
		dst = append(dst, `,"frames":true`...)
	}
	return append(dst, '}', '}')
}

// ParseInit reads a launcher's init line; ok is false when the line is something else.
func ParseInit(line []byte) (in Init, ok bool) {
	var msg struct {
		Init *struct {
			Init
			Dir    string `json:"dir"`
			Frames bool   `json:"frames"`
		} `json:"init"`
	}
	if json.Unmarshal(line, &msg) != nil || msg.Init == nil {
		return Init{}, false
	}
	in = msg.Init.Init
	in.Dir, in.Frames = msg.Init.Dir, msg.Init.Frames
	return in, true
}
