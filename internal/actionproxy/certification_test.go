package actionproxy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/runtimes"
)

// certified is what one family needs for the ten cases with which OpenWhisk certifies an image
// (BasicActionRunnerTests, 3.10.1).
type certified struct {
	family   string
	main     string // entry point of the samples; "main" if empty
	echo     string // returns its arguments, prints "hello stdout" and "hello stderr"
	niam     string // entry point niam returns {"niam":true}
	niamMain string
	unicode  string // returns {"winter": "❄ " + args.delimiter + " ☃"} and prints it
	env      string // returns the environment of runs, as envMembers
	atInit   string // returns {"seen": K at the time of loading, "empty": EMPTY}
	noObject string // returns text
	emptyOK  bool   // init without code succeeds
	noEmpty  bool   // the language takes an empty variable for none
}

const envMembers = `{"api_host":"http://api","namespace":"guest","action_name":"/guest/a","action_version":"0.0.1","activation_id":"a1","deadline":"1900000000000"}`

func certifications() []certified {
	return []certified{
		{
			family:   "nodejs",
			echo:     `function main(p) { console.log('hello stdout'); console.error('hello stderr'); return p; }`,
			niam:     `function niam() { return {niam: true}; }`,
			unicode:  `function main(p) { const winter = '❄ ' + p.delimiter + ' ☃'; console.log(winter); return {winter}; }`,
			env:      `function main() { const o = {}; for (const k of ['api_host', 'namespace', 'action_name', 'action_version', 'activation_id', 'deadline']) o[k] = process.env['__OW_' + k.toUpperCase()]; return o; }`,
			atInit:   `const seen = process.env.K, empty = process.env.EMPTY; function main() { return {seen, empty}; }`,
			noObject: `function main() { return 'text'; }`,
		},
		{
			family:   "python",
			echo:     "import sys\ndef main(a):\n  print('hello stdout')\n  print('hello stderr', file=sys.stderr)\n  return a",
			niam:     "def niam(a):\n  return {'niam': True}",
			unicode:  "def main(a):\n  w = '❄ ' + a['delimiter'] + ' ☃'\n  print(w)\n  return {'winter': w}",
			env:      "import os\ndef main(a):\n  return {k: os.environ['__OW_' + k.upper()] for k in ['api_host', 'namespace', 'action_name', 'action_version', 'activation_id', 'deadline']}",
			atInit:   "import os\ns, e = os.environ['K'], os.environ['EMPTY']\ndef main(a):\n  return {'seen': s, 'empty': e}",
			noObject: "def main(a):\n  return 'text'",
		},
		{
			family:   "php",
			echo:     "<?php function main(array $a) : array { echo \"hello stdout\\n\"; fwrite(STDERR, \"hello stderr\\n\"); return $a; }",
			niam:     "<?php function niam(array $a) : array { return ['niam' => true]; }",
			unicode:  "<?php function main(array $a) : array { $w = '❄ ' . $a['delimiter'] . ' ☃'; echo $w . \"\\n\"; return ['winter' => $w]; }",
			env:      "<?php function main(array $a) : array { $o = []; foreach (['api_host', 'namespace', 'action_name', 'action_version', 'activation_id', 'deadline'] as $k) $o[$k] = getenv('__OW_' . strtoupper($k)); return $o; }",
			atInit:   "<?php define('S', getenv('K')); define('E', getenv('EMPTY')); function main(array $a) : array { return ['seen' => S, 'empty' => E]; }",
			noObject: "<?php function main(array $a) { return 'text'; }",
		},
		{
			family:   "ruby",
			echo:     "def main(a)\n  puts 'hello stdout'\n  warn 'hello stderr'\n  a\nend",
			niam:     "def niam(a)\n  {'niam' => true}\nend",
			unicode:  "def main(a)\n  w = \"❄ #{a['delimiter']} ☃\"\n  puts w\n  {'winter' => w}\nend",
			env:      "def main(a)\n  %w[api_host namespace action_name action_version activation_id deadline].map { |k| [k, ENV['__OW_' + k.upcase]] }.to_h\nend",
			atInit:   "S, E = ENV['K'], ENV['EMPTY']\ndef main(a)\n  {'seen' => S, 'empty' => E}\nend",
			noObject: "def main(a)\n  'text'\nend",
		},
		{
			family:   "go",
			echo:     "package main\nimport (\"fmt\"; \"os\")\nfunc Main(a map[string]any) map[string]any { fmt.Println(\"hello stdout\"); fmt.Fprintln(os.Stderr, \"hello stderr\"); return a }",
			niam:     "package main\nfunc Niam(a map[string]interface{}) map[string]interface{} { return map[string]interface{}{\"niam\": true} }",
			unicode:  "package main\nimport \"fmt\"\nfunc Main(a map[string]any) map[string]any { w := \"❄ \" + a[\"delimiter\"].(string) + \" ☃\"; fmt.Println(w); return map[string]any{\"winter\": w} }",
			env:      "package main\nimport (\"os\"; \"strings\")\nfunc Main() map[string]any { o := map[string]any{}; for _, k := range []string{\"api_host\", \"namespace\", \"action_name\", \"action_version\", \"activation_id\", \"deadline\"} { o[k] = os.Getenv(\"__OW_\" + strings.ToUpper(k)) }; return o }",
			atInit:   "package main\nimport \"os\"\nvar s, e = os.Getenv(\"K\"), os.Getenv(\"EMPTY\")\nfunc Main(a map[string]any) map[string]any { return map[string]any{\"seen\": s, \"empty\": e} }",
			noObject: "package main\nfunc Main(a any) any { return \"text\" }",
		},
		{
			family: "java", main: "A", niamMain: "A#niam",
			echo:     `import com.google.gson.*; public class A { public static JsonObject main(JsonObject a) { System.out.println("hello stdout"); System.err.println("hello stderr"); return a; } }`,
			niam:     `import com.google.gson.*; public class A { public static JsonObject niam(JsonObject a) { JsonObject o = new JsonObject(); o.addProperty("niam", true); return o; } }`,
			unicode:  `import com.google.gson.*; public class A { public static JsonObject main(JsonObject a) { String w = "❄ " + a.get("delimiter").getAsString() + " ☃"; System.out.println(w); JsonObject o = new JsonObject(); o.addProperty("winter", w); return o; } }`,
			env:      `import com.google.gson.*; public class A { public static JsonObject main(JsonObject a) { JsonObject o = new JsonObject(); for (String k : "api_host namespace action_name action_version activation_id deadline".split(" ")) o.addProperty(k, System.getenv("__OW_" + k.toUpperCase())); return o; } }`,
			atInit:   `import com.google.gson.*; public class A { static final String S = System.getenv("K"), E = System.getenv("EMPTY"); public static JsonObject main(JsonObject a) { JsonObject o = new JsonObject(); o.addProperty("seen", S); o.addProperty("empty", E); return o; } }`,
			noObject: `import com.google.gson.*; public class A { public static Object main(JsonObject a) { return "text"; } }`,
		},
		rust(),
		swift(),
		dotnet(),
		skeleton("bash"), skeleton("blackbox"),
	}
}

