package local_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
)

// strange is what an action writes as its answer, byte by byte, and what its
// activation has to say. The programs are ActionLoop binaries in spirit: they
// write to the answer pipe themselves.
type strange struct {
	name, python string // an expression of bytes
	status       entity.Status
	want         string // the result, or its beginning if it ends with …
}

// rawAnswers are written instead of an answer, by one write and a line feed.
func rawAnswers() []strange {
	const bad = `{"error":"The action did not produce a valid JSON or JSON Array response`
	const gone = `{"error":"The action did not produce a valid response and exited unexpectedly."}`
	ok, app, dev := entity.Success, entity.ApplicationError, entity.DeveloperError
	return []strange{
		{"an object", `b'{"a":1}'`, ok, `{"a":1}`},
		{"an array", `b'[1,2]'`, ok, `[1,2]`},
		{"an empty object", `b'{}'`, ok, `{}`},
		{"an empty array", `b'[]'`, ok, `[]`},
		{"spaces around", `b'  {"a": 1}  '`, ok, `  {"a": 1}  `},
		{"a carriage return", `b'{"a":1}\r'`, ok, `{"a":1}`},
		{"an empty line", `b''`, dev, gone},
		{"a number", `b'42'`, dev, bad + `: 42"}`},
		{"a string", `b'"x"'`, dev, bad + `: \"x\""}`},
		{"true", `b'true'`, dev, bad + `: true"}`},
		{"null", `b'null'`, dev, bad + `: null"}`},
		{"NaN", `b'NaN'`, dev, bad + `: NaN"}`},
		{"NaN in an object", `b'{"a":NaN}'`, dev, bad + `: {\"a\":NaN}"}`},
		{"Infinity in an object", `b'{"a":Infinity}'`, dev, bad + `: {\"a\":Infinity}"}`},
		{"minus infinity", `b'{"a":-Infinity}'`, dev, bad + `…`},
		{"half an object", `b'{"a":'`, dev, bad + `: {\"a\":"}`},
		{"two objects", `b'{"a":1}{"b":2}'`, dev, bad + `…`},
		{"an object and text", `b'{"a":1} done'`, dev, bad + `…`},
		{"text", `b'hello'`, dev, bad + `: hello"}`},
		{"a trailing comma", `b'{"a":1,}'`, dev, bad + `…`},
		{"single quotes", `b"{'a':1}"`, dev, bad + `…`},
		{"a comment", `b'{"a":1 /* x */}'`, dev, bad + `…`},
		{"a hexadecimal number", `b'{"a":0x10}'`, dev, bad + `…`},
		{"a leading zero", `b'{"a":01}'`, dev, bad + `…`},
		{"a leading plus", `b'{"a":+1}'`, dev, bad + `…`},
		{"a raw tab in a string", `b'{"a":"\t"}'`, dev, bad + `…`},
		{"a raw zero in a string", `b'{"a":"\0"}'`, dev, bad + `…`},
		{"a byte order mark", `b'\xef\xbb\xbf{"a":1}'`, dev, bad + `…`},
		{"duplicate keys", `b'{"a":1,"a":2}'`, ok, `{"a":1,"a":2}`},
		{"a duplicate error", `b'{"error":1,"error":2}'`, app, `{"error":1,"error":2}`},
		{"an error", `b'{"error":"no"}'`, app, `{"error":"no"}`},
		{"an error that is null", `b'{"error":null}'`, app, `{"error":null}`},
		{"an error deeper down", `b'{"a":{"error":1}}'`, ok, `{"a":{"error":1}}`},
		{"an error in an array", `b'[{"error":1}]'`, ok, `[{"error":1}]`},
		{"an escaped error", `b'{"\\u0065rror":1}'`, app, `{"\u0065rror":1}`},
		{"an empty key", `b'{"":1}'`, ok, `{"":1}`},
		{"bad UTF-8", `b'{"a":"\xff\xfe"}'`, ok, "{\"a\":\"\ufffd\"}"},
		{"a cut UTF-8 sequence", `b'{"a":"\xe2\x82"}'`, ok, "{\"a\":\"\ufffd\"}"},
		{"an overlong encoding", `b'{"a":"\xc0\xaf"}'`, ok, "{\"a\":\"\ufffd\"}"},
		{"a surrogate in UTF-8", `b'{"a":"\xed\xa0\x80"}'`, ok, "{\"a\":\"\ufffd\"}"},
		{"a lone surrogate", `b'{"a":"\\ud800"}'`, ok, `{"a":"\ud800"}`},
		{"surrogates in the wrong order", `b'{"a":"\\udc00\\ud800"}'`, ok, `{"a":"\udc00\ud800"}`},
		{"a noncharacter", `'{"a":"\ufffe"}'.encode()`, ok, "{\"a\":\"\ufffe\"}"},
		{"an emoji", `'{"a":"\U0001f600"}'.encode()`, ok, "{\"a\":\"\U0001f600\"}"},
		{"a huge number", `b'{"a":1e999}'`, ok, `{"a":1e999}`},
		{"a long number", `b'{"a":' + b'9' * 1000 + b'}'`, ok, `{"a":` + strings.Repeat("9", 1000) + `}`},
		{"a large integer", `b'{"a":9007199254740993}'`, ok, `{"a":9007199254740993}`},
		{"minus zero", `b'{"a":-0}'`, ok, `{"a":-0}`},
		{"a key of 100 kB", `b'{"' + b'k' * 100000 + b'":1}'`, ok, `{"kkk…`},
		{"90,000 keys", `b'{' + b','.join(b'"%d":1' % i for i in range(90000)) + b'}'`, ok, `{"0":1,"1":1,…`},
		{"nested 1,000 deep", `b'{"a":' * 1000 + b'1' + b'}' * 1000`, ok, `{"a":{"a":…`},
		{"nested 100,000 deep", `b'[' * 100000 + b']' * 100000`, dev, bad + `…`},
		{"nested and never closed", `b'[' * 500000`, dev, bad + `…`},
		{"1 MB", `b'{"a":"' + b'x' * (1048576 - 8) + b'"}'`, ok, `{"a":"xxx…`},
		{"1 MB less a byte", `b'{"a":"' + b'x' * (1048576 - 9) + b'"}'`, ok, `{"a":"xxx…`},
		{"1 MB and a byte", `b'{"a":"' + b'x' * (1048576 - 7) + b'"}'`, app, `{"error":"The action produced a response that exceeded the allowed length: 1048577 > 1048576 bytes. The truncated response was: {\"a\":\"xxx…`},
		{"20 MB", `b'{"a":"' + b'x' * 20000000 + b'"}'`, app, `{"error":"The action produced a response that exceeded the allowed length: 20000008 > 1048576 bytes.…`},
		{"20 MB of zeros", `b'\0' * 20000000`, app, `{"error":"The action produced a response that exceeded the allowed length: 20000000 > 1048576 bytes.…`},
		{"a status of failure", `b'!502 {"error":"x"}'`, dev, `{"error":"x"}`},
		{"a status without text", `b'!502 '`, dev, gone},
		{"a status of four digits", `b'!5020 {}'`, dev, gone},
		{"a status of letters", `b'!abc {}'`, dev, gone},
		{"markup", `b'{"a":"<script>alert(1)</script>"}'`, ok, `{"a":"<script>alert(1)</script>"}`},
		{"terminal escapes", `b'{"a":"\\u001b[2J"}'`, ok, `{"a":"\u001b[2J"}`},
		{"line separators", `'{"a":"\u2028\u2029"}'.encode()`, ok, "{\"a\":\"\u2028\u2029\"}"},
	}
}

