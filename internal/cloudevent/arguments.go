package cloudevent

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// ArgumentPrefix begins the names of the arguments that an event's attributes become, such as
// __ce_type. Data that is no JSON object is the argument DataArgument: JSON as it is, text as a string,
// anything else as base64; __ce_datacontenttype tells.
const (
	ArgumentPrefix = "__ce_"
	DataArgument   = ArgumentPrefix + "data"
)

// Arguments is what an action is given of the event, a JSON object: the members of the data and the
// attributes. It is false if the data has a member that is for attributes, or that refused refuses.
func (e Event) Arguments(refused func(name string) bool) ([]byte, bool) {
	members := map[string]json.RawMessage{}
	data := bytes.TrimSpace(e.Data)
	if len(data) > 0 && e.HasJSON() && data[0] == '{' {
		if json.Unmarshal(data, &members) != nil {
			return nil, false
		}
		for name := range members {
			if strings.HasPrefix(name, ArgumentPrefix) || refused(name) {
				return nil, false
			}
		}
	} else if len(data) > 0 {
		members[DataArgument] = e.wholeData()
	}
	for name, value := range e.Attributes {
		members[ArgumentPrefix+name] = appendString(nil, value)
	}
	b := []byte{'{'}
	for i, name := range slices.Sorted(maps.Keys(members)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(appendString(b, name), ':'), members[name]...)
	}
	return append(b, '}'), true
}

// wholeData is the data of an event as one JSON value.
func (e Event) wholeData() json.RawMessage {
	switch {
	case e.HasJSON():
		return bytes.TrimSpace(e.Data)
	case e.HasText():
		return appendString(nil, string(e.Data))
	}
	return appendString(nil, base64.StdEncoding.EncodeToString(e.Data))
}
