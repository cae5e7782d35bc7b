package actionproxy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/protocol"
)

func TestRustEntryPointForms(t *testing.T) {
	for _, tc := range []struct{ name, code, value, want string }{
		{
			"value, with serde's macros", `extern crate serde_json;
#[macro_use]
extern crate serde_derive;
use serde_json::{Error, Value};
#[derive(Deserialize)] struct A { name: String }
#[derive(Serialize)] struct B { greeting: String }
pub fn main(args: Value) -> Result<Value, Error> { let a: A = serde_json::from_value(args)?; serde_json::to_value(B { greeting: format!("Hello, {}", a.name) }) }`,
			`{"name":"Ada"}`, `{"greeting":"Hello, Ada"}`,
		},
		{
			"own types, error, arguments that do not fit", `use std::collections::BTreeMap;
pub fn main(args: BTreeMap<String, i64>) -> Result<Vec<i64>, String> { args.get("n").map(|n| vec![n * 2]).ok_or("no n".to_string()) }`,
			`{"n":21}`, `[42]`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := serveKind(t, "rust", nil)
			c.mustInit(protocol.Init{Main: "main", Code: tc.code})
			c.wantRun(tc.value, 200, tc.want)
			if tc.want == "[42]" {
				c.wantRun(`{}`, 200, `{"error":"no n"}`)
				c.wantRun(`{"n":"x"}`, 200, `{"error":"invalid type: string \"x\", expected i64"}`)
			}
		})
	}
}

func TestRustSourceThatDoesNotCompile(t *testing.T) {
	for _, tc := range []struct {
		name, log string
		init      protocol.Init
	}{
		{"mistake", "src/lib.rs:1:", protocol.Init{Main: "main", Code: "pub fn main(a: u8) -> { b }"}},
		{"no entry point", "cannot find", protocol.Init{Main: "niam", Code: "pub fn main() {}"}},
		{"entry point that is no name", "is no Rust identifier", protocol.Init{Main: "a; b", Code: "pub fn main() {}"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := serveKind(t, "rust", nil)
			if status, body := c.init(tc.init); status != 502 || body != noBinary {
				t.Errorf("got %d %s", status, body)
			}
			if _, err := c.logs(); !strings.Contains(err, tc.log) {
				t.Errorf("no %q in the logs: %q", tc.log, err)
			}
		})
	}
}

func TestRustPanicEndsTheAction(t *testing.T) {
	c := serveKind(t, "rust", nil)
	c.mustInit(protocol.Init{Main: "main", Code: "use serde_json::{Error, Value};\npub fn main(_: Value) -> Result<Value, Error> { panic!(\"boom\") }"})
	c.wantRun(`{}`, 400, `{"error":"command exited"}`)
	if _, err := c.logs(); !strings.Contains(err, "boom") {
		t.Errorf("logs: %q", err)
	}
}

func TestDotnetSaysWhatItCannotFind(t *testing.T) {
	code := assembly(t, "namespace N { public class C { public static string Text() { return null; } public static string Two(string a, string b) { return a; } public static int Number(int n) { throw new System.Exception(\"boom\"); } } }")
	for _, tc := range []struct{ main, log string }{
		{"A", "Assembly::Type::Method"},
		{"B::N.C::Text", "no assembly B.dll"},
		{"A::N.D::Text", "no type N.D"},
		{"A::N.C::Main", "no public method Main"},
		{"A::N.C::Two", "no public method Two with one argument"},
	} {
		t.Run(tc.main, func(t *testing.T) {
			t.Parallel()
			c := serveKind(t, "dotnet", nil)
			if status, body := c.init(protocol.Init{Main: tc.main, Code: code, Binary: true}); status != 502 || body != noBinary {
				t.Errorf("got %d %s", status, body)
			}
			if _, err := c.logs(); !strings.Contains(err, tc.log) {
				t.Errorf("no %q in the logs: %q", tc.log, err)
			}
		})
	}
	t.Run("nothing as result", func(t *testing.T) {
		c := serveKind(t, "dotnet", nil)
		c.mustInit(protocol.Init{Main: "A::N.C::Text", Code: code, Binary: true})
		c.wantRun(`{}`, 502, noResult)
	})
	t.Run("exception", func(t *testing.T) {
		c := serveKind(t, "dotnet", nil)
		c.mustInit(protocol.Init{Main: "A::N.C::Number", Code: code, Binary: true})
		status, body := c.run(`{}`)
		if status != 200 || !strings.Contains(body, "error") {
			t.Errorf("got %d %s", status, body)
		}
	})
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
