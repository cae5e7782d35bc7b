package invoker_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/fault"
	"github.com/gowhisk/gowhisk/internal/invoker"
)

const (
	limit   = 1 << 20
	invalid = "The action did not produce a valid JSON or JSON Array response"
)

// errorResult is a result that carries only that text.
func errorResult(text string) string { return string(entity.Failed(0, text).Result) }

func TestAnswersToARunAreClassified(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 5000) + `{"error":1}` + strings.Repeat(`}`, 5000)
	tooDeep := strings.Repeat(`[`, 20_000) + strings.Repeat(`]`, 20_000)
	for _, row := range []struct {
		name   string
		status int
		body   string
		want   entity.Status
		result string // "" for the body itself
		fault  string
	}{
		{name: "object", body: `{"a":1}`, want: entity.Success},
		{name: "empty object", body: `{}`, want: entity.Success},
		{name: "array", body: `[1,"error",{"error":1}]`, want: entity.Success},
		{name: "white space around", body: " \n{\"a\" : 1}\r\n", want: entity.Success},
		{name: "error text", body: `{"error":"no"}`, want: entity.ApplicationError},
		{name: "error number", body: `{"error":0}`, want: entity.ApplicationError},
		{name: "error false", body: `{"error":false}`, want: entity.ApplicationError},
		{name: "error null", body: `{"error":null}`, want: entity.ApplicationError},
		{name: "error empty", body: `{"error":""}`, want: entity.ApplicationError},
		{name: "error among others", body: `{"a":1,"error":{"b":2},"c":3}`, want: entity.ApplicationError},
		{name: "error with space before the colon", body: `{"error" : 1}`, want: entity.ApplicationError},
		{name: "error in escapes", body: `{"\u0065rr\u006Fr":1}`, want: entity.ApplicationError},
		{name: "error twice", body: `{"error":1,"error":2}`, want: entity.ApplicationError},
		{name: "nested error", body: `{"a":{"error":1}}`, want: entity.Success},
		{name: "error as a value", body: `{"a":"error"}`, want: entity.Success},
		{name: "error in upper case", body: `{"Error":1,"ERROR":2}`, want: entity.Success},
		{name: "error as part of a key", body: `{"errors":1,"my\"error\"":2}`, want: entity.Success},
		{name: "deep error", body: deep, want: entity.Success},
		{name: "too deep", body: tooDeep, want: entity.DeveloperError, result: errorResult(invalid + ": " + tooDeep), fault: fault.WrongResult},
		{name: "not UTF-8", body: "{\"a\":\"\xff\"}", want: entity.Success, result: `{"a":"` + "\ufffd" + `"}`},
		{name: "error that is not UTF-8", body: "{\"error\":\"\xff\"}", want: entity.ApplicationError, result: `{"error":"` + "\ufffd" + `"}`},

		{name: "nothing", want: entity.DeveloperError, result: errorResult(invalid + "."), fault: fault.WrongResult},
		{name: "number", body: `42`, want: entity.DeveloperError, result: errorResult(invalid + ": 42"), fault: fault.WrongResult},
		{name: "text", body: `"x"`, want: entity.DeveloperError, result: errorResult(invalid + `: "x"`), fault: fault.WrongResult},
		{name: "null", body: `null`, want: entity.DeveloperError, result: errorResult(invalid + ": null"), fault: fault.WrongResult},
		{name: "no JSON", body: `{a}`, want: entity.DeveloperError, result: errorResult(invalid + ": {a}"), fault: fault.WrongResult},
		{name: "two texts", body: `{}{}`, want: entity.DeveloperError, result: errorResult(invalid + ": {}{}"), fault: fault.WrongResult},
		{name: "no JSON and status", status: 502, body: `boom`, want: entity.DeveloperError, result: errorResult(invalid + ": boom"), fault: fault.WrongResult},
		{name: "bytes", body: "\xff\xfe", want: entity.DeveloperError, result: errorResult(invalid + ": \ufffd"), fault: fault.WrongResult},

		{name: "status with error", status: 502, body: `{"error":{"a":1},"b":2}`, want: entity.DeveloperError, result: `{"error":{"a":1}}`, fault: fault.WrongResult},
		{name: "status with null error", status: 502, body: `{"error":null}`, want: entity.DeveloperError, result: `{"error":null}`, fault: fault.WrongResult},
		{name: "status without error", status: 500, body: `{"b":2}`, want: entity.DeveloperError, result: errorResult(invalid + `: {"b":2}`), fault: fault.WrongResult},
		{name: "status with array", status: 404, body: `[]`, want: entity.DeveloperError, result: errorResult(invalid + ": []"), fault: fault.WrongResult},
	} {
		t.Run(row.name, func(t *testing.T) {
			status := row.status
			if status == 0 {
				status = 200
			}
			v := invoker.ClassifyRun(status, []byte(row.body), int64(len(row.body)), limit)
			want := row.result
			if want == "" {
				want = row.body
			}
			if string(v.Response.Result) != want || v.Response.Status != row.want || v.Fault != row.fault {
				t.Errorf("%s %.300s with fault %q, want %s %.300s with %q", v.Response.Status, v.Response.Result, v.Fault, row.want, want, row.fault)
			}
			if !json.Valid(v.Response.Result) || !utf8.Valid(v.Response.Result) {
				t.Errorf("%.300q is no JSON", v.Response.Result)
			}
			if got, want := v.Response.Size, utf8.RuneCountInString(strings.ToValidUTF8(row.body, "\ufffd")); got != want {
				t.Errorf("size is %d, want %d characters", got, want)
			}
		})
	}
}

