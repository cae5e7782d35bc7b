package runtimes

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Host is what this host has for one kind.
type Host struct {
	// Kind is as in the manifest, such as "python:3.11".
	Kind   string
	Family Family
	// Path is the interpreter, or the compiler of a compiled family; symbolic links resolved.
	Path string
	// Prefixes are the directories that a sandbox must show, read-only, for Path to work.
	Prefixes []string
	// Version is what Path says of itself.
	Version string
	// Missing is why the kind can not run here; empty when it can. Hint says how to get it.
	Missing, Hint string
	// ClassPath is the jar files that the launcher needs.
	ClassPath []string
	// classes is the folder of the compiled launcher, relative to where FS is laid out; set by LayOut.
	classes string
	// compiler compiles the launcher of .NET, and references are what it is compiled with.
	// root is the folder of the installation.
	compiler, references, root string
	// crates is the folder of crates that come with the launcher of Rust; set by LayOut. linker is
	// the linker that its compiler calls.
	crates, linker string
}

// Usable says whether the kind can run here.
func (h Host) Usable() bool { return h.Missing == "" }

// Argv is the command line of the family's launcher, for Interpreted families; dir is where FS is
// laid out, as the launcher sees it.
func (h Host) Argv(dir string) []string {
	launcher := path.Join(dir, h.Family.Launcher)
	switch h.Family.Name {
	case "python":
		return []string{h.Path, "-X", "utf8", "-B", launcher}
	case "php":
		return []string{h.Path, "-n", "-d", "memory_limit=-1", "-d", "display_errors=stderr", launcher}
	case "ruby":
		return []string{h.Path, "-Eutf-8:utf-8", launcher}
	case "java":
		argv := []string{h.Path, "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dfile.encoding=UTF-8"}
		if compareVersions(h.Version, "9") >= 0 {
			argv = append(argv, "--add-opens=java.base/java.util=ALL-UNNAMED")
		}
		if h.classes == "" {
			return append(argv, "-cp", join(h.ClassPath), launcher)
		}
		return append(argv, "-cp", join(append([]string{path.Join(dir, h.classes)}, h.ClassPath...)), "Launcher")
	case "dotnet":
		return append([]string{h.Path, path.Join(dir, h.classes, "Launcher.dll")}, h.ClassPath...)
	}
	return []string{h.Path, launcher}
}

// WaitArgs are arguments after those of Argv for a launcher that will wait for its action, and may
// use the time.
func (h Host) WaitArgs() []string {
	if h.Family.Name == "nodejs" {
		return []string{"--rehearse"}
	}
	return nil
}

// ZygoteArgv is the command line of a zygote, which forks launchers that are ready; false if the
// family has none.
func (h Host) ZygoteArgv(dir string) ([]string, bool) {
	if h.Family.Name != "python" {
		return nil, false
	}
	argv := h.Argv(dir)
	return slices.Insert(argv, len(argv)-1, path.Join(dir, "python", "zygote.py")), true
}

func join(files []string) string { return strings.Join(files, ":") }

// Environ is what the launcher's environment needs beyond the platform's own.
func (h Host) Environ() []string {
	env := []string{"LANG=C.UTF-8", "LC_ALL=C.UTF-8"}
	switch h.Family.Name {
	case "python":
		return append(env, "PYTHONIOENCODING=utf-8:backslashreplace", "PYTHONUNBUFFERED=1")
	case "dotnet":
		return append(env, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1", "DOTNET_ROLL_FORWARD=Major",
			"DOTNET_EnableDiagnostics=0", "COMPlus_EnableDiagnostics=0")
	case "go":
		return append(env, "GOTOOLCHAIN=local")
	}
	return env
}

// String names the host for a message.
func (h Host) String() string {
	if !h.Usable() {
		return fmt.Sprintf("%s: %s (%s)", h.Kind, h.Missing, h.Hint)
	}
	return fmt.Sprintf("%s: %s %s", h.Kind, h.Path, h.Version)
}
