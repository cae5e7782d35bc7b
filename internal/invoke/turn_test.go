package invoke_test

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoke"
)

// FuzzConductorsMayAnswerAnything: what comes of it is JSON, and the state is
// kept whole.
func FuzzConductorsMayAnswerAnything(f *testing.F) {
	for _, seed := range []string{
		`{}`, `[1]`, `{"action":"/_/a","params":{"a":1},"state":{"a":2}}`, `{"action":null,"params":[],"state":0}`,
		`{ "state" : { "a" : 1 , "b" : {} } , "params" : null }`, `{"action":"a//b/","action":1}`, `{"state":{"a":1,"a":2}}`,
	} {
		f.Add([]byte(seed), []byte(`{"a":3,"z":[]}`))
	}
	f.Fuzz(func(t *testing.T, result, payload []byte) {
		if !json.Valid(result) || !json.Valid(payload) || !isObject(payload) {
			t.Skip()
		}
		action, params, state := invoke.ReadTurn(result)
		for _, part := range []json.RawMessage{params, state} {
			if part != nil && !isObject(part) {
				t.Errorf("%q is no object", part)
			}
		}
		if name, ok := invoke.StepName(action, "own"); ok {
			again, same := invoke.StepName(json.RawMessage(`"/`+name.String()+`"`), "other")
			if name.Namespace != entity.DefaultNamespace && (!same || again != name) {
				t.Errorf("%s is %v, which is %v", action, name, again)
			}
		}
		args := invoke.Over(payload, state)
		var got, want, kept map[string]any
		if err := json.Unmarshal(args, &got); err != nil {
			t.Fatalf("%q over %q is %q: %v", state, payload, args, err)
		}
		if json.Unmarshal(payload, &want) != nil || state != nil && json.Unmarshal(state, &kept) != nil {
			t.Skip() // nested too deep
		}
		maps.Copy(want, kept)
		if len(got) != len(want) {
			t.Errorf("%q over %q is %q", state, payload, args)
		}
		for key := range kept {
			if one, err := json.Marshal(got[key]); err != nil || string(one) != text(t, kept[key]) {
				t.Errorf("%q over %q is %q", state, payload, args)
			}
		}
	})
}

func isObject(value []byte) bool {
	var members map[string]json.RawMessage
	return json.Unmarshal(value, &members) == nil && members != nil
}

func text(t *testing.T, v any) string {
	t.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