func TestAnswersToAnInitAreClassified(t *testing.T) {
	for _, row := range []struct {
		name   string
		status int
		body   string
		ok     bool
		result string
	}{
		{"ok", 200, `{"ok":true}`, true, ""},
		{"any body will do", 200, `whatever`, true, ""},
		{"no body will do", 200, ``, true, ""},
		{"an error of its own", 403, `{"error":"Missing main/no code to execute."}`, false, `{"error":"Missing main/no code to execute."}`},
		{"an error of any type", 502, `{"error":[1]}`, false, `{"error":[1]}`},
		{"another object", 502, `{"a":1}`, false, errorResult(`The action failed during initialization: {"a":1}`)},
		{"text", 502, `boom`, false, errorResult(`The action failed during initialization: boom`)},
		{"bytes", 502, "\xff", false, errorResult("The action failed during initialization: \ufffd")},
		{"nothing", 502, ``, false, errorResult(`The action failed during initialization.`)},
		{"created is no success", 201, ``, false, errorResult(`The action failed during initialization.`)},
	} {
		t.Run(row.name, func(t *testing.T) {
			v, ok := invoker.ClassifyInit(row.status, []byte(row.body), int64(len(row.body)), limit)
			if ok != row.ok || string(v.Response.Result) != row.result {
				t.Fatalf("ok %v, %s, want %v, %s", ok, v.Response.Result, row.ok, row.result)
			}
			if !ok && (v.Response.Status != entity.DeveloperError || v.Fault != fault.InitFailed) {
				t.Errorf("%s with fault %q", v.Response.Status, v.Fault)
			}
		})
	}
}

func TestInitsThatLackSomethingSayWhat(t *testing.T) {
	for text, want := range map[string]string{
		"Initialization has failed due to: Action entrypoint 'main' is not a function.":          fault.NoMain,
		"# action\n./main__.go:22:33: undefined: Main":                                           fault.NoMain,
		"Initialization has failed due to: Error: Cannot find module 'left-pad'\nRequire stack:": fault.MissingDependency,
		"main.go:2:8: package leftpad is not in std (/usr/local/go/src/leftpad)":                 fault.MissingDependency,
		"main.go:2:8: no required module provides package example.com/x; to add it:":             fault.MissingDependency,
		"Initialization has failed due to: TypeError: x.y is not a function":                     fault.InitFailed,
		"Cannot start action. Check logs for details.":                                           fault.InitFailed,
	} {
		body := entity.Failed(0, text).Result
		if v, _ := invoker.ClassifyInit(502, body, int64(len(body)), limit); v.Fault != want {
			t.Errorf("%s: fault %s, want %s", text, v.Fault, want)
		}
	}
}

func TestAnswersOverTheLimitAreCut(t *testing.T) {
	const text = "The action produced a response that exceeded the allowed length: 20 > 10 bytes."
	for body, want := range map[string]string{
		`{"a":"xxxx`:       text + ` The truncated response was: {"a":"xxxx`,
		"{\"a\":\"xxx\xc3": text + " The truncated response was: {\"a\":\"xxx\ufffd", // cut within a character
		"":                 text,
	} {
		run := invoker.ClassifyRun(200, []byte(body), 20, 10)
		init, ok := invoker.ClassifyInit(200, []byte(body), 20, 10)
		if ok || init.Response.Status != entity.DeveloperError || run.Response.Status != entity.ApplicationError {
			t.Errorf("ok %v, init %s, run %s", ok, init.Response.Status, run.Response.Status)
		}
		for _, v := range []invoker.Verdict{run, init} {
			if string(v.Response.Result) != errorResult(want) || v.Response.Size != 20 || v.Fault != fault.ResultTooBig {
				t.Errorf("%s, size %d, fault %s", v.Response.Result, v.Response.Size, v.Fault)
			}
		}
	}
	if v := invoker.ClassifyRun(200, []byte(`{"a":1234}`), 10, 10); v.Response.Status != entity.Success {
		t.Error("an answer as long as the limit is cut")
	}
}

func TestTimeoutNamesTheLimit(t *testing.T) {
	l := entity.Limits{Timeout: 3 * time.Second}
	if got, want := invoker.TimeoutText(l, false), "The action exceeded its time limits of 3000 milliseconds."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := invoker.TimeoutText(l, true), "The action exceeded its time limits of 3000 milliseconds during initialization."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func FuzzClassifyRun(f *testing.F) {
	for _, seed := range []string{`{}`, `{"error":1}`, `{"\u0065rror":null}`, `[`, "\xff", `{"a":{"error":[]}}`, `{"error":1,"a":"\ud800"}`} {
		f.Add(200, []byte(seed))
		f.Add(502, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		v := invoker.ClassifyRun(status, body, int64(len(body)), limit)
		if !json.Valid(v.Response.Result) || !utf8.Valid(v.Response.Result) {
			t.Errorf("result %q is no JSON", v.Response.Result)
		}
		var members map[string]json.RawMessage
		_ = json.Unmarshal(v.Response.Result, &members)
		if _, has := members["error"]; has == (v.Response.Status == entity.Success) {
			t.Errorf("%q counts as %s", v.Response.Result, v.Response.Status)
		}
	})
}

func BenchmarkClassifyRun(b *testing.B) {
	body := []byte(`{"greeting":"` + strings.Repeat("hello ", 100) + `"}`)
	b.ReportAllocs()
	for b.Loop() {
		invoker.ClassifyRun(200, body, int64(len(body)), limit)
	}
}
