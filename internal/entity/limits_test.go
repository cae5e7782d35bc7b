package entity_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/entity"
)

func TestLimitsOutOfRangeHaveOpenWhisksTexts(t *testing.T) {
	r := entity.DefaultLimitRange()
	r.MaxConcurrency = 1
	for doc, want := range map[string]string{
		`{}`: "",
		`{"memory":128,"timeout":100,"logs":0,"concurrency":1}`:     "",
		`{"memory":512,"timeout":300000,"logs":10,"concurrency":1}`: "",
		`{"memory":1024}`:             "requirement failed: memory size 1024 MB exceeds allowed threshold of 512 MB",
		`{"memory":64}`:               "requirement failed: memory size 64 MB below allowed threshold of 128 MB",
		`{"memory":-1}`:               "requirement failed: memory size -1 MB below allowed threshold of 128 MB",
		`{"timeout":300001}`:          "requirement failed: duration 300001 milliseconds exceeds allowed threshold of 300000 milliseconds",
		`{"timeout":99}`:              "requirement failed: duration 99 milliseconds below allowed threshold of 100 milliseconds",
		`{"timeout":18446744073769}`:  "requirement failed: duration 9223372036854 milliseconds exceeds allowed threshold of 300000 milliseconds",
		`{"timeout":-18446744073769}`: "requirement failed: duration -9223372036854 milliseconds below allowed threshold of 100 milliseconds",
		`{"logs":11}`:                 "requirement failed: log size 11 MB exceeds allowed threshold of 10 MB",
		`{"logs":-1}`:                 "requirement failed: log size -1 MB below allowed threshold of 0 MB",
		`{"concurrency":2}`:           "requirement failed: concurrency 2 exceeds allowed threshold of 1",
		`{"concurrency":0}`:           "requirement failed: concurrency 0 below allowed threshold of 1",
		`{"memory":1,"timeout":1,"logs":99,"concurrency":99}`: "requirement failed: memory size 1 MB below allowed threshold of 128 MB",
		`{"timeout":1,"logs":99,"concurrency":99}`:            "requirement failed: duration 1 milliseconds below allowed threshold of 100 milliseconds",
		`{"logs":99,"concurrency":99}`:                        "requirement failed: log size 99 MB exceeds allowed threshold of 10 MB",
	} {
		var p entity.LimitsPatch
		if err := json.Unmarshal([]byte(doc), &p); err != nil {
			t.Errorf("%s: %v", doc, err)
			continue
		}
		if got := textOf(r.Check(p.Apply(entity.DefaultLimits()))); got != want {
			t.Errorf("%s: %q, want %q", doc, got, want)
		}
	}
}

func TestLimitsThatAreNoWholeNumbersHaveOpenWhisksTexts(t *testing.T) {
	const prefix = "The request content was malformed:\n"
	texts := map[string]struct{ wrong, fraction string }{
		"memory":      {"memory limit malformed", "requirement failed: memory limit must be whole number"},
		"timeout":     {"time limit malformed", "requirement failed: time limit must be whole number"},
		"logs":        {"log limit malformed", "requirement failed: log limit must be whole number"},
		"concurrency": {"concurrency limit malformed", "requirement failed: intra concurrency limit must be whole number"},
		"instances":   {"instance concurrency limit malformed", "requirement failed: instance concurrency limit must be whole number"},
	}
	for key, want := range texts {
		for value, text := range map[string]string{
			`"256"`: want.wrong, `true`: want.wrong, `{}`: want.wrong, `[1]`: want.wrong, `""`: want.wrong,
			`1.5`: want.fraction, `1e-3`: want.fraction, `1e400`: want.fraction, `1e300`: want.fraction,
			`9223372036854775808`: want.fraction, `-9223372036854775809`: want.fraction,
		} {
			var p entity.LimitsPatch
			err := json.Unmarshal([]byte(`{"`+key+`":`+value+`}`), &p)
			if got := textOf(err); got != prefix+text {
				t.Errorf("%s %s: %q, want %q", key, value, got, text)
			}
		}
	}
	for doc, want := range map[string]string{
		`null`: "JSON object expected", `[]`: "JSON object expected", `1`: "JSON object expected",
		`{"instances":-1}`: "requirement failed: Action container concurrency must be greater than or equal to 0.",
	} {
		var p entity.LimitsPatch
		if got := textOf(json.Unmarshal([]byte(doc), &p)); got != prefix+want {
			t.Errorf("%s: %q, want %q", doc, got, want)
		}
	}
}

func TestLimitsThatAreLeftOutStay(t *testing.T) {
	five := 5
	old := entity.Limits{Timeout: time.Second, Memory: 300, Logs: 3, Concurrency: 7, Instances: &five}
	var p entity.LimitsPatch
	if err := json.Unmarshal([]byte(`{"timeout":2e3,"memory":null,"other":1}`), &p); err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(p.Apply(old))
	if want := `{"timeout":2000,"memory":300,"logs":3,"concurrency":7,"instances":5}`; err != nil || string(got) != want {
		t.Errorf("limits are %s, %v, want %s", got, err, want)
	}
	var back entity.Limits
	if err := json.Unmarshal(got, &back); err != nil || back.Timeout != 2*time.Second || *back.Instances != 5 {
		t.Errorf("came back as %+v, %v", back, err)
	}
}

func FuzzLimitsPatch(f *testing.F) {
	for _, seed := range []string{`{}`, `{"memory":256}`, `{"timeout":1e3,"logs":0.5}`, `{"instances":-1}`, `{"timeout":9223372036854775807}`} {
		f.Add([]byte(seed))
	}
	r := entity.DefaultLimitRange()
	f.Fuzz(func(t *testing.T, doc []byte) {
		var p entity.LimitsPatch
		if json.Unmarshal(doc, &p) != nil {
			return
		}
		l := p.Apply(entity.DefaultLimits())
		if r.Check(l) == nil && (l.Timeout < r.MinTimeout || l.Timeout > r.MaxTimeout || l.Memory < 128 || l.Memory > 512) {
			t.Errorf("%q is let through as %+v", doc, l)
		}
	})
}