// rust is with what OpenWhisk's runtime gives an action: serde_json.
func rust() certified {
	const head = "extern crate serde_json;\nuse serde_json::{json, Error, Value};\n"
	return certified{
		family:   "rust",
		echo:     head + `pub fn main(args: Value) -> Result<Value, Error> { println!("hello stdout"); eprintln!("hello stderr"); let _ = json!(null); Ok(args) }`,
		niam:     head + `pub fn niam(_: Value) -> Result<Value, Error> { Ok(json!({"niam": true})) }`,
		unicode:  head + `pub fn main(args: Value) -> Result<Value, Error> { let w = format!("❄ {} ☃", args["delimiter"].as_str().unwrap()); println!("{}", w); Ok(json!({"winter": w})) }`,
		env:      head + `pub fn main(_: Value) -> Result<Value, Error> { let mut o = serde_json::Map::new(); for k in "api_host namespace action_name action_version activation_id deadline".split(' ') { o.insert(k.to_string(), json!(std::env::var(format!("__OW_{}", k.to_uppercase())).ok())); } Ok(Value::Object(o)) }`,
		atInit:   head + `pub fn main(_: Value) -> Result<Value, Error> { Ok(json!({"seen": std::env::var("K").ok(), "empty": std::env::var("EMPTY").ok()})) }`,
		noObject: head + `pub fn main(_: Value) -> Result<Value, Error> { Ok(json!("text")) }`,
	}
}

