package feed

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// Params are the parameters of a call by name. As with OpenWhisk's feeds,
// which are written in JavaScript, a value that is null, false, 0 or "" is
// one that was not given.
type Params map[string]json.RawMessage

// Has reports whether key was given.
func (p Params) Has(key string) bool {
	switch string(p[key]) {
	case "", "null", "false", "0", `""`:
		return false
	}
	return true
}

// Text returns a string, or a number or boolean as it is written; "" if key
// was not given or is an object or an array.
func (p Params) Text(key string) string {
	if !p.Has(key) {
		return ""
	}
	var text string
	if json.Unmarshal(p[key], &text) == nil {
		return text
	}
	if raw := string(p[key]); raw[0] != '{' && raw[0] != '[' {
		return raw
	}
	return ""
}

// Integer returns a whole number, also one that is written as a string; false
// for everything else.
func (p Params) Integer(key string) (int64, bool) {
	n, err := strconv.ParseInt(strings.TrimSpace(p.Text(key)), 10, 64)
	return n, err == nil
}

// Payload returns what the trigger is fired with: an object, a string as the
// object's member "payload", nil if key was not given.
func (p Params) Payload(key string) (json.RawMessage, error) {
	if !p.Has(key) {
		return nil, nil
	}
	switch raw := p[key]; raw[0] {
	case '{':
		return entity.Compact(raw), nil
	case '"':
		return entity.Marshal(map[string]json.RawMessage{"payload": raw})
	}
	return nil, Refuse("the %s parameter must be an object or a string", key)
}
