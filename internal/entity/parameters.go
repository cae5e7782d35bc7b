package entity

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Parameter is one entry of an entity's parameters or annotations. Value is
// any JSON, never empty. An Init parameter goes to the container's
// environment at initialisation instead of the arguments. OpenWhisk 1.9.2.
type Parameter struct {
	Key        string          `json:"key"`
	Value      json.RawMessage `json:"value"`
	Init       bool            `json:"init,omitempty"`
	Encryption string          `json:"encryption,omitempty"`
}

// Parameters is an ordered list with unique keys. The zero value is empty.
type Parameters []Parameter

// errParameters is the detail of a list that has the wrong shape.
const errParameters = "parameters malformed!"

// UnmarshalJSON accepts an array of objects with a string key and a value;
// of equal keys the last one wins. Anything else is a malformed-content
// Error. OpenWhisk 1.9.2, 1.9.3.
func (p *Parameters) UnmarshalJSON(data []byte) error {
	var in []struct {
		Key        *string         `json:"key"`
		Value      json.RawMessage `json:"value"`
		Init       json.RawMessage `json:"init"`
		Encryption *string         `json:"encryption"`
	}
	if bytes.Equal(bytes.TrimSpace(data), []byte("null")) || json.Unmarshal(data, &in) != nil {
		return MalformedContent(errParameters)
	}
	out := make(Parameters, 0, len(in))
	place := make(map[string]int, len(in))
	for _, e := range in {
		if e.Key == nil || e.Value == nil {
			return MalformedContent(errParameters)
		}
		entry := Parameter{Key: *e.Key, Value: Compact(e.Value), Init: string(e.Init) == "true"}
		if e.Encryption != nil {
			entry.Encryption = *e.Encryption
		}
		out = out.put(place, entry)
	}
	*p = out
	return nil
}

// put changes p; place is the index of every key in it.
func (p Parameters) put(place map[string]int, entry Parameter) Parameters {
	if i, there := place[entry.Key]; there {
		p[i] = entry
		return p
	}
	place[entry.Key] = len(p)
	return append(p, entry)
}

// MarshalJSON renders an empty list as [], never null.
func (p Parameters) MarshalJSON() ([]byte, error) {
	return p.AppendJSON(nil), nil
}

// Get returns the value of key, nil if it is not there.
func (p Parameters) Get(key string) json.RawMessage {
	for i := range p {
		if p[i].Key == key {
			return p[i].Value
		}
	}
	return nil
}

// With returns p with entry added, or put in place of the one with its key.
// It never changes the array behind p.
func (p Parameters) With(entry Parameter) Parameters {
	out := append(make(Parameters, 0, len(p)+1), p...)
	for i := range out {
		if out[i].Key == entry.Key {
			out[i] = entry
			return out
		}
	}
	return append(out, entry)
}

// Set is With for a key and any JSON value.
func (p Parameters) Set(key, value string) Parameters {
	return p.With(Parameter{Key: key, Value: json.RawMessage(value)})
}

// Without returns p less the named keys.
func (p Parameters) Without(keys ...string) Parameters {
	drop := make(map[string]bool, len(keys))
	for _, k := range keys {
		drop[k] = true
	}
	out := make(Parameters, 0, len(p))
	for _, e := range p {
		if !drop[e.Key] {
			out = append(out, e)
		}
	}
	return out
}

// Over returns base with every entry of p put over it: p wins. Whole values
// are replaced, nothing is merged inside them. OpenWhisk 2.7.2.
func (p Parameters) Over(base Parameters) Parameters {
	if len(p) == 0 {
		return base
	}
	out := append(make(Parameters, 0, len(base)+len(p)), base...)
	place := make(map[string]int, len(base)+len(p))
	for i := range base {
		place[base[i].Key] = i
	}
	for _, e := range p {
		out = out.put(place, e)
	}
	return out
}

// Size is the number of bytes that count against the size limit: the keys
// and the compact values. OpenWhisk 2.2.9.
func (p Parameters) Size() int64 {
	var n int
	for _, e := range p {
		n += len(e.Key) + len(e.Value)
	}
	return int64(n)
}

// Truthy reports whether the annotation key is there and is neither false,
// null, 0 nor "". OpenWhisk 2.4.2.
func (p Parameters) Truthy(key string) bool {
	switch strings.TrimSpace(string(p.Get(key))) {
	case "", "false", "null", "0", "0.0", `""`:
		return false
	}
	return true
}

// IsTrue reports whether the annotation key is the JSON value true.
func (p Parameters) IsTrue(key string) bool { return string(p.Get(key)) == "true" }

// Compact returns raw without insignificant white space. Invalid JSON is
// returned as it is; it has no business here.
func Compact(raw json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return raw
	}
	return b.Bytes()
}