func swift() certified {
	const head = "import Foundation\n"
	return certified{
		family:   "swift",
		echo:     head + `func main(args: Any) -> Any { print("hello stdout"); FileHandle.standardError.write("hello stderr\n".data(using: .utf8)!); return args }`,
		niam:     head + `func niam(args: [String:Any]) -> [String:Any] { return ["niam": true] }`,
		unicode:  head + `func main(args: [String:Any]) -> [String:Any] { let w = "❄ " + (args["delimiter"] as! String) + " ☃"; print(w); return ["winter": w] }`,
		env:      head + `func main(args: [String:Any]) -> [String:Any] { var o = [String:Any](); for k in ["api_host", "namespace", "action_name", "action_version", "activation_id", "deadline"] { o[k] = ProcessInfo.processInfo.environment["__OW_" + k.uppercased()] ?? "" }; return o }`,
		atInit:   head + `func main(args: [String:Any]) -> [String:Any] { let e = ProcessInfo.processInfo.environment; return ["seen": e["K"] ?? "unset", "empty": e["EMPTY"] ?? "unset"] }`,
		noObject: head + `func main(args: Any) -> Any { return "text" }`,
	}
}

// dotnet is with what OpenWhisk's runtime gives an action: Newtonsoft.Json.
func dotnet() certified {
	const open, end = "using System; using Newtonsoft.Json.Linq;\nnamespace Whisk.Tests { public class Hello { ", " } }"
	return certified{
		family: "dotnet", noEmpty: true, main: "A::Whisk.Tests.Hello::Main", niamMain: "A::Whisk.Tests.Hello::Niam",
		echo:     open + `public JObject Main(JObject a) { Console.WriteLine("hello stdout"); Console.Error.WriteLine("hello stderr"); return a; }` + end,
		niam:     open + `public static JObject Niam(JObject a) { return new JObject { { "niam", true } }; }` + end,
		unicode:  open + `public JObject Main(JObject a) { string w = "❄ " + a["delimiter"] + " ☃"; Console.WriteLine(w); return new JObject { { "winter", w } }; }` + end,
		env:      open + `public JObject Main(JObject a) { var o = new JObject(); foreach (string k in "api_host namespace action_name action_version activation_id deadline".Split(' ')) o[k] = Environment.GetEnvironmentVariable("__OW_" + k.ToUpper()); return o; }` + end,
		atInit:   open + `static string s = Environment.GetEnvironmentVariable("K"), e = Environment.GetEnvironmentVariable("EMPTY"); public JObject Main(JObject a) { return new JObject { { "seen", s }, { "empty", e } }; }` + end,
		noObject: open + `public object Main(JObject a) { return "text"; }` + end,
	}
}

// skeleton is bash, with or without its first line.
func skeleton(family string) certified {
	const first = "#!/bin/bash\n"
	return certified{
		family: family, emptyOK: family == "blackbox",
		echo:     first + "echo hello stdout\necho hello stderr >&2\ncat",
		niam:     first + `echo '{"niam":true}'`,
		unicode:  first + `read -r a; d=${a#*:\"}; w="❄ ${d%\"*} ☃"; echo "$w"; echo "{\"winter\":\"$w\"}"`,
		env:      first + `echo "{\"api_host\":\"$__OW_API_HOST\",\"namespace\":\"$__OW_NAMESPACE\",\"action_name\":\"$__OW_ACTION_NAME\",\"action_version\":\"$__OW_ACTION_VERSION\",\"activation_id\":\"$__OW_ACTIVATION_ID\",\"deadline\":\"$__OW_DEADLINE\"}"`,
		atInit:   first + `echo "{\"seen\":\"$K\",\"empty\":\"${EMPTY-unset}\"}"`,
		noObject: first + `echo text`,
	}
}

