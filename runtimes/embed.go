//go:build !nocrates

package runtimes

import "embed"

// FS holds one folder per family with its launcher and the recipe of its images, and what some
// launchers bring along as archives.
//
//go:embed nodejs python php ruby java dotnet go rust swift bash blackbox
var FS embed.FS
