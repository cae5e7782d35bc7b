package local_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gowhisk/gowhisk/internal/containerpool"
	"github.com/gowhisk/gowhisk/internal/entity"
	"github.com/gowhisk/gowhisk/internal/invoker"
	"github.com/gowhisk/gowhisk/internal/protocol/protocoltest"
	"github.com/gowhisk/gowhisk/runtimes"
)

// searchPath is where interpreters are looked for.
func searchPath(t testing.TB) string {
	t.Helper()
	path, err := protocoltest.Path(filepath.Join("..", "..", ".."), os.Getenv("PATH"))
	if err != nil {
		t.Fatal(err)
	}
	return path + ":/usr/local/go/bin"
}

// usableKind returns a kind of the family that this host runs, or skips. The host's own comes before
// what was fetched for tests, which may lack parts of its library.
func usableKind(t testing.TB, family string) string {
	t.Helper()
	missing := "no launcher"
	for _, path := range []string{os.Getenv("PATH"), searchPath(t)} {
		hosts, err := runtimes.Discover(t.Context(), runtimes.Search(path, ""))
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range hosts {
			if h.Family.Name == family && h.Usable() {
				return h.Kind
			}
			if h.Family.Name == family {
				missing = h.String()
			}
		}
	}
	t.Skipf("%s does not run on this host: %s", family, missing)
	return ""
}

// zipped makes the message one of an action in a zip of the files.
func zipped(t *testing.T, kind string, files ...[2]string) *invoker.Message {
	return binary(kind, string(zipOf(t, files...)))
}

func binary(kind, data string) *invoker.Message {
	msg := message(kind, base64.StdEncoding.EncodeToString([]byte(data)), `{"name":"Ada"}`)
	msg.Action.Exec.Binary = true
	return msg
}

func skeleton(msg *invoker.Message) *invoker.Message {
	msg.Action.Exec.Image = entity.SkeletonImage
	return msg
}

func TestEveryKindSaysHello(t *testing.T) {
	const goSource = `package main
func Main(args map[string]interface{}) map[string]interface{} {
	return map[string]interface{}{"greeting": "Hello, " + args["name"].(string)}
}`
	const shell = "#!/bin/bash\nread line\necho a log line\necho '{\"greeting\": \"Hello, Ada\"}'\n"
	cases := map[string]func(t *testing.T) *invoker.Message{
		"nodejs text": func(t *testing.T) *invoker.Message {
			return message(usableKind(t, "nodejs"), `exports.main = async p => ({greeting: "Hello, " + p.name})`, `{"name":"Ada"}`)
		},
		"nodejs zip": func(t *testing.T) *invoker.Message {
			return zipped(t, usableKind(t, "nodejs"), [2]string{"package.json", `{"main":"lib/x.js"}`},
				[2]string{"lib/x.js", `const d = require("dep"); exports.main = p => ({greeting: d + p.name})`},
				[2]string{"node_modules/dep/index.js", `module.exports = "Hello, "`})
		},
		"nodejs module": func(t *testing.T) *invoker.Message {
			return zipped(t, usableKind(t, "nodejs"), [2]string{"package.json", `{"main":"i.mjs","type":"module"}`},
				[2]string{"i.mjs", `import os from "node:os"; export function main(p) { return {greeting: "Hello, " + p.name} }`})
		},
		"python text": func(t *testing.T) *invoker.Message {
			return message(usableKind(t, "python"), "def main(p):\n  return {'greeting': 'Hello, ' + p['name']}", `{"name":"Ada"}`)
		},
		"python zip": func(t *testing.T) *invoker.Message {
			return zipped(t, usableKind(t, "python"), [2]string{"__main__.py", "from other import hello\ndef main(p):\n  return hello(p)"},
				[2]string{"other.py", "def hello(p):\n  return {'greeting': 'Hello, ' + p['name']}"})
		},
		"go source": func(t *testing.T) *invoker.Message {
			return message(usableKind(t, "go"), goSource, `{"name":"Ada"}`)
		},
		"go zip": func(t *testing.T) *invoker.Message {
			return zipped(t, usableKind(t, "go"), [2]string{"hello.go", goSource})
		},
		"php": func(t *testing.T) *invoker.Message {
			return message(usableKind(t, "php"), `<?php function main(array $a) : array { return ["greeting" => "Hello, " . $a["name"]]; }`, `{"name":"Ada"}`)
		},
		"ruby": func(t *testing.T) *invoker.Message {
			return message(usableKind(t, "ruby"), `def main(a) GC.start; { "greeting" => "Hello, " + a["name"] } end`, `{"name":"Ada"}`)
		},
		"rust source": func(t *testing.T) *invoker.Message {
			return message(usableKind(t, "rust"), `use serde_json::{json, Error, Value}; pub fn main(a: Value) -> Result<Value, Error> { Ok(json!({"greeting": format!("Hello, {}", a["name"].as_str().unwrap())})) }`, `{"name":"Ada"}`)
		},
		"rust crate": func(t *testing.T) *invoker.Message {
			return zipped(t, usableKind(t, "rust"), [2]string{"Cargo.toml", "[package]\nname = \"greeter\"\nversion = \"1.0.0\"\nedition = \"2018\"\n\n[dependencies]\nserde_json = \"1\"\n"},
				[2]string{"src/lib.rs", `mod hello; use serde_json::{Error, Value}; pub fn main(a: Value) -> Result<Value, Error> { Ok(hello::to(a)) }`},
				[2]string{"src/hello.rs", `use serde_json::{json, Value}; pub fn to(a: Value) -> Value { json!({"greeting": format!("Hello, {}", a["name"].as_str().unwrap())}) }`})
		},
		"bash": func(t *testing.T) *invoker.Message { return message(usableKind(t, "bash"), shell, `{"name":"Ada"}`) },
		"blackbox script": func(t *testing.T) *invoker.Message {
			return skeleton(message(entity.KindBlackbox, shell, `{"name":"Ada"}`))
		},
		"blackbox zip": func(t *testing.T) *invoker.Message {
			return skeleton(zipped(t, entity.KindBlackbox, [2]string{"exec", "#!/bin/sh\necho \"{\\\"greeting\\\": \\\"$(cat greeting), Ada\\\"}\"\n"}, [2]string{"greeting", "Hello"}))
		},
	}
	p := newPool(t, containerpool.Options{})
	revision := uint64(100)
	for name, make := range cases {
		t.Run(name, func(t *testing.T) {
			msg := make(t)
			revision++
			msg.Action.Revision, msg.Action.Exec.CodeID, msg.Action.Limits.Timeout = revision, "code-"+name, 3*time.Minute
			for _, want := range []invoker.Start{invoker.Cold, invoker.Warm} {
				r := run(t, p, msg)
				if r.Response.Status != entity.Success || !strings.Contains(string(r.Response.Result), "Hello, Ada") || r.Start != want {
					t.Errorf("%s start: %v %s %q %s", r.Start, r.Response.Status, r.Response.Result, r.Logs, r.Why)
				}
			}
		})
	}
}

