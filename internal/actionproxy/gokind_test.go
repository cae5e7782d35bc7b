package actionproxy_test

import (
	"strings"
	"testing"

	"github.com/gowhisk/gowhisk/internal/protocol"
	"github.com/gowhisk/gowhisk/runtimes"
)

// What every kind has in common is in package protocoltest; cmd/actionproxy certifies them all.

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
