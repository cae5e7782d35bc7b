package entity_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gowhisk/gowhisk/internal/entity"
)

func TestCodeThatLooksLikeBase64CountsAsBinary(t *testing.T) {
	for code, want := range map[string]bool{
		"abcd": true, "UEsDBA==": true, "UEsDBBQ=": true, " abcd\n": true, "ab+/": true, "\x00abcd": true,
		"": false, "   ": false, "abc": false, "abcde": false, "ab=c": false, "====": false, "a===": false, "ab_d": false, "ab-d": false,
		"function main() { return {} }": false, "ab\ncd\nef": false, "äöü": false, "abcdab==abcd": false,
	} {
		if got := entity.LooksBinary(code); got != want {
			t.Errorf("%q: %v, want %v", code, got, want)
		}
	}
}

func TestLooksBinaryIsOpenWhisksExpression(t *testing.T) {
	form := regexp.MustCompile(`^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)$`)
	rapid.Check(t, func(t *rapid.T) {
		code := rapid.StringMatching(`[ab+/=_\n ]{0,12}`).Draw(t, "code")
		trimmed := strings.TrimFunc(code, func(r rune) bool { return r <= ' ' })
		want := len(trimmed) > 0 && len(trimmed)%4 == 0 && form.MatchString(trimmed)
		if got := entity.LooksBinary(code); got != want {
			t.Fatalf("%q: %v, want %v", code, got, want)
		}
	})
}

func TestExecShowsWhatItsKindHas(t *testing.T) {
	for want, exec := range map[string]entity.Exec{
		`{"kind":"nodejs:20","code":"x","binary":false,"main":"go"}`:          {Kind: "nodejs:20", Code: "x", Main: "go"},
		`{"kind":"nodejs:20","binary":true}`:                                  {Kind: "nodejs:20", Binary: true, CodeID: "id"},
		`{"kind":"blackbox","binary":false,"image":"me/image"}`:               {Kind: "blackbox", Image: "me/image"},
		`{"kind":"sequence","components":["/ns/a","/ns/b"]}`:                  {Kind: "sequence", Components: []string{"/ns/a", "/ns/b"}},
		`{"kind":"nodejs:20","code":"if (a < b && c > d) {}","binary":false}`: {Kind: "nodejs:20", Code: "if (a < b && c > d) {}"},
	} {
		if got, err := exec.MarshalJSON(); err != nil || string(got) != want {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
}

func TestSizeOfExecIsCodeMainImageAndComponents(t *testing.T) {
	for want, exec := range map[int64]entity.Exec{
		6: {Code: "abc", Main: "m", Image: "im"}, 10: {Components: []string{"/ns/a", "/ns/b"}}, 0: {Kind: "nodejs:20"},
	} {
		if got := exec.CodeSize(); got != want {
			t.Errorf("%+v: %d, want %d", exec, got, want)
		}
	}
}

func TestActionShowsItsDocumentAndItsSummary(t *testing.T) {
	a := &entity.Action{
		Name: entity.Name{Namespace: "ns", Package: "p", Name: "a"}, Version: entity.FirstVersion, Limits: entity.DefaultLimits(),
		Exec: entity.Exec{Kind: "nodejs:20", Code: "x"}, Updated: time.UnixMilli(5), Revision: 9,
		Parameters: entity.Parameters{}.Set("q", `1`),
	}
	for want, v := range map[string]any{
		`{"namespace":"ns/p","name":"a","version":"0.0.1","publish":false,"exec":{"kind":"nodejs:20","code":"x","binary":false},"annotations":[],"limits":{"timeout":60000,"memory":256,"logs":10,"concurrency":1},"updated":5,"parameters":[{"key":"q","value":1}]}`: a,
		`{"namespace":"ns/p","name":"a","version":"0.0.1","publish":false,"exec":{"binary":false},"annotations":[],"limits":{"timeout":60000,"memory":256,"logs":10,"concurrency":1},"updated":5}`:                                                                    a.Summary(),
	} {
		got, err := json.Marshal(v)
		if err != nil || string(got) != want {
			t.Errorf("document is\n%s, %v, want\n%s", got, err, want)
		}
	}
}

func TestKeyIsGivenWhereTheAnnotationIsMissingOrTruthy(t *testing.T) {
	for value, want := range map[string]bool{"": true, `true`: true, `"yes"`: true, `1`: true, `false`: false, `null`: false, `0`: false, `""`: false} {
		a := &entity.Action{}
		if value != "" {
			a.Annotations = a.Annotations.Set("provide-api-key", value)
		}
		if got := a.WantsAPIKey(); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}
