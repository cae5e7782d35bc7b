package actionproxy_test

import (
	"testing"

	"github.com/gowhisk/gowhisk/internal/protocol"
)

func TestRustEntryPointForms(t *testing.T) {
	const head = "extern crate serde_json;\n#[macro_use]\nextern crate serde_derive;\nuse serde_json::{Error, Value};\n"
	for _, tc := range []struct{ name, code, value, want string }{
		{"value", head + `#[derive(Deserialize)] struct A { name: String } #[derive(Serialize)] struct B { greeting: String }
pub fn main(args: Value) -> Result<Value, Error> { let a: A = serde_json::from_value(args)?; serde_json::to_value(B { greeting: format!("Hello, {}", a.name) }) }`,
			`{"name":"Ada"}`, `{"greeting":"Hello, Ada"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := serveKind(t, "rust", nil)
			c.mustInit(protocol.Init{Main: "main", Code: tc.code})
			c.wantRun(tc.value, 200, tc.want)
		})
	}
}