// initOf is the init of a sample; Java's is compiled first.
func (f certified) initOf(t *testing.T, code, main string) protocol.Init {
	if main == "" {
		main = f.main
	}
	if main == "" {
		main = "main"
	}
	if f.family == "java" && code != "" {
		return protocol.Init{Name: "a", Main: main, Code: jar(t, code), Binary: true}
	}
	if f.family == "dotnet" && code != "" {
		return protocol.Init{Name: "a", Main: main, Code: assembly(t, code), Binary: true}
	}
	return protocol.Init{Name: "a", Main: main, Code: code}
}

// assembly compiles A.dll.
func assembly(t *testing.T, source string) string {
	t.Helper()
	h := host(t, "dotnet")
	dir, root := t.TempDir(), filepath.Dir(h.Path)
	if err := os.WriteFile(filepath.Join(dir, "A.cs"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	compilers, err := filepath.Glob(filepath.Join(root, "sdk", "*", "Roslyn", "bincore", "csc.dll"))
	if err != nil || len(compilers) == 0 {
		t.Fatal("no compiler", err)
	}
	args := []string{compilers[0], "-nologo", "-t:library", "-out:" + filepath.Join(dir, "A.dll"), "-r:" + h.ClassPath[0]}
	libraries, err := filepath.Glob(filepath.Join(root, "shared", "Microsoft.NETCore.App", h.Version, "[Sn]*.dll"))
	if err != nil {
		t.Fatal(err)
	}
	for _, library := range libraries {
		args = append(args, "-r:"+library)
	}
	cmd := exec.Command(h.Path, append(args, filepath.Join(dir, "A.cs"))...)
	cmd.Env = append(h.Environ(), "PATH=/usr/bin:/bin", "HOME="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("csc: %v\n%s", err, out)
	}
	dll, err := os.ReadFile(filepath.Join(dir, "A.dll"))
	if err != nil {
		t.Fatal(err)
	}
	return zipped(t, map[string]string{"A.dll": string(dll)})
}

// jar compiles a class A.
func jar(t *testing.T, source string) string {
	t.Helper()
	h := host(t, "java")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "A.java"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(filepath.Dir(h.Path), "javac"), "-encoding", "UTF-8", "-cp", h.ClassPath[0], "A.java")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("javac: %v\n%s", err, out)
	}
	class, err := os.ReadFile(filepath.Join(dir, "A.class"))
	if err != nil {
		t.Fatal(err)
	}
	return zipped(t, map[string]string{"A.class": string(class)})
}

func TestEveryKindIsCertified(t *testing.T) {
	for _, f := range certifications() {
		t.Run(f.family, func(t *testing.T) {
			t.Parallel()
			certify(t, f)
		})
	}
}

// Other versions than the one that the family's test takes, where they are here.
func TestEveryVersionIsCertified(t *testing.T) {
	for _, f := range certifications() {
		if f.family != "nodejs" && f.family != "python" {
			continue
		}
		all, err := hosts()
		if err != nil {
			t.Fatal(err)
		}
		standard := host(t, f.family).Kind
		for _, h := range all {
			if h.Family.Name != f.family || h.Kind == standard || !h.Usable() {
				continue
			}
			t.Run(h.Kind, func(t *testing.T) {
				t.Parallel()
				f := f
				f.family = h.Kind
				certify(t, f)
			})
		}
	}
}

// certify runs the ten cases.
func certify(t *testing.T, f certified) {
	for _, tc := range []struct {
		name string
		test func(*testing.T, certified)
	}{
		{"init without code", certifyNoCode},
		{"init without content, then a good one", certifyNoContent},
		{"result that is no object", certifyNoObject},
		{"second init is refused", certifySecondInit},
		{"entry point that is not main", certifyNiam},
		{"arguments are echoed and both streams printed", certifyEcho},
		{"unicode", certifyUnicode},
		{"environment before initialization", certifyEnvAtInit},
		{"environment of a run", certifyEnv},
		{"large input", certifyLarge},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.test(t, f) })
	}
}

