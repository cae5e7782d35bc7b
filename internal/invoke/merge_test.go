package invoke_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoke"
)

// with returns parameters from key, value, …; a key that begins with "init:"
// is marked `init`.
func with(pairs ...string) (p entity.Parameters) {
	for i := 0; i < len(pairs); i += 2 {
		key, init := strings.CutPrefix(pairs[i], "init:")
		p = p.With(entity.Parameter{Key: key, Value: json.RawMessage(pairs[i+1]), Init: init})
	}
	return p
}

func TestPayloadIsMergedOverTheParameters(t *testing.T) {
	for _, row := range []struct {
		name     string
		defaults entity.Parameters
		payload  string
		args     string
		env      map[string]string
	}{
		{"neither", nil, ``, ``, nil},
		{"payload alone", nil, ` { "a" : 1 }`, `{ "a" : 1 }`, nil},
		{"defaults alone", with("a", `1`, "b", `"x"`), ``, `{"a":1,"b":"x"}`, nil},
		{"blank payload", with("a", `1`, "init:b", `2`), " \n", `{"a":1}`, map[string]string{"b": "2"}},
		{"empty payload", with("a", `1`), `{}`, `{"a":1}`, nil},
		{"white space in the payload", with("a", `1`), " { \n } ", `{"a":1}`, nil},
		{"both", with("a", `1`), `{"b":2}`, `{"a":1,"b":2}`, nil},
		{"payload wins", with("a", `1`, "b", `2`), `{"a":{"x":3}}`, `{"b":2,"a":{"x":3}}`, nil},
		{"whole values are replaced", with("a", `{"x":1,"y":2}`), `{"a":{"x":3}}`, `{"a":{"x":3}}`, nil},
		{"null in the payload wins", with("a", `1`), `{"a":null}`, `{"a":null}`, nil},
		{"null default", with("a", `null`), ``, `{"a":null}`, nil},
		{"key in escapes", with("a", `1`), `{"\u0061":2}`, `{"\u0061":2}`, nil},
		{"key that needs escapes", with("a\"\\\n", `1`), `{"b":2}`, `{"a\"\\\n":1,"b":2}`, nil},
		{"empty key", with("", `1`), `{"b":2}`, `{"":1,"b":2}`, nil},
		{"array", with("a", `1`), `[1,2]`, `[1,2]`, nil},
		{"array with init parameters", with("init:a", `1`), `[1,2]`, `[1,2]`, nil},
		{"init parameters", with("init:A", `"x"`, "b", `2`), `{"c":3}`, `{"b":2,"c":3}`, map[string]string{"A": "x"}},
		{"init parameters alone", with("init:A", `"x"`), ``, `{}`, map[string]string{"A": "x"}},
		{"payload for an init parameter", with("init:A", `"x"`), `{"A":"y","b":1}`, `{"b":1}`, map[string]string{"A": "y"}},
		{
			"init parameters of all types", with("init:N", `null`, "init:I", `7`, "init:B", `true`, "init:O", `{"a":[1]}`, "init:S", `"ü\n"`), ``, `{}`,
			map[string]string{"N": "", "I": "7", "B": "true", "O": `{"a":[1]}`, "S": "ü\n"},
		},
		{"init parameter of the payload is compact", with("init:O", `1`), `{"O":{ "a" : 1 }}`, `{}`, map[string]string{"O": `{"a":1}`}},
		{"key twice in the payload", with("a", `1`), `{"b":1,"b":2}`, `{"a":1,"b":1,"b":2}`, nil},
		{"nested key is no key", with("a", `1`), `{"b":{"a":2}}`, `{"a":1,"b":{"a":2}}`, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			args, env := invoke.Merge(row.defaults, json.RawMessage(row.payload))
			if string(args) != row.args || !reflect.DeepEqual(env, row.env) {
				t.Errorf("args %s, env %v, want %s, %v", args, env, row.args, row.env)
			}
		})
	}
}