// damaged are answers that differ from a good one by a byte that is missing,
// another one, or all that follows, as encoding/json judges them.
func damaged() (all []string) {
	const good = `{"a":[1,-2.5e3,"x\u00e9\n",true,false,null,{"b":{}}],"c":"d e"}`
	seen := map[string]bool{good: true}
	for i := range len(good) {
		for _, text := range []string{good[:i], good[:i] + good[i+1:], good[:i] + `"` + good[i+1:], good[:i] + `}` + good[i+1:], good[:i] + `0` + good[i+1:]} {
			if text != "" && !seen[text] {
				seen[text] = true
				all = append(all, text)
			}
		}
	}
	return all
}

func TestADamagedAnswerIsToldExactly(t *testing.T) {
	kind := usableKind(t, "python")
	p := newPool(t, containerpool.Options{})
	const code = "import os\ndef main(a):\n  os.write(3, a['answer'].encode() + b'\\n')\n  os._exit(0)"
	all := damaged()
	var busy sync.WaitGroup
	for of := range 4 {
		busy.Go(func() {
			for i := of; i < len(all); i += 4 {
				msg := message(kind, code, string(quoted(t, map[string]string{"answer": all[i]})))
				msg.Action.Revision = uint64(i + 1) // a container that ends is nobody else's
				wantDamaged(t, p, msg, all[i])
			}
		})
	}
	busy.Wait()
	t.Logf("%d answers", len(all))
}