func certifyNoCode(t *testing.T, f certified) {
	c := serveKind(t, f.family, nil)
	status, body := c.init(f.initOf(t, "", ""))
	if (status == 200) != f.emptyOK {
		t.Errorf("got %d %s", status, body)
	}
}

func certifyNoContent(t *testing.T, f certified) {
	c := serveKind(t, f.family, nil)
	if status, body := c.post("/init", `{}`); status == 200 || !strings.Contains(body, `"error"`) {
		t.Errorf("got %d %s", status, body)
	}
	c.mustInit(f.initOf(t, f.echo, ""))
}

func certifyNoObject(t *testing.T, f certified) {
	c := serveKind(t, f.family, nil)
	c.mustInit(f.initOf(t, f.noObject, ""))
	status, body := c.run(`{}`)
	if status != 502 || !strings.Contains(body, "The action did not return a dictionary") {
		t.Errorf("got %d %s", status, body)
	}
}

func certifySecondInit(t *testing.T, f certified) {
	c := serveKind(t, f.family, nil)
	in := f.initOf(t, f.echo, "")
	c.mustInit(in)
	if status, body := c.init(in); status == 200 || body != `{"error":"Cannot initialize the action more than once."}` {
		t.Errorf("got %d %s", status, body)
	}
	if out, err := c.logs(); !strings.Contains(out+err, "Cannot initialize the action more than once.") {
		t.Errorf("not logged: %q %q", out, err)
	}
}

func certifyNiam(t *testing.T, f certified) {
	main := f.niamMain
	if main == "" {
		main = "niam"
	}
	c := serveKind(t, f.family, nil)
	c.mustInit(f.initOf(t, f.niam, main))
	c.wantRun(`{}`, 200, `{"niam":true}`)
}

func certifyEcho(t *testing.T, f certified) {
	c := serveKind(t, f.family, nil)
	c.mustInit(f.initOf(t, f.echo, ""))
	for _, value := range []string{`{}`, `{"string":"hello"}`, `{"numbers":[42,1]}`, `{"object":{"a":"A"}}`, `{"b":true,"n":null}`} {
		c.wantRun(value, 200, value)
	}
	out, err := c.logs()
	if want := strings.Repeat("hello stdout\n"+protocol.LogSentinel+"\n", 5); out != want {
		t.Errorf("stdout: %q", out)
	}
	if want := strings.Repeat("hello stderr\n"+protocol.LogSentinel+"\n", 5); err != want {
		t.Errorf("stderr: %q", err)
	}
}

func certifyUnicode(t *testing.T, f certified) {
	c := serveKind(t, f.family, nil)
	c.mustInit(f.initOf(t, f.unicode, ""))
	c.wantRun(`{"delimiter":"❄"}`, 200, `{"winter":"❄ ❄ ☃"}`)
	if out, _ := c.logs(); !strings.HasPrefix(out, "❄ ❄ ☃\n") {
		t.Errorf("stdout: %q", out)
	}
}

func certifyEnvAtInit(t *testing.T, f certified) {
	c := serveKind(t, f.family, nil)
	in := f.initOf(t, f.atInit, "")
	in.Env = protocol.Env{"K": "a=b", "EMPTY": ""}
	c.mustInit(in)
	want := `{"seen":"a=b","empty":""}`
	if f.noEmpty {
		want = `{"seen":"a=b","empty":null}`
	}
	c.wantRun(`{}`, 200, want)
}

func certifyEnv(t *testing.T, f certified) {
	c := serveKind(t, f.family, nil)
	c.mustInit(f.initOf(t, f.env, ""))
	c.wantRun(`{}`, 200, envMembers)
}

func certifyLarge(t *testing.T, f certified) {
	c := serveKind(t, f.family, nil)
	c.mustInit(f.initOf(t, f.echo, ""))
	value := `{"a":"` + strings.Repeat("a", 1048561) + `"}`
	c.wantRun(value, 200, value)
}

