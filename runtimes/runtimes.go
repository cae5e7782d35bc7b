// Package runtimes holds what the platform knows of languages: the manifest of kinds, the launchers
// that run inside a sandbox, and how to find an interpreter for a kind on this host. It starts no
// action; see internal/protocol for what launchers speak.
package runtimes

import (
	_ "embed" // the manifest
	"path"
	"slices"
	"strings"
)

//go:embed runtimes.json
var manifest []byte

// Manifest returns the standard runtimes manifest, in OpenWhisk's format (2.1.1).
func Manifest() []byte { return slices.Clone(manifest) }

// Mode is how an action of a family runs.
type Mode int

const (
	// Interpreted: the family's launcher runs under the host's interpreter and loads the action.
	Interpreted Mode = iota
	// PerRun: the exec launcher of this binary runs the executable anew for every activation, with
	// the arguments on stdin and the result as last line of stdout.
	PerRun
	// ActionLoop: the exec launcher of this binary becomes the executable, which then answers line
	// by line for as long as it lives.
	ActionLoop
)

// Family describes how actions of a language are laid out and run.
type Family struct {
	// Name is the part of the kind before the colon.
	Name string
	Mode Mode
	// Launcher is a file of FS, for Interpreted.
	Launcher string
	// CodeFile is the name under which a single file of code is laid out; empty when source text
	// travels in the init line.
	CodeFile string
	// KeepArchive: an archive is laid out as CodeFile, not extracted.
	KeepArchive bool
	// Entries names files of which a folder of code has at least one, surest sign first; Extensions
	// are those of single files of code.
	Entries    []string
	Extensions []string
	// Compiled: source is compiled before init, by Compile. SourceFile is then the name under which
	// source text is laid out.
	Compiled   bool
	SourceFile string
	// Concurrent: the launcher can have several activations in flight.
	Concurrent bool
	// StubCode: an init without code is legal, and runs a stub.
	StubCode bool
	// RequireMain: there is no standard entry point. Else it is "main".
	RequireMain bool
	// Interpreter is run with the executable file as argument, for PerRun code without #!.
	Interpreter string
}

// Families are the ones that run without a container image, and the skeleton for blackbox actions.
func Families() []Family {
	return []Family{
		{Name: "nodejs", Launcher: "nodejs/launcher.cjs", Concurrent: true, Entries: []string{"package.json", "index.js"}, Extensions: []string{".js", ".cjs", ".mjs"}},
		{Name: "python", Launcher: "python/launcher.py", Entries: []string{"__main__.py"}, Extensions: []string{".py"}},
		{Name: "php", Launcher: "php/launcher.php", Entries: []string{"index.php"}, Extensions: []string{".php"}},
		{Name: "ruby", Launcher: "ruby/launcher.rb", Entries: []string{"main.rb"}, Extensions: []string{".rb"}},
		{Name: "java", Launcher: "java/Launcher.java", CodeFile: "action.jar", KeepArchive: true, RequireMain: true, Extensions: []string{".jar"}},
		{Name: "dotnet", Launcher: "dotnet/Launcher.cs", CodeFile: "action.dll", RequireMain: true, Entries: []string{"*.deps.json", "*.dll"}, Extensions: []string{".dll"}},
		{
			Name: "go", Mode: ActionLoop, CodeFile: "exec", Compiled: true, SourceFile: "main.go",
			Entries: []string{"go.mod", "main.go"}, Extensions: []string{".go"},
		},
		{
			Name: "rust", Mode: ActionLoop, CodeFile: "exec", Compiled: true, SourceFile: "src/lib.rs",
			Entries: []string{"Cargo.toml", "src/lib.rs"}, Extensions: []string{".rs"},
		},
		{
			Name: "swift", Mode: ActionLoop, CodeFile: "exec", Compiled: true, SourceFile: "main.swift",
			Entries: []string{"main.swift", "Package.swift"}, Extensions: []string{".swift"},
		},
		{Name: "bash", Mode: PerRun, CodeFile: "exec", Interpreter: "bash", Extensions: []string{".sh", ".bash"}},
		{Name: "blackbox", Mode: PerRun, CodeFile: "exec", Entries: []string{"exec"}, StubCode: true},
	}
}

// FamilyOf returns the family of a kind such as "nodejs:20"; false when it needs a container image.
func FamilyOf(kind string) (Family, bool) {
	name, _, _ := strings.Cut(kind, ":")
	for _, f := range Families() {
		if f.Name == name {
			return f, true
		}
	}
	return Family{}, false
}

// FamilyOfFile guesses the family from the name of a single file of code.
func FamilyOfFile(name string) (Family, bool) {
	extension := strings.ToLower(path.Ext(name))
	for _, f := range Families() {
		if slices.Contains(f.Extensions, extension) {
			return f, true
		}
	}
	return Family{}, false
}

// FamilyOfFolder guesses the family from the names of a folder's files, relative and with slashes.
func FamilyOfFolder(names []string) (Family, bool) {
	for _, f := range Families() {
		if f.Has(names) {
			return f, true
		}
	}
	return Family{}, false
}

// Has says whether one of the names is of an entry file of the family.
func (f Family) Has(names []string) bool {
	for _, pattern := range f.Entries {
		if slices.ContainsFunc(names, func(name string) bool {
			ok, err := path.Match(pattern, name)
			return ok && err == nil
		}) {
			return true
		}
	}
	return false
}
