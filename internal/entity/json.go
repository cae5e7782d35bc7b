package entity

import (
	"bytes"
	"encoding/json"
)

// Marshal renders v as compact JSON in which '<', '>' and '&' stand as they
// are, as OpenWhisk sends them.
func Marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