func TestMergeLeavesPayloadAndParametersAsTheyAre(t *testing.T) {
	payload := append(make(json.RawMessage, 0, 1000), `{"b":2}`...)
	defaults := with("a", `1`, "init:c", `3`)
	invoke.Merge(defaults, payload)
	invoke.Merge(with("a", `1`), payload)
	if string(payload) != `{"b":2}` || string(defaults.AppendJSON(nil)) != `[{"key":"a","value":1},{"key":"c","value":3,"init":true}]` {
		t.Errorf("%s, %s", payload, defaults.AppendJSON(nil))
	}
}

func anyKey() *rapid.Generator[string] {
	return rapid.OneOf(rapid.SampledFrom([]string{"a", "b", "c", "", `"`, `\`, "\u2028", "ü", "\x01"}), rapid.String())
}

func anyMap() *rapid.Generator[map[string]any] {
	value := rapid.OneOf(
		rapid.Map(rapid.String(), func(s string) any { return s }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.SliceOfN(rapid.IntRange(0, 9), 0, 3), func(l []int) any { return l }),
		rapid.Just[any](nil),
	)
	return rapid.MapOfN(anyKey(), value, 0, 6)
}

// TestMergeIsTheUnionOfTwoMaps compares with the merge of decoded values.
func TestMergeIsTheUnionOfTwoMaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		given, base := anyMap().Draw(t, "payload"), anyMap().Draw(t, "defaults")
		payload, err := json.MarshalIndent(given, "", rapid.SampledFrom([]string{"", " "}).Draw(t, "indent"))
		if err != nil {
			t.Fatal(err)
		}
		want, env := map[string]any{}, map[string]bool{}
		var defaults entity.Parameters
		for key, value := range base {
			raw, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			init := rapid.IntRange(0, 3).Draw(t, "init") == 0
			defaults = append(defaults, entity.Parameter{Key: key, Value: raw, Init: init})
			want[key] = value
			if init {
				env[key] = true
			}
		}
		for key, value := range given {
			want[key] = value
		}
		for key := range env {
			delete(want, key)
		}
		args, gotEnv := invoke.Merge(defaults, payload)
		wantText, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got any
		if err := json.Unmarshal(args, &got); err != nil {
			t.Fatalf("%s: %v", args, err)
		}
		gotText, err := json.Marshal(got)
		if err != nil || !bytes.Equal(gotText, wantText) || len(gotEnv) != len(env) {
			t.Fatalf("args %s, env %v, want %s with %d", args, gotEnv, wantText, len(env))
		}
	})
}

func FuzzMergeIsValidJSON(f *testing.F) {
	f.Add("a", []byte(`{"b":1}`), true)
	f.Add("", []byte(` {"\u0061":[]} `), false)
	f.Add("\xff", []byte(`[1,"a"]`), true)
	f.Add("a", []byte(``), false)
	f.Fuzz(func(t *testing.T, key string, payload []byte, init bool) {
		if inner := bytes.TrimSpace(payload); len(inner) > 0 && (!json.Valid(payload) || inner[0] != '{' && inner[0] != '[') {
			return // the edge lets nothing else through
		}
		defaults := entity.Parameters{{Key: "first", Value: []byte(`1`)}, {Key: key, Value: []byte(`{"x":1}`), Init: init}}
		args, _ := invoke.Merge(defaults, payload)
		if !json.Valid(args) {
			t.Errorf("merged %q and %q into %q", key, payload, args)
		}
	})
}

func BenchmarkMerge(b *testing.B) {
	defaults := with("a", `1`, "b", `"text"`, "c", `{"x":1}`)
	payload := json.RawMessage(`{"name":"World","list":[` + strings.Repeat("1,", 500) + `1]}`)
	b.ReportAllocs()
	for b.Loop() {
		invoke.Merge(defaults, payload)
	}
}