// wantDamaged wants a text that is JSON to be the result, and another to be
// named in the error.
func wantDamaged(t *testing.T, p *containerpool.Pool, msg *invoker.Message, text string) {
	r, err := p.Invoke(t.Context(), msg)
	if err != nil {
		t.Error(err)
		return
	}
	status, want := entity.Success, text
	if !json.Valid([]byte(text)) || text[0] != '{' {
		status, want = entity.DeveloperError, string(quoted(t, map[string]string{
			"error": "The action did not produce a valid JSON or JSON Array response: " + text,
		}))
	}
	if r.Response.Status != status || string(r.Response.Result) != want {
		t.Errorf("%s: got %v %s, want %v %s", text, r.Response.Status, r.Response.Result, status, want)
	}
}

func quoted(t *testing.T, v map[string]string) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		t.Error(err)
	}
	return text
}

// TestAHugeAnswerTakesLittleOfTheServer answers 100 MB, of which one is kept.
func TestAHugeAnswerTakesLittleOfTheServer(t *testing.T) {
	kind := usableKind(t, "python")
	p := newPool(t, containerpool.Options{})
	msg := message(kind, "import os\ndef main(a):\n  if a.get('warm'): return {}\n  for i in range(100):\n    x = b'x' * 1000000\n    while x: x = x[os.write(3, x):]\n  os.write(3, b'\\n')\n  os._exit(0)", `{"warm":true}`)
	run(t, p, msg)
	msg.Args = json.RawMessage("{}")
	grown := peakOf(t, func() {
		r := run(t, p, msg)
		const want = `{"error":"The action produced a response that exceeded the allowed length: 100000000 > 1048576 bytes.`
		if r.Response.Status != entity.ApplicationError || !strings.HasPrefix(string(r.Response.Result), want) {
			t.Errorf("%v %.300s", r.Response.Status, r.Response.Result)
		}
	})
	t.Logf("the server grew by %d kB", grown>>10)
	if grown > 20<<20 {
		t.Errorf("the server grew by %d MB", grown>>20)
	}
}

func TestAStrangeAnswerIsToldExactly(t *testing.T) {
	kind := usableKind(t, "python")
	p := newPool(t, containerpool.Options{})
	for i, s := range rawAnswers() {
		t.Run(s.name, func(t *testing.T) {
			code := "import os\ndef main(a):\n  x = " + s.python + " + b'\\n'\n  while x: x = x[os.write(3, x):]\n  os._exit(0)"
			wantAnswer(t, p, kind, code, uint64(i+1), s)
		})
	}
	t.Run("half an answer and then the end", func(t *testing.T) {
		wantAnswer(t, p, kind, "import os\ndef main(a):\n  os.write(3, b'{\"a\":')\n  os._exit(0)", 1000, strange{
			status: entity.DeveloperError, want: `{"error":"The action did not produce a valid response and exited unexpectedly."}`,
		})
	})
}

