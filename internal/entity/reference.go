package entity

import "encoding/json"

// Reference is how a rule's document names another entity: Path is "ns" or
// "ns/pkg". OpenWhisk 5.2.6.
type Reference struct {
	Name string `json:"name"`
	Path string `json:"path"`
}

// Refer returns the reference to n.
func Refer(n Name) Reference { return Reference{Name: n.Name, Path: n.Path()} }

// binding renders r with the member names of a binding. OpenWhisk 5.3.3.
func (r Reference) binding() json.RawMessage {
	b := AppendString([]byte(`{"name":`), r.Name)
	b = AppendString(append(b, `,"namespace":`...), r.Path)
	return append(b, '}')
}