func TestAnActionCanOpenItsStreamsByName(t *testing.T) {
	for _, tier := range tiers() {
		t.Run(string(tier), func(t *testing.T) {
			p := newPoolIn(t, tier, containerpool.Options{})
			msg := message(usableKind(t, "bash"), "#!/bin/bash\necho one > /proc/self/fd/1; echo two > /proc/self/fd/2; echo '{}'", "{}")
			r := run(t, p, msg)
			if logs := strings.Join(r.Logs, " "); r.Response.Status != entity.Success || !strings.Contains(logs, "one") || !strings.Contains(logs, "stderr: two") {
				t.Errorf("%s %q", r.Response.Result, r.Logs)
			}
		})
	}
}

func TestBlackboxWithoutCodeRunsTheStub(t *testing.T) {
	p := newPool(t, containerpool.Options{})
	r := run(t, p, skeleton(message(entity.KindBlackbox, "", `{}`)))
	if want := "This is a stub action. Replace it with custom logic."; !strings.Contains(string(r.Response.Result), want) {
		t.Errorf("result = %s, want %q", r.Response.Result, want)
	}
}

func TestAnActionCanRequireTheOpenWhiskClient(t *testing.T) {
	kind := usableKind(t, "nodejs")
	if _, err := runtimes.FS.ReadFile("nodejs/node_modules.tar.gz"); err != nil {
		t.Skip("gowhisk was built without npm")
	}
	p := newPool(t, containerpool.Options{APIHost: "http://127.0.0.1:9"})
	msg := message(kind, `const ow = require("openwhisk"); function main() { const c = ow({api_key: "a:b"}); return {type: typeof c.actions.invoke, host: c.actions.client.options.api} }`, `{}`)
	r := run(t, p, msg)
	if r.Response.Status != entity.Success || !strings.Contains(string(r.Response.Result), "function") || !strings.Contains(string(r.Response.Result), "127.0.0.1:9") {
		t.Errorf("result = %s %q", r.Response.Result, r.Logs)
	}
}

func TestAStemCellServesOneActionAndIsReplaced(t *testing.T) {
	kind := usableKind(t, "nodejs")
	p := newPool(t, containerpool.Options{StemCells: map[string]containerpool.StemCells{kind: {Min: 1, Max: 2}}})
	for revision := range uint64(3) {
		eventually(t, func() bool { return p.Stats().StemCells > 0 })
		msg := message(kind, `function main() { return {pid: process.pid} }`, `{}`)
		msg.Action.Revision = revision + 1
		if r := run(t, p, msg); r.Start != invoker.Prewarmed || r.Response.Status != entity.Success {
			t.Errorf("%s start: %s", r.Start, r.Response.Result)
		}
		if r := run(t, p, msg); r.Start != invoker.Warm {
			t.Errorf("second start is %s", r.Start)
		}
	}
}

func TestSeveralActivationsShareAContainerWhereTheLimitAllows(t *testing.T) {
	kind := usableKind(t, "nodejs")
	p := newPool(t, containerpool.Options{})
	msg := message(kind, `let n = 0, all = []; function main(p) { n++; return new Promise(done => { all.push(() => done({n})); if (n === 4) all.forEach(f => f()) }) }`, `{}`)
	msg.Action.Limits.Concurrency = 4
	results := make(chan invoker.Result, 4)
	for i := range 4 {
		m := *msg
		m.ID = entity.ActivationID(strings.Repeat(string(rune('a'+i)), 32))
		go func() {
			r, err := p.Invoke(context.Background(), &m)
			if err != nil {
				t.Error(err)
			}
			results <- r
		}()
	}
	for range 4 {
		if r := <-results; string(r.Response.Result) != `{"n":4}` {
			t.Errorf("result = %s %s", r.Response.Result, r.Why)
		}
	}
}

// eventually waits for a change that another goroutine makes, polling what
// can only be polled.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(20 * time.Second); !ok(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it did not happen in 20 s")
		}
	}
}

func zipOf(t *testing.T, files ...[2]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, file := range files {
		f, err := w.Create(file[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(file[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