// sequences hand arrays on.
func TestArraysPassThroughEveryKind(t *testing.T) {
	for _, f := range certifications() {
		switch f.family {
		case "java":
			f.echo = strings.ReplaceAll(f.echo, "JsonObject", "JsonArray")
		case "dotnet":
			f.echo = strings.ReplaceAll(f.echo, "JObject", "JArray")
		case "go":
			f.echo = strings.ReplaceAll(f.echo, "map[string]any", "[]any")
		}
		t.Run(f.family, func(t *testing.T) {
			t.Parallel()
			c := serveKind(t, f.family, nil)
			c.mustInit(f.initOf(t, f.echo, ""))
			c.wantRun(`["a",{"b":1}]`, 200, `["a",{"b":1}]`)
		})
	}
}

func TestGoEntryPointForms(t *testing.T) {
	for _, tc := range []struct{ name, signature, body, value, want string }{
		{"context and arguments", "func Main(ctx context.Context, a map[string]any) map[string]any", `_, ok := ctx.Deadline(); return map[string]any{"d": ok}`, `{}`, `{"d":true}`},
		{"error", "func Main(a map[string]any) (map[string]any, error)", `return nil, ctxErr`, `{}`, `{"error":"context canceled"}`},
		{"own types", "func Main(a struct{ N int }) struct{ Twice int }", `return struct{ Twice int }{2 * a.N}`, `{"n":21}`, `{"Twice":42}`},
		{"arguments that do not fit", "func Main(a []any) any", `return a`, `{}`, `{"error":"json: cannot unmarshal object into Go value of type []interface {}"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := serveKind(t, "go", nil)
			c.mustInit(protocol.Init{Main: "main", Code: "package main\nimport \"context\"\nvar ctxErr = context.Canceled\n" + tc.signature + " { " + tc.body + " }"})
			c.wantRun(tc.value, 200, tc.want)
		})
	}
}

func TestGoSourceThatDoesNotCompile(t *testing.T) {
	c := serveKind(t, "go", nil)
	status, body := c.init(protocol.Init{Main: "main", Code: "package main\nfunc Main(a map[string]any) map[string]any { return b }"})
	if status != 502 || body != `{"error":"The action failed to generate or locate a binary. See logs for details."}` {
		t.Errorf("got %d %s", status, body)
	}
	if _, err := c.logs(); !strings.Contains(err, "main.go:2:") || !strings.Contains(err, "undefined: b") {
		t.Errorf("logs: %q", err)
	}
	c.mustInit(protocol.Init{Main: "main", Code: "package main\nfunc Main(a map[string]any) map[string]any { return a }"})
	c.wantRun(`{"a":1}`, 200, `{"a":1}`)
}

func TestGoArchiveOfSource(t *testing.T) {
	c := serveKind(t, "go", nil)
	c.mustInit(protocol.Init{Main: "hello", Binary: true, Code: zipped(t, map[string]string{
		"go.mod": "module example.com/action\n\ngo 1.20\n", "hello.go": "package main\nimport \"example.com/action/sub\"\nfunc Hello(a map[string]any) map[string]any { return sub.F() }",
		"sub/sub.go": "package sub\nfunc F() map[string]any { return map[string]any{\"sub\": 1} }"})})
	c.wantRun(`{}`, 200, `{"sub":1}`)
}

func TestGoPanicEndsTheAction(t *testing.T) {
	c := serveKind(t, "go", nil)
	c.mustInit(protocol.Init{Main: "main", Code: "package main\nfunc Main(a map[string]any) map[string]any { panic(\"boom\") }"})
	c.wantRun(`{}`, 400, `{"error":"command exited"}`)
	if _, err := c.logs(); !strings.Contains(err, "boom") {
		t.Errorf("logs: %q", err)
	}
}

func TestGoWrapperIsTheOneOfThePackage(t *testing.T) {
	if _, err := runtimes.FS.ReadFile("go/wrapper.go.txt"); err != nil {
		t.Fatal(err)
	}
}
