package knative

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/gowhisk/gowhisk/internal/entity"
)

func encode(content []byte) string { return base64.StdEncoding.EncodeToString(content) }

// plainCode is code as a file holds it.
func plainCode(code string, binary bool) ([]byte, error) {
	if !binary {
		return []byte(code), nil
	}
	content, err := base64.StdEncoding.DecodeString(code)
	if err != nil {
		return nil, entity.Errorf(entity.Malformed, "The code of the action is marked as binary but is no base64.").Because(err)
	}
	return content, nil
}

// textOf is a string as it is, anything else as JSON.
func textOf(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	return string(value)
}

// cutName splits "/namespace/name".
func cutName(full string) (namespace, name string, ok bool) {
	rest, slash := strings.CutPrefix(full, "/")
	namespace, name, ok = strings.Cut(rest, "/")
	return namespace, name, ok && slash
}
