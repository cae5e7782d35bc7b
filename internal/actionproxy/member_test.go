package actionproxy_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/gowhisk/gowhisk/internal/actionproxy"
)

func TestAMemberIsReadAsItIsWritten(t *testing.T) {
	for object, want := range map[string]string{
		`{}`: ``, ` { } `: ``, `{"a":1}`: `1`, `{ "b" : {"a":2} , "a" : "x" }`: `"x"`, `{"a":1,"a":[1,{"a":"]}"}]}`: `[1,{"a":"]}"}]`,
		`{"b":"\"a\":1","a":-2.5e3}`: `-2.5e3`, `{"c":[{"a":1},"a"],"b":"a"}`: ``, "{\"x\":null,\n\"a\":true\n}": `true`,
	} {
		if got := string(actionproxy.Member([]byte(object), "a")); got != want {
			t.Errorf("%s: got %q, want %q", object, got, want)
		}
	}
}

func FuzzAMemberIsThatOfTheDecoder(f *testing.F) {
	for _, seed := range []string{`{"a":1}`, `{"b":{"a":"\\\""},"a":[[],{}]}`, `{"a":"\u0061"}`, `{"":"","a":0}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, object []byte) {
		var members map[string]json.RawMessage
		if json.Unmarshal(object, &members) != nil || members == nil || bytes.Contains(object, []byte(`\u`)) {
			t.Skip("no object, or with names that are written otherwise")
		}
		got := string(actionproxy.Member(object, "a"))
		if want := string(members["a"]); got != want {
			t.Errorf("%q: got %q, want %q", object, got, want)
		}
	})
}
