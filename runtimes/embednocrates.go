//go:build nocrates

package runtimes

import "embed"

// FS is without the crates of Rust: an image of Rust has them beside the proxy.
//
//go:embed nodejs python php ruby java dotnet go swift bash blackbox
//go:embed rust/main.rs rust/recipe.json
var FS embed.FS