// TestAStrangeResultIsToldExactly returns what JSON has no text for.
func TestAStrangeResultIsToldExactly(t *testing.T) {
	const none = `{"error":"The action did not return a dictionary.…`
	cases := map[string][]strange{
		"nodejs": {
			{"undefined", `undefined`, entity.Success, `{}`},
			{"null", `null`, entity.DeveloperError, `{"error":"The action did not produce a valid JSON or JSON Array response: null"}`},
			{"NaN", `({a: NaN})`, entity.Success, `{"a":null}`},
			{"a function", `({a: () => 1})`, entity.Success, `{}`},
			{"itself", `(() => { const a = {}; a.a = a; return a })()`, entity.DeveloperError, `{"error":"An error has occurred: TypeError: Converting circular structure to JSON…`},
			{"a big integer", `({a: 10n})`, entity.DeveloperError, `{"error":"An error has occurred: TypeError: Do not know how to serialize a BigInt"}`},
			{"a lone surrogate", `({a: "\ud800"})`, entity.Success, `{"a":"\ud800"}`},
			{"a string", `"x"`, entity.DeveloperError, none},
			{"a date", `new Date(0)`, entity.DeveloperError, `{"error":"The action did not produce a valid JSON…`},
			{"a buffer", `({a: Buffer.from("x")})`, entity.Success, `{"a":{"type":"Buffer","data":[120]}}`},
			{"an object whose toJSON throws", `({toJSON() { throw new Error("no") }})`, entity.DeveloperError, `{"error":"An error has occurred: Error: no"}`},
		},
		"python": {
			{"None", `None`, entity.DeveloperError, `{"error":"The action did not return a dictionary or array."}`},
			{"NaN", `{"a": float("nan")}`, entity.DeveloperError, `{"error":"The action did not produce a valid JSON or JSON Array response: {\"a\": NaN}"}`},
			{"a set", `{"a": {1}}`, entity.ApplicationError, `{"error": "Object of type set is not JSON serializable"}`},
			{"bytes", `{"a": b"x"}`, entity.ApplicationError, `{"error": "Object of type bytes is not JSON serializable"}`},
			{"a lone surrogate", `{"a": "\ud800"}`, entity.Success, `{"a": "\ud800"}`},
			{"itself", `(lambda x: x.append(x) or x)([])`, entity.ApplicationError, `{"error": "Circular reference detected"}`},
			{"keys that are no text", `{1: 2, None: 3, True: 4}`, entity.Success, `{"1": 4, "null": 3}`},
			{"a huge integer", `{"a": 10 ** 400}`, entity.Success, `{"a": 1000…`},
			{"depth", `__import__("functools").reduce(lambda a, _: [a], range(100000), [])`, entity.ApplicationError, `{"error": "maximum recursion depth exceeded…`},
		},
	}
	p := newPool(t, containerpool.Options{})
	revision := uint64(1)
	for family, all := range cases {
		kind := usableKind(t, family)
		for _, s := range all {
			t.Run(fmt.Sprintf("%s returns %s", family, s.name), func(t *testing.T) {
				revision++
				code := "def main(a):\n  return " + s.python
				if family == "nodejs" {
					code = "function main() { return " + s.python + " }"
				}
				wantAnswer(t, p, kind, code, revision, s)
			})
		}
	}
}

func wantAnswer(t *testing.T, p *containerpool.Pool, kind, code string, revision uint64, s strange) {
	t.Helper()
	msg := message(kind, code, "{}")
	msg.Action.Revision = revision
	r := run(t, p, msg)
	got := string(r.Response.Result)
	same := got == s.want
	if beginning, cut := strings.CutSuffix(s.want, "…"); cut {
		same = strings.HasPrefix(got, beginning)
	}
	if r.Response.Status != s.status || !same {
		t.Errorf("%v %s %.300s (%s), want %v %.300s", r.Response.Status, r.Fault, got, r.Why, s.status, s.want)
	}
}
