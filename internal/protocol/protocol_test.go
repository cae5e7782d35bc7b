package protocol_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gowhisk/gowhisk/internal/protocol"
)

func TestAnswerLineIsRead(t *testing.T) {
	for _, tc := range []struct {
		name, line string
		want       protocol.Answer
	}{
		{"plain", `{"a":1}`, protocol.Answer{Status: 200, Body: []byte(`{"a":1}`)}},
		{"array", `[1]`, protocol.Answer{Status: 200, Body: []byte(`[1]`)}},
		{"carriage return of a text mode writer", "{}\r", protocol.Answer{Status: 200, Body: []byte(`{}`)}},
		{"status", `!502 {"error":"x"}`, protocol.Answer{Status: 502, Body: []byte(`{"error":"x"}`)}},
		{"id", `@0af {"a":1}`, protocol.Answer{ID: "0af", Status: 200, Body: []byte(`{"a":1}`)}},
		{"id and status", `@0af !403 {}`, protocol.Answer{ID: "0af", Status: 403, Body: []byte(`{}`)}},
		{"frame", `@0af >2 "x"`, protocol.Answer{ID: "0af", Status: 200, Stream: protocol.Stderr, Body: []byte(`"x"`)}},
		{"garbage is a body", `hello`, protocol.Answer{Status: 200, Body: []byte(`hello`)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := protocol.ParseAnswer([]byte(tc.line))
			if err != nil {
				t.Fatal(err)
			}
			if got.ID != tc.want.ID || got.Status != tc.want.Status || got.Stream != tc.want.Stream || !bytes.Equal(got.Body, tc.want.Body) {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestMalformedAnswerLineIsAnError(t *testing.T) {
	for _, line := range []string{"", "!", "!50 {}", "!5022 {}", "!999 {}", "!502", "!502 ", "@ {}", "@x",
		"@" + strings.Repeat("x", 65) + " {}", "@id !7x2 {}", "@id "} {
		if a, err := protocol.ParseAnswer([]byte(line)); !errors.Is(err, protocol.ErrMalformedAnswer) {
			t.Errorf("%q: got %+v, %v", line, a, err)
		}
	}
}

func TestRunLineKeepsThePayload(t *testing.T) {
	r := protocol.RunRequest{
		Value:     json.RawMessage("{\n\t\"a\": \"x\\ny\",\r\n \"n\": 12345678901234567890 }"),
		Namespace: "guest", ActionName: "/guest/hi", ActionVersion: "0.0.1", ActivationID: "id",
		TransactionID: "tid", Deadline: time.UnixMilli(1700000000123), APIKey: "u:p",
	}
	want := "{\"value\":{\t\"a\": \"x\\ny\", \"n\": 12345678901234567890 }," +
		`"namespace":"guest","action_name":"/guest/hi","action_version":"0.0.1","activation_id":"id",` +
		`"transaction_id":"tid","deadline":"1700000000123","api_key":"u:p"}`
	if got := string(r.Append(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	var back protocol.RunRequest
	if err := json.Unmarshal([]byte(want), &back); err != nil {
		t.Fatal(err)
	}
	if got := string(back.Append(nil)); got != want {
		t.Errorf("read back: got %s", got)
	}
}

func TestRunLineHasTheTrace(t *testing.T) {
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	r := protocol.RunRequest{Trace: protocol.ParseTrace(parent, "a=1")}
	var back protocol.RunRequest
	if err := json.Unmarshal(r.Append(nil), &back); err != nil || back.Trace != (protocol.Trace{Parent: parent, State: "a=1"}) {
		t.Errorf("%s is read as %+v, %v", r.Append(nil), back, err)
	}
}

func TestTraceIsTakenOnlyInTheFormOfW3C(t *testing.T) {
	const trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	for parent, good := range map[string]bool{
		"00-" + trace + "-" + span + "-01":                             true,
		"00-" + trace + "-" + span + "-00":                             true,
		"cc-" + trace + "-" + span + "-01-more":                        true, // of a later version
		"":                                                             false,
		"00-" + trace + "-" + span + "-01-more":                        false,
		"cc-" + trace + "-" + span + "-01more":                         false,
		"ff-" + trace + "-" + span + "-01":                             false,
		"00-" + strings.ToUpper(trace) + "-" + span + "-01":            false,
		"00-" + strings.Repeat("0", 32) + "-" + span + "-01":           false,
		"00-" + trace + "-" + strings.Repeat("0", 16) + "-01":          false,
		"00-" + trace + "_" + span + "-01":                             false,
		"00-" + trace + "-" + span:                                     false,
		"cc-" + trace + "-" + span + "-01-\n":                          false,
		"cc-" + trace + "-" + span + "-01-" + strings.Repeat("x", 500): false,
	} {
		if got := protocol.ParseTrace(parent, "a=1"); (got.Parent == parent && got.State == "a=1" && parent != "") != good || !good && got != (protocol.Trace{}) {
			t.Errorf("%q is read as %+v", parent, got)
		}
	}
	for _, state := range []string{strings.Repeat("x", 513), "a=\x00", "a=é"} {
		if got := protocol.ParseTrace("00-"+trace+"-"+span+"-01", state); got.Parent == "" || got.State != "" {
			t.Errorf("the state %q is read as %+v", state, got)
		}
	}
}

func TestRunLineWithoutValueHasEmptyArguments(t *testing.T) {
	got := (&protocol.RunRequest{}).Append(nil)
	if !strings.HasPrefix(string(got), `{"value":{},`) || !json.Valid(got) {
		t.Errorf("got %s", got)
	}
	if strings.Contains(string(got), "api_key") || strings.Contains(string(got), "deadline") {
		t.Errorf("absent members are present: %s", got)
	}
}

func TestRunLineDoesNotAllocateInAReusedBuffer(t *testing.T) {
	r := protocol.RunRequest{Value: json.RawMessage(`{"a":1}`), Namespace: "ns", Deadline: time.UnixMilli(1)}
	buf := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { buf = r.Append(buf[:0]) }); n != 0 {
		t.Errorf("got %v allocations", n)
	}
}

func TestInitLineRoundTrips(t *testing.T) {
	in := protocol.Init{Name: "/ns/a", Main: "main", Code: "a\n\"\\\u2028\x00é\U0001F600", Binary: true,
		Env: protocol.Env{"A": "b=c=d", "": "", "N": "1"}, Dir: "/action", Frames: true}
	line := in.Append(nil)
	if bytes.ContainsAny(line, "\n\r") {
		t.Fatalf("line break in %s", line)
	}
	got, ok := protocol.ParseInit(line)
	if !ok || got.Code != in.Code || got.Dir != in.Dir || !got.Frames || got.Env["A"] != "b=c=d" || !got.Binary || got.Main != "main" {
		t.Errorf("got %+v, %v", got, ok)
	}
	if _, ok := protocol.ParseInit([]byte(`{"value":{}}`)); ok {
		t.Error("a run line was taken for an init line")
	}
}

func TestInitEnvironmentIsStrings(t *testing.T) {
	var req protocol.InitRequest
	body := `{"value":{"code":"x","env":{"s":"a=b","e":"","n":1,"b":true,"o":{"x": [1]},"z":null},"dir":"/etc"}}`
	if err := json.Unmarshal([]byte(body), &req); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"s": "a=b", "e": "", "n": "1", "b": "true", "o": `{"x": [1]}`, "z": ""}
	for key, value := range want {
		if got, ok := req.Value.Env[key]; !ok || got != value {
			t.Errorf("%s: got %q, want %q", key, got, value)
		}
	}
	if req.Value.Dir != "" {
		t.Errorf("a request chose the directory %q", req.Value.Dir)
	}
}

func TestOnlyObjectsAndArraysAreResults(t *testing.T) {
	for text, want := range map[string]bool{`{}`: true, ` [1, {}]`: true, `null`: false, `"x"`: false, `1`: false,
		`{`: false, `{}{}`: false, `{"a":NaN}`: false, ``: false, strings.Repeat("[", 100000) + strings.Repeat("]", 100000): false} {
		if got := protocol.IsResult([]byte(text)); got != want {
			t.Errorf("%.20q: got %v", text, got)
		}
	}
}

func TestFailureIsAnErrorObject(t *testing.T) {
	f := &protocol.Failure{Status: 403, Message: "no \"code\"\n"}
	if got, want := string(f.Answer().Append(nil)), `!403 {"error":"no \"code\"\n"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzAnswerLineRoundTrips(f *testing.F) {
	for _, s := range []string{`{}`, `!502 {"error":1}`, `@id !200 []`, `@id >1 "x"`, "@@ !", "\r"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		a, err := protocol.ParseAnswer(line)
		if err != nil {
			return
		}
		again, err := protocol.ParseAnswer(a.Append(nil))
		if bytes.ContainsAny(a.Body, "\r\n") {
			return // not a line
		}
		if a.Status != 200 && err != nil || err == nil && a.ID != "" && again.ID != a.ID {
			t.Fatalf("%q: %+v then %+v, %v", line, a, again, err)
		}
	})
}

func FuzzStringsAreValidJSON(f *testing.F) {
	for _, s := range []string{"", "a\"\\\n\r\t\x00\x1f\x7f", "\xff\xc0\xaf", "é\u2028\U0001F600", "\xed\xa0\x80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		enc := protocol.AppendString(nil, s)
		var back string
		if err := json.Unmarshal(enc, &back); err != nil {
			t.Fatalf("%q: %s: %v", s, enc, err)
		}
		if utf8.ValidString(s) && back != s || !utf8.Valid(enc) {
			t.Fatalf("%q became %q", s, back)
		}
	})
}

func BenchmarkRunLine(b *testing.B) {
	r := protocol.RunRequest{Value: json.RawMessage(`{"name":"world","n":12345}`), Namespace: "guest",
		ActionName: "/guest/hello", ActionVersion: "0.0.1", ActivationID: strings.Repeat("a", 32),
		TransactionID: strings.Repeat("b", 32), Deadline: time.UnixMilli(1700000000123)}
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = r.Append(buf[:0])
	}
}
