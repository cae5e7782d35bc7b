package trigger

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
)

// headersKey is the argument that holds the headers. OpenWhisk 5.1.9.
const headersKey = "__ow_headers"

// arguments are what the actions of all rules are given: the parameters of
// the trigger, over them the headers, over them the payload. OpenWhisk 5.1.9.
func arguments(t *entity.Trigger, e *Event) (json.RawMessage, error) {
	args := make(map[string]json.RawMessage, len(t.Parameters)+1)
	for _, p := range t.Parameters {
		args[p.Key] = p.Value
	}
	if e.Headers != nil {
		headers, err := entity.Marshal(e.Headers)
		if err != nil {
			return nil, fmt.Errorf("encode the headers of a fire: %w", err)
		}
		args[headersKey] = headers
	}
	if len(e.Payload) > 0 {
		if err := json.Unmarshal(e.Payload, &args); err != nil { // adds to what is there
			return nil, fmt.Errorf("decode the payload of a fire: %w", err)
		}
	}
	out, err := entity.Marshal(args)
	if err != nil {
		return nil, fmt.Errorf("encode the event of %s: %w", t.Name, err)
	}
	return out, nil
}

// record is the activation of the trigger: it has no end, and its result is
// the bare payload. OpenWhisk 5.1.10.
func record(t *entity.Trigger, e *Event, id entity.ActivationID, logs []string) *entity.Activation {
	result := e.Payload
	if len(result) == 0 {
		result = json.RawMessage(`{}`)
	}
	return &entity.Activation{
		Namespace: e.Identity.Namespace.Name, Name: t.Name.Name, Version: t.Version, Subject: e.Identity.Subject, ID: id,
		Start: time.Now().Truncate(time.Millisecond), Response: entity.Response{Status: entity.Success, Result: result},
		Logs: logs, Local: t.Name.Local(),
	}
}
