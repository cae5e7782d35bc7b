package entity_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
)

func TestParametersAreRead(t *testing.T) {
	for doc, want := range map[string]string{
		`[]`:                                               `[]`,
		`[{"key":"a","value":1}]`:                          `[{"key":"a","value":1}]`,
		`[{"key":"","value":null}]`:                        `[{"key":"","value":null}]`,
		`[{"key":"a","value":{ "b" : [ 1 ] }}]`:            `[{"key":"a","value":{"b":[1]}}]`,
		`[{"key":"a","value":1,"init":true}]`:              `[{"key":"a","value":1,"init":true}]`,
		`[{"key":"a","value":1,"init":"yes"}]`:             `[{"key":"a","value":1}]`,
		`[{"key":"a","value":1,"more":2}]`:                 `[{"key":"a","value":1}]`,
		`[{"key":"a","value":"x","encryption":"aes-256"}]`: `[{"key":"a","value":"x","encryption":"aes-256"}]`,
		`[{"key":"a","value":1},{"key":"b","value":2},{"key":"a","value":3}]`: `[{"key":"a","value":3},{"key":"b","value":2}]`,
	} {
		var p entity.Parameters
		if err := json.Unmarshal([]byte(doc), &p); err != nil {
			t.Errorf("%s: %v", doc, err)
			continue
		}
		if got := string(p.AppendJSON(nil)); got != want {
			t.Errorf("%s is read as %s, want %s", doc, got, want)
		}
	}
}

func TestParametersOfAnotherShapeAreRefused(t *testing.T) {
	for _, doc := range []string{
		`{}`, `{"a":1}`, `null`, `1`, `"a"`, `[1]`, `[null]`, `[{}]`, `[{"key":"a"}]`, `[{"value":1}]`, `[{"key":1,"value":1}]`, `[["key","value"]]`,
	} {
		var p entity.Parameters
		err := json.Unmarshal([]byte(doc), &p)
		if got := textOf(err); got != "The request content was malformed:\nparameters malformed!" {
			t.Errorf("%s: %q", doc, got)
		}
	}
}

// Every entry used to copy all those before it.
func TestManyParametersAreReadInLinearTime(t *testing.T) {
	var b strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&b, `,{"key":"k%d","value":0}`, i)
	}
	began := time.Now()
	var p entity.Parameters
	if err := json.Unmarshal([]byte("["+b.String()[1:]+"]"), &p); err != nil {
		t.Fatal(err)
	}
	if n := len(p.Over(p)); n != 100_000 {
		t.Errorf("%d parameters", n)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestParametersNeverChangeWhatTheyCameFrom(t *testing.T) {
	base := entity.Parameters{}.Set("a", `1`).Set("b", `2`)
	base = base[:2:2]
	text := string(base.AppendJSON(nil))
	base.With(entity.Parameter{Key: "a", Value: []byte(`9`)})
	base.Set("c", `3`)
	base.Without("a")
	if got := string(base.Set("a", `9`).Over(base).AppendJSON(nil)); got != `[{"key":"a","value":9},{"key":"b","value":2}]` {
		t.Errorf("over: %s", got)
	}
	if got := string(base.AppendJSON(nil)); got != text {
		t.Errorf("changed from %s to %s", text, got)
	}
	if got := string(base.Without("a", "x").AppendJSON(nil)); got != `[{"key":"b","value":2}]` {
		t.Errorf("without: %s", got)
	}
}

func TestSizeOfParametersIsKeysAndCompactValues(t *testing.T) {
	var p entity.Parameters
	if err := json.Unmarshal([]byte(`[{"key":"käse","value":[ 1, 2 ]},{"key":"b","value":"x"}]`), &p); err != nil {
		t.Fatal(err)
	}
	if got, want := p.Size(), int64(len("käse")+len("[1,2]")+len("b")+len(`"x"`)); got != want {
		t.Errorf("size is %d, want %d", got, want)
	}
}

func TestTruthOfAnnotations(t *testing.T) {
	for value, want := range map[string]struct{ truthy, isTrue bool }{
		`true`: {true, true}, `false`: {}, `null`: {}, `0`: {}, `0.0`: {}, `""`: {}, `1`: {true, false}, `"false"`: {true, false}, `{}`: {true, false}, `[]`: {true, false},
	} {
		p := entity.Parameters{}.Set("a", value)
		if p.Truthy("a") != want.truthy || p.IsTrue("a") != want.isTrue {
			t.Errorf("%s: truthy %v, true %v, want %v", value, p.Truthy("a"), p.IsTrue("a"), want)
		}
	}
	if p := (entity.Parameters{}); p.Truthy("a") || p.IsTrue("a") || p.Get("a") != nil {
		t.Error("what is not there is true")
	}
}

func FuzzParameters(f *testing.F) {
	for _, seed := range []string{`[]`, `[{"key":"a","value":1,"init":true}]`, `[{"key":"a","value":{"b":"\u2028<"}},{"key":"a","value":2}]`, `null`, `[{}]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		var p entity.Parameters
		if json.Unmarshal(doc, &p) != nil {
			return
		}
		text := p.AppendJSON(nil)
		var again entity.Parameters
		if err := json.Unmarshal(text, &again); err != nil {
			t.Fatalf("%q is written as %q: %v", doc, text, err)
		}
		if got := again.AppendJSON(nil); string(got) != string(text) {
			t.Errorf("%q is written as %q and then as %q", doc, text, got)
		}
	})
}
